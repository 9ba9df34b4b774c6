"""Trees that end, each in its own way."""
# ruff: noqa: T201 (what they print is what the tests see)

import sys
from functools import partial

from callboard import Backoff, Child, DataMessage, Restarts, Supervisor, Worker, on


class Act(DataMessage):
    pass


class Actor(Worker):
    def __init__(self, act: str) -> None:
        super().__init__()
        self._act = act

    async def on_start(self) -> None:
        self.actor_ref.tell(Act())

    @on(Act)
    async def act(self, message: Act) -> None:
        match self._act:
            case "raise":
                raise ValueError("the trapdoor is open")
            case "interrupt":
                raise KeyboardInterrupt
            case "exit":
                sys.exit(7)
            case "end":
                self.stop()
            case other:
                raise AssertionError(other)


class Audience(Worker):
    async def on_stop(self) -> None:
        print("audience stopped", flush=True)


class NoStart(Worker):
    async def on_start(self) -> None:
        raise OSError("no stage")


def _with(act: str) -> Supervisor:
    return Supervisor(
        [
            Child("audience", Audience),
            Child("actor", partial(Actor, act), restart="transient", significant=True),
        ],
        restarts=Restarts(1, 60.0, Backoff(min=0.0)),
        auto_shutdown="any_significant",
    )


failing = partial(_with, "raise")
interrupting = partial(_with, "interrupt")
leaving = partial(_with, "exit")
ending = partial(_with, "end")


class Unstartable(Supervisor):
    children = [Child("audience", Audience), Child("late", NoStart)]


def misspelt() -> Supervisor:
    return Supervisor([{"name": "actor", "factory": Audience, "restrat": "permanent"}])


class Nearly(Supervisor):
    childrens = [Child("audience", Audience)]
    stratgy = "one_for_all"


class Inner(Supervisor):
    children = [{"name": "deep", "factory": Audience, "restart": "sometimes"}]


class Outer(Supervisor):
    children = [Child("audience", Audience), Child("inner", Inner)]


class Needy(Supervisor):
    children = [Child("actor", Actor)]  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


class Twins(Supervisor):
    children = [
        Child("audience", Audience),
        Child("inner", partial(Supervisor, [Child("audience", Audience)])),
    ]


class Refusing(Supervisor):
    def __init__(self) -> None:
        raise RuntimeError("not today")


class Holder(Supervisor):
    children = [Child("refusing", Refusing)]


no_tree = 5
