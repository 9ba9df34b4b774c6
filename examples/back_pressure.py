"""Back-pressure: a mailbox has a bound, and a sender can wait for room.

    $ python -m callboard.examples.back_pressure
    full: the courier holds 2 parcels, and a third is refused
    sent 2
    sent 3
    sent 4
    delivered: 0 1 2 3 4

`await send()` waits, `tell` never does: it raises. With other policies a full mailbox drops the
oldest or the newest message; what is dropped is kept as a dead letter. A drain ends the node as
soon as all that was sent has been handled.
"""

import asyncio

from callboard import Child, DataMessage, MailboxFull, Node, Supervisor, Worker, on


class Parcel(DataMessage):
    number: int


class Courier(Worker):
    def on_start(self) -> None:
        self.delivered: list[int] = []

    @on(Parcel)
    async def deliver(self, parcel: Parcel) -> None:
        await asyncio.sleep(0.02)
        self.delivered.append(parcel.number)

    def on_stop(self) -> None:
        print("delivered:", *self.delivered)


class Tree(Supervisor):
    children = [Child("courier", Courier, bound=2, overflow="wait")]


async def main() -> None:
    async with Node(Tree) as node:
        node.tell("courier", Parcel(0))
        node.tell("courier", Parcel(1))
        try:
            node.tell("courier", Parcel(2))
        except MailboxFull as full:
            print(f"full: the courier holds {full.bound} parcels, and a third is refused")
        for number in range(2, 5):
            await node.send("courier", Parcel(number))
            print("sent", number)
        await node.drain()


if __name__ == "__main__":
    asyncio.run(main())
