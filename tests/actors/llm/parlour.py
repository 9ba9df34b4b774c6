"""A main worker with a bridge, talkers on it, and what is heard of them, for the tests of LLMs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, ClassVar, cast

from callboard import Backoff, Child, Node, Restarts, Supervisor, Worker
from callboard.actors.frames import (
    Frame,
    InterruptionFrame,
    ReplyEndFrame,
    ReplyTextFrame,
    TranscriptionFrame,
)
from callboard.actors.llm import LLMWorker
from callboard.actors.testing import eventually
from tests.actors.frames.studio import Main, worker_of

__all__ = ["Parlour", "Talker", "kinds", "now", "parlour", "words"]


class Talker(LLMWorker):
    """Is on every bridge, and active from the start; notes the replies of its turns."""

    bridged: ClassVar[tuple[str, ...] | None] = ()
    active = True

    async def on_start(self) -> None:
        self.ended: list[str] = []

    async def on_turn_ended(self, reply: str) -> None:
        self.ended.append(reply)


class Parlour:
    """A node with a main worker and talkers."""

    def __init__(self, node: Node) -> None:
        self.node = node

    @property
    def main(self) -> Main:
        return cast("Main", worker_of(self.node, "main"))

    def worker(self, name: str) -> Any:
        return worker_of(self.node, name)

    @property
    def heard(self) -> list[Frame]:
        """What has come to the stage after the bridge."""
        return self.main.after.frames

    @property
    def replies(self) -> int:
        """How many replies have ended."""
        return sum(isinstance(each, ReplyEndFrame) for each in self.heard)

    async def say(self, text: str) -> None:
        """Say something to whoever is active."""
        await self.main.queue_frame(TranscriptionFrame(text))

    async def interrupt(self) -> None:
        await self.main.queue_frame(InterruptionFrame())

    async def reply(self, text: str) -> str:
        """Say something, and wait for the reply; return its words."""
        before, number = len(self.heard), self.replies
        await self.say(text)
        await eventually(lambda: self.replies == number + 1, within=600)
        return words(self.heard[before:])

    async def until(self, condition: Callable[[], bool]) -> None:
        await eventually(condition, within=600)

    async def until_heard(self, text: str) -> None:
        """Wait until the words heard so far end so."""
        await self.until(lambda: words(self.heard).endswith(text))


@asynccontextmanager
async def parlour(
    *workers: tuple[str, Callable[[], Worker]], heard: str | None = "a"
) -> AsyncGenerator[Parlour, None]:
    """A node with these workers; each restarts 0.1 s after a crash. `heard` is heard by then."""
    children = [Child("main", partial(Main, exclusive=True))]
    children += [Child(name, make) for name, make in workers]
    patient = Restarts(intensity=None, backoff=Backoff(min=0.1, factor=1, jitter=0))
    node = Node(Supervisor(children, restarts=patient), watchdog=False)
    async with node:
        place = Parlour(node)
        if heard is not None:
            await eventually(lambda: place.main.bridge.heard == (heard,))
        yield place


def words(frames: Sequence[Frame]) -> str:
    """The words of replies, one after the other."""
    return "".join(each.text for each in frames if isinstance(each, ReplyTextFrame))


def kinds(frames: Sequence[Frame]) -> list[str]:
    """What kinds of frames these are, `Frame` left out; the words of a reply in a row as one."""
    names = [type(each).__name__.removesuffix("Frame") for each in frames]
    return [
        name
        for index, name in enumerate(names)
        if name != "ReplyText" or index == 0 or names[index - 1] != "ReplyText"
    ]


def now() -> float:
    return asyncio.get_running_loop().time()
