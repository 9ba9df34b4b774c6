"""Two talkers, of whom one hands over to the other by its tools."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any, ClassVar

from callboard.actors.frames import (
    SpeakFrame,
)
from callboard.actors.llm import (
    Call,
    ChatMessage,
    LLMActivationArgs,
    LLMWorker,
    Say,
    ScriptedModel,
    after,
    tool,
    when,
)
from tests.actors.llm.parlour import Parlour, parlour


def user(text: str) -> ChatMessage:
    return {"role": "user", "content": text}


def said(worker: Any) -> list[tuple[str, str | None]]:
    return [(each["role"], each["content"]) for each in worker.conversation]


class Idle(LLMWorker):
    bridged: ClassVar[tuple[str, ...] | None] = ()

    def __init__(self, model: Any = None) -> None:
        super().__init__(model)
        self.log: list[Any] = []

    async def on_turn_ended(self, reply: str) -> None:
        self.log.append(reply)


class Host(Idle):
    """Hands over, and ends the session, by its tools."""

    active = True

    async def on_deactivated(self) -> None:
        self.log.append("deactivated")

    @tool
    async def transfer(self, to: str, reason: str) -> None:
        """Hand the user over."""
        await self.push_frame(SpeakFrame("One moment.", keep=False))
        await self.hand_over(to, [user(reason)])
        self.log.append("handed over")

    @tool
    async def transfer_plainly(self, to: str) -> str:
        await self.activate(to, LLMActivationArgs([user("plainly")]), deactivate_self=True)
        return "it is theirs now"

    @tool
    async def rest(self) -> None:
        await self.deactivate()

    @tool
    async def end(self, reason: str = "they said goodbye") -> None:
        await self.push_frame(SpeakFrame("So long.", keep=False))
        await self.end_session(reason)

    @tool
    async def dawdle(self) -> str:
        await asyncio.sleep(4)
        return "dawdled"


GREET = ScriptedModel(
    when(r"^to (\w+)", "I connect you.", Call("transfer", to="{1}", reason="the lamp is broken")),
    when(r"^plainly", Call("transfer_plainly", to="b")),
    when(r"^both", Call("dawdle"), Call("transfer", to="b", reason="both")),
    when(r"^twice", Call("transfer", to="b", reason="1"), Call("transfer", to="b", reason="2")),
    when(r"^rest", "I rest.", Call("rest")),
    when(r"^bye", "Goodbye.", Call("end")),
    when(r"^slow", Say("one two three four", pace=1)),
    after("transfer", "They do not answer: {error}", failed=True),
    after("end", "I cannot: {error}", failed=True),
    otherwise="Host: {text}",
)


SUPPORT = ScriptedModel(otherwise="Support: {text}")


def pair(**settings: Any) -> Any:
    support = settings.pop("support", Idle)
    return parlour(("a", partial(Host, GREET)), ("b", partial(support, SUPPORT)))


def actives(place: Parlour) -> list[str]:
    return [name for name in ("a", "b") if place.worker(name).active]
