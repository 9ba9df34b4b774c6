"""Any object with the method of the protocol is a model; a worker builds its own in each life."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from callboard import ActorFailed, Child, LLMWorker, Model, Node, Supervisor, on
from callboard.actors.llm import Finished, ModelEvent, TextPiece
from tests.actors.jobs.crew import Boom


class Parrot:
    """A model that nobody here has written: it says what it heard last."""

    async def respond(
        self,
        messages: Sequence[dict[str, Any]],
        tools: Any = None,
        *,
        tool_choice: Any = None,
    ) -> AsyncIterator[ModelEvent]:
        yield TextPiece(f"{messages[-1]['content']}, ")
        yield TextPiece(f"{messages[-1]['content']}!")
        yield Finished("stop")


@pytest.mark.check("M152")
async def test_any_model_of_the_protocol_speaks_and_is_built_anew_in_each_incarnation() -> None:
    built: list[Model] = []

    class Talker(LLMWorker):
        active = True

        def build_model(self) -> Model:
            built.append(Parrot())
            return built[-1]

        @on(str)
        def fail(self, text: str) -> None:
            raise Boom(text)

    async with Node(Supervisor([Child("a", Talker)])) as node:
        assert await node.request("a", payload="hello") == "hello, hello!"
        assert await node.request("a", payload="you") == "you, you!"
        assert len(built) == 1
        with pytest.raises(ActorFailed):
            await node.ask("a", "oh")
        assert await node.request("a", payload="again") == "again, again!"
        assert len(built) == 2 and built[0] is not built[1]
