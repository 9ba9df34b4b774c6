"""The local hand-over: who is active when, who owns what, and what a crash costs."""

import asyncio
import random
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from callboard import Child, NoActor, Restarts, Supervisor
from callboard.actors.frames.bridge import Bridge
from callboard.actors.testing import eventually
from callboard.examples.handoff.cast import NAMES, talker, together
from callboard.examples.handoff.front import Front
from callboard.examples.handoff.handover import HandoverWorker
from callboard.examples.talking.events import ReplyPiece, WorkerBack
from callboard.examples.talking.example import Example
from callboard.examples.talking.main_worker import Input, Output
from callboard.examples.talking.session import Session
from tests.examples.handoff.hearing import as_it_is, one_at_a_time, replies, say
from tests.examples.handoff.models import tagged
from tests.examples.talking.cast import read


def activities(session: Session) -> dict[str, bool | None]:
    return {
        worker.name: worker.active
        for worker in session.node.snapshot().workers
        if worker.name in NAMES
    }


class Noting(HandoverWorker):
    """Notes when it becomes active and inactive, at the moment itself."""

    noted: list[tuple[str, bool]]

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "active" and value is not self.active:
            self.noted.append((self.name, value))
        super().__setattr__(name, value)


def noting(noted: list[tuple[str, bool]]) -> Example:
    """The example with workers that note when they are active."""

    def watched(child: Child) -> Child:
        if child.name not in NAMES:
            return child
        make: Any = child.factory
        kind = type("Noted", (Noting, make.func), {"noted": noted})
        return replace(child, factory=partial(kind, *make.args, **make.keywords))

    example = together(as_it_is)
    return replace(example, workers=[watched(child) for child in example.workers])


@pytest.mark.check("M156")
async def test_exactly_one_is_active_from_the_greeting_on_and_never_two() -> None:
    noted: list[tuple[str, bool]] = []
    async with Session(noting(noted)) as session:
        await say(session)
        assert activities(session) == {"greeter": True, "support": False}
        await say(session, "support, please")
        assert activities(session) == {"greeter": False, "support": True}
        await say(session, "back to the greeter")
        assert activities(session) == {"greeter": True, "support": False}
        noted_before_the_end = list(noted)
    assert noted_before_the_end == [
        ("greeter", True),
        ("greeter", False),
        ("support", True),
        ("support", False),
        ("greeter", True),
    ]


@pytest.mark.check("M156")
async def test_the_main_worker_owns_input_bridge_and_output_and_talks_with_nobody() -> None:
    built: list[Front] = []

    class Kept(Front):
        def on_start(self) -> None:
            super().on_start()
            built.append(self)

    async with Session(together(as_it_is, main=Kept)) as session:
        await say(session, "support")
        (main,) = built
        assert main._pipeline is not None  # pyright: ignore[reportPrivateUsage]
        kinds = [type(stage) for stage in main._pipeline.stages]  # pyright: ignore[reportPrivateUsage]
        assert kinds[0] is Input and Bridge in kinds and kinds[-1] is Output
        assert kinds.index(Bridge) == 1, "what the user says goes to who has the floor"
        assert main.bridged is None


async def test_a_hand_over_to_one_who_is_not_there_is_said_and_the_greeter_goes_on() -> None:
    example = together(as_it_is)
    alone = replace(example, workers=[w for w in example.workers if w.name.startswith("greeter")])
    async with Session(alone) as session:
        await say(session, "support!", "what do you sell?")
    assert replies(await read(session))[1:] == [
        "greeter: That is one for support: I hand you over."
        " I cannot reach my colleague just now. Please try again.",
        "greeter: We sell lamps, clocks and radios. Which one shall I tell you about?",
    ]


@pytest.mark.parametrize(
    ("killed", "lines", "question", "answer"),
    [
        ("greeter", ["my name is Ada"], "what is my name?", "You are Ada, if I remember well."),
        ("support", ["hi", "refund please"], "1043", "Done: 89 euros for order 1043 go back to"),
    ],
)
async def test_a_worker_that_is_killed_goes_on_where_it_was(
    killed: str, lines: list[str], question: str, answer: str
) -> None:
    async with Session(together(as_it_is)) as session:
        await say(session, *lines)
        session.node.admin().kill(killed)
        await eventually(lambda: WorkerBack(killed) in session.unread)
        await say(session, question)
    events = await read(session)
    one_at_a_time(events)
    said = replies(events)
    assert said[-1].startswith(f"{killed}: {answer}")
    assert len(set(said)) == len(said), "what was said before is not said again"


@pytest.mark.parametrize("killed", NAMES)
async def test_a_reply_that_a_kill_has_cut_off_is_said_anew(killed: str) -> None:
    async with Session(together(as_it_is)) as session:
        await say(session, *(["support"] if killed == "support" else []))
        await session.say("who are you?")
        await eventually(lambda: session.quiet.speaking == killed)
        session.node.admin().kill(killed)
        assert await session.settled(within=60)
        await say(session, "thanks")
    events = await read(session)
    one_at_a_time(events)
    cut, whole, last = replies(events)[-3:]
    assert whole.startswith(cut) and whole.endswith(".")
    assert last.startswith(f"{killed}: ")


def tagged_workers() -> list[Child]:
    def workers(name: str) -> list[Child]:
        return talker(name, lambda scripted: tagged(name))

    return [*workers("support"), *workers("greeter")]


def kill(session: Session, name: str) -> None:
    with suppress(NoActor):  # it was killed a moment ago
        session.node.admin().kill(name)


def speakers(pieces: list[ReplyPiece]) -> None:
    """Check that each word is of the worker that is shown as its speaker."""
    for piece in pieces:
        for word in piece.text.split():
            assert word.rstrip("0123456789") == piece.speaker


@pytest.mark.parametrize("seed", range(12))
async def test_there_are_never_two_speakers_whatever_happens(seed: int) -> None:
    """Interruptions, hand-overs and kills at random moments, and words that name their speaker."""
    choose = random.Random(seed)
    example = replace(
        together(as_it_is),
        workers=tagged_workers(),
        tree=partial(Supervisor, restarts=Restarts(intensity=1000)),
    )
    async with Session(example) as session:
        await say(session)
        for _ in range(25):
            match choose.randrange(6):
                case 0 | 1:
                    await session.say("switch", interrupt=choose.random() < 0.5)
                case 2 | 3:
                    await session.say("talk", interrupt=choose.random() < 0.5)
                case 4:
                    await session.interrupt()
                case _:
                    kill(session, choose.choice(NAMES))
            await asyncio.sleep(choose.random() * 0.3)
        await session.settled(within=60)
        await session.interrupt()
        await say(session, "talk")
    events = await read(session)
    pieces = one_at_a_time(events)
    speakers(pieces)
    assert {piece.speaker for piece in pieces} == set(NAMES)
