"""Priorities: a mailbox has four lanes, and the first of them goes first.

    $ python -m callboard.examples.priorities
    everybody out!
    a patient with a broken arm
    a patient who was called in
    a patient with a cold
    a patient who wants a certificate

Inside a lane it is first come, first served. A message class names its lane, and a send may choose
another one. Only system messages travel on the first lane.
"""

import asyncio

from callboard import Child, DataMessage, Lane, Node, Supervisor, SystemMessage, Worker, on


class Patient(DataMessage):
    what: str


class Emergency(DataMessage, lane=Lane.HIGH):
    what: str


class FireAlarm(SystemMessage):
    pass


class Surgery(Worker):
    @on(Patient, Emergency)
    def treat(self, patient: Patient | Emergency) -> None:
        print("a patient", patient.what)

    @on(FireAlarm)
    def clear(self, _: FireAlarm) -> None:
        print("everybody out!")


class Tree(Supervisor):
    children = [Child("surgery", Surgery)]


async def main() -> None:
    async with Node(Tree) as node:
        # Nothing is awaited in between, so all of them wait when the worker has its first turn.
        last = node.ask("surgery", Patient("who wants a certificate"), lane=Lane.LOW)
        node.tell("surgery", Patient("with a cold"))
        node.tell("surgery", Emergency("with a broken arm"))
        node.tell("surgery", Patient("who was called in"), lane=Lane.HIGH)
        node.tell("surgery", FireAlarm())
        await last


if __name__ == "__main__":
    asyncio.run(main())
