"""Restart: a worker that fails is built anew, and its mail waits for the next one.

    $ python -m callboard.examples.restart
    life 1 counts 1
    life 1 counts 2
    'counter' failed: ValueError: no number in 'x'
    life 2 counts 1

All four are sent before the first is handled. Name and ref are the same before and after. What was
in the failed worker is gone: the next one begins in a state that is known to be good. The message
that failed is not tried again, unless its child spec says `redeliver`.
"""

import asyncio

from callboard import ActorFailed, Child, DataMessage, Node, Restarts, Supervisor, Worker, on


class Add(DataMessage):
    text: str


class Counter(Worker):
    def on_start(self) -> None:
        self.count = 0

    @on(Add)
    def add(self, message: Add) -> str:
        if not message.text.isdigit():
            raise ValueError(f"no number in {message.text!r}")
        self.count += int(message.text)
        return f"life {self.incarnation} counts {self.count}"


class Tree(Supervisor):
    restarts = Restarts(intensity=3, period=5)  # the fourth within 5 seconds is one too many
    children = [Child("counter", Counter)]


async def main() -> None:
    async with Node(Tree) as node:
        for answer in [node.ask("counter", Add(text)) for text in ("1", "1", "x", "1")]:
            try:
                print(await answer)
            except ActorFailed as error:
                print(error)


if __name__ == "__main__":
    asyncio.run(main())
