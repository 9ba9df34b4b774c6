"""What is easily got wrong at first is said at once, and says what to write."""

from typing import Any

import pytest

from callboard import (
    Child,
    DataMessage,
    Node,
    SpecError,
    Supervisor,
    Unhandled,
    Worker,
    job,
    on,
    worker_ready,
)


class Greet(DataMessage):
    name: str


class Greeter(Worker):
    @on(Greet)
    def greet(self, message: Greet) -> str:
        return f"Hello, {message.name}!"

    @job("greet")
    def greet_at_length(self, _: object) -> str:
        return "Hello!"


class Tree(Supervisor):
    children = [Child("greeter", Greeter)]


@pytest.mark.parametrize("declare", [on(Greet), job("greet"), worker_ready("greeter")])
def test_a_handler_that_takes_no_message_is_an_error_when_the_class_is_made(declare: Any) -> None:
    def alone(_self: Worker) -> None: ...

    def with_one_too_many(_self: Worker, _message: object, _more: object) -> None: ...

    for handler in (alone, with_one_too_many):
        with pytest.raises(SpecError, match=r"Mine\.handle: .* must take self and one argument"):
            type("Mine", (Worker,), {"handle": declare(handler)})


def test_a_handler_may_take_more_that_has_a_default() -> None:
    class Mine(Worker):
        @on(Greet)
        def greet(self, message: Greet, *, politely: bool = True) -> bool:
            return politely

    assert Mine.table.find(Greet) is not None


def test_a_decorator_without_parentheses_is_an_error_that_shows_them() -> None:
    def handle(_self: Worker, _message: object) -> None: ...

    decorators: list[tuple[Any, str]] = [
        (on, "@on"),
        (job, "@job"),
        (worker_ready, "@worker_ready"),
    ]
    for decorator, name in decorators:
        with pytest.raises(TypeError, match=rf"write {name}\("):
            decorator(handle)


async def test_a_class_in_place_of_a_message_is_named_as_such() -> None:
    async with Node(Tree) as node:
        with pytest.raises(Unhandled, match=r"was sent a class.*Greet\(\.\.\.\)"):
            await node.ask("greeter", Greet)


async def test_a_job_is_asked_for_by_name_and_a_ref_is_an_error_at_once() -> None:
    async with Node(Tree) as node:
        ref: Any = node.ref("greeter")
        with pytest.raises(TypeError, match="by the worker's name, not <WorkerRef greeter>"):
            await node.request(ref, "greet")
        assert await node.request(ref.name, "greet") == "Hello!"
