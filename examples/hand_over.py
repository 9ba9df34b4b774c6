"""Hand-over: of several workers one is active, and passes that on in one step.

    $ python -m callboard.examples.hand_over
    sales takes the call: a new customer
    sales steps back
    support takes the call: the lamp is broken
    support keeps the call: no worker is called 'repairs'

There is no moment with both active. If the other worker does not exist or does not answer, the
one that wanted to hand over stays active and gets the error.
"""

import asyncio

from callboard import Child, DataMessage, NoActor, Node, Supervisor, Worker, on


class PassOn(DataMessage):
    to: str
    what: str


class Clerk(Worker):
    active = False

    def on_activated(self, args: str) -> None:
        print(f"{self.name} takes the call: {args}")

    def on_deactivated(self) -> None:
        print(f"{self.name} steps back")

    @on(PassOn)
    async def pass_on(self, message: PassOn) -> None:
        try:
            await self.activate(message.to, message.what, deactivate_self=True)
        except NoActor as error:
            print(f"{self.name} keeps the call: {error.__cause__}")


class Tree(Supervisor):
    children = [Child("sales", Clerk), Child("support", Clerk)]


async def main() -> None:
    async with Node(Tree) as node:
        await node.activate("sales", "a new customer")
        await node.ask("sales", PassOn("support", "the lamp is broken"))
        await node.ask("support", PassOn("repairs", "the lamp is broken"))


if __name__ == "__main__":
    asyncio.run(main())
