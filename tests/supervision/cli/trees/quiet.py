"""Trees that do nothing wrong."""
# ruff: noqa: T201 (what they print is what the tests see)

import os

from callboard import Child, Supervisor, Worker


class Usher(Worker):
    async def on_start(self) -> None:
        number, count = os.environ.get("CALLBOARD_PROCESS"), os.environ.get("CALLBOARD_PROCESSES")
        print(f"{self.name} started in {os.getpid()}, process {number} of {count}", flush=True)

    async def on_stop(self) -> None:
        print(f"{self.name} stopped", flush=True)


class Quiet(Supervisor):
    children = [Child("first", Usher), Child("second", Usher)]


class House:
    """Something with a tree below it: dotted attributes are followed."""

    tree = Quiet


def made() -> Supervisor:
    return Supervisor([Child("only", Usher)])


instance = Supervisor([Child("single", Usher)])


class Nested(Supervisor):
    children = [Child("stalls", Quiet), Child("box", Usher)]
