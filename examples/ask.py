"""Ask: every request ends, with an answer or with an error that says what happened.

    $ python -m callboard.examples.ask
    1 / 4 = 0.25
    ActorFailed: 'calculator' failed: ZeroDivisionError: division by zero
    AskTimeout: 'calculator' did not answer Think within 0.1 s
    NoActor: no worker is called 'abacus'

The division by zero ends the calculator, and its supervisor starts a new one: the next question
waits in the mailbox until then. A timeout only ends the waiting; the worker finishes its work.
"""

import asyncio

from callboard import CallboardError, Child, DataMessage, Node, Supervisor, Worker, on


class Divide(DataMessage):
    a: float
    b: float


class Think(DataMessage):
    seconds: float


class Calculator(Worker):
    @on(Divide)
    def divide(self, message: Divide) -> float:
        return message.a / message.b

    @on(Think)
    async def think(self, message: Think) -> None:
        await asyncio.sleep(message.seconds)


class Tree(Supervisor):
    children = [Child("calculator", Calculator)]


async def main() -> None:
    async with Node(Tree) as node:
        print("1 / 4 =", await node.ask("calculator", Divide(1, 4)))
        for question in (
            node.ask("calculator", Divide(1, 0)),
            node.ask("calculator", Think(seconds=0.5), timeout=0.1),
            node.ask("abacus", Divide(1, 4)),
        ):
            try:
                await question
            except CallboardError as error:
                print(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    asyncio.run(main())
