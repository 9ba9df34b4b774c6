"""One real path through all floors: a supervised worker answers, fails, and answers again."""

from __future__ import annotations

import pytest

from callboard import (
    ActorFailed,
    Backoff,
    Child,
    DataMessage,
    Node,
    Restarts,
    Supervisor,
    Worker,
    job,
    on,
)


class Greet(DataMessage):
    name: str


class Greeter(Worker):
    @on(Greet)
    async def greet(self, message: Greet) -> str:
        if not message.name:
            raise ValueError("nobody to greet")
        return f"Hello, {message.name}!"

    @job("sum")
    async def sum(self, request: object) -> int:
        return sum(request.payload)  # type: ignore[attr-defined]


class Tree(Supervisor):
    restarts = Restarts(backoff=Backoff(min=0.5))
    children = [Child("greeter", Greeter)]


async def test_a_supervised_worker_answers_fails_and_answers_again() -> None:
    async with Node(Tree) as node:
        assert await node.ask("greeter", Greet("Ada")) == "Hello, Ada!"
        with pytest.raises(ActorFailed) as failure:
            await node.ask("greeter", Greet(""))
        assert isinstance(failure.value.__cause__, ValueError)
        assert await node.ask("greeter", Greet("Grace")) == "Hello, Grace!"
        assert await node.request("greeter", "sum", [1, 2, 3]) == 6
