"""With Pykka: a worker is a Pykka actor, so actors of both kinds ask each other.

    $ python -m callboard.examples.with_pykka
    the greeter heard: Ada! Ada!
    the parrot heard: Hello, Ada!

Pykka's own actors have a thread each and may block it, so `ask` gives them the answer itself. Our
workers share the event loop: they await, and `as_awaitable` lets them await a future of Pykka's.
"""

import asyncio

import pykka

from callboard import Child, LocalMessage, Node, Supervisor, Worker, WorkerRef, as_awaitable, on


class Parrot(pykka.ThreadingActor):
    def on_receive(self, message: object) -> str:
        if isinstance(message, WorkerRef):
            return f"the parrot heard: {message.ask('Ada')}"
        return f"{message}! {message}!"


class Listen(LocalMessage):
    to: pykka.ActorRef[Parrot]


class Greeter(Worker):
    def on_receive(self, message: object) -> str:
        return f"Hello, {message}!"

    @on(Listen)
    async def listen(self, message: Listen) -> str:
        return f"the greeter heard: {await as_awaitable(message.to.ask('Ada', block=False))}"


class Tree(Supervisor):
    children = [Child("greeter", Greeter)]


async def main() -> None:
    async with Node(Tree) as node:
        parrot = Parrot.start()
        print(await node.ask("greeter", Listen(parrot)))
        print(await as_awaitable(parrot.ask(node.ref("greeter"), block=False)))
        await as_awaitable(parrot.stop(block=False))


if __name__ == "__main__":
    asyncio.run(main())
