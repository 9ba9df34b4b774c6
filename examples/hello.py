"""Hello: a worker, a message, an answer.

    $ python -m callboard.examples.hello
    Hello, Ada!

A worker has private state and one mailbox; a supervisor starts it and keeps it alive; a node is
the place where all this runs. That is the whole idea, the other examples add to it.
"""

import asyncio

from callboard import Child, DataMessage, Node, Supervisor, Worker, on


class Greet(DataMessage):
    name: str


class Greeter(Worker):
    @on(Greet)
    async def greet(self, message: Greet) -> str:
        return f"Hello, {message.name}!"


class Tree(Supervisor):
    children = [Child("greeter", Greeter)]


async def main() -> None:
    async with Node(Tree) as node:
        print(await node.ask("greeter", Greet("Ada")))


if __name__ == "__main__":
    asyncio.run(main())
