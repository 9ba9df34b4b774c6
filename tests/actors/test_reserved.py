"""A user's class cannot take a name that the runtime uses, and is told so when it is made."""

import inspect
import re

import pytest

from callboard import Actor, DataMessage, SpecError, Supervisor, ThreadWorker, Worker, on
from callboard.actors.frames import FrameWorker, PipelineWorker
from callboard.actors.reserved import RUNTIME_SIDE


class Go(DataMessage):
    pass


@pytest.mark.parametrize("name", ["leave", "tell", "stop", "node", "_call"])
def test_a_handler_that_takes_a_name_of_the_runtime_is_refused(name: str) -> None:
    @on(Go)
    def handler(_self: Worker, _message: Go) -> None: ...

    with pytest.raises(SpecError, match=f"Mine.{name}: handler: .*choose another name"):
        type("Mine", (Worker,), {name: handler})


@pytest.mark.parametrize("name", ["release", "idle", "_family", "_place"])
def test_an_attribute_that_the_runtime_keeps_for_itself_is_refused(name: str) -> None:
    with pytest.raises(SpecError, match=f"Mine.{name}: attribute"):
        type("Mine", (Worker,), {name: None})


@pytest.mark.parametrize("name", ["activation", "refused", "tell_member", "_ends", "_pipeline"])
def test_so_is_one_that_the_bridges_keep(name: str) -> None:
    with pytest.raises(SpecError, match=f"Mine.{name}: attribute"):
        type("Mine", (PipelineWorker,), {name: None})


def test_hooks_settings_and_handlers_may_be_defined_anew() -> None:
    class First(Worker):
        active = False

        def on_start(self) -> None: ...

        def get_state(self) -> dict[str, object]:
            return {}

        @on(Go)
        def go(self, _message: Go) -> None: ...

        @on(object)
        def on_receive(self, message: object) -> None: ...

    class Second(First):
        @on(Go)
        def go(self, _message: Go) -> None: ...

    assert Second.table.find(Go) is not First.table.find(Go)


def test_the_list_of_the_runtime_side_is_complete() -> None:
    told = {
        name
        for owner in (Actor, Worker, ThreadWorker, Supervisor, FrameWorker, PipelineWorker)
        for name, value in vars(owner).items()
        if re.search("for the (runtime|bridges)", inspect.getdoc(value) or "")
        and not name.startswith("_")
    }
    assert told | {"open_bridge", "table"} == RUNTIME_SIDE
