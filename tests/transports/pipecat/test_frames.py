"""Frames over a channel of Pipecat: their bridges and our workers, our bridges and theirs."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import pytest

from callboard import Child, Node
from callboard.actors.frames import frame as frames
from callboard.actors.frames.bridge import Bridge
from callboard.actors.frames.frame import Direction, Frame
from callboard.actors.frames.pipeline import Stage
from callboard.actors.frames.pipelined import PipelineWorker
from callboard.actors.frames.worker import FrameWorker
from tests.transports.pipecat.brokers import Broker
from tests.transports.pipecat.cast import Log, Ours, is_ready, tree, until
from tests.transports.pipecat.theirs import Theirs

pytestmark = pytest.mark.realtime

NUMBERS = itertools.count(1)

HELLO = {"class": "TextFrame", "fields": {"text": "hello"}}


class Ear(Ours, FrameWorker):
    """Hears frames, and answers them."""

    def __init__(
        self, log: Log, *, active: bool = True, on: tuple[str, ...] = (), greeting: str = ""
    ) -> None:
        super().__init__(log, active=active)
        self.bridged = on  # type: ignore[misc]
        self._greeting = greeting

    async def on_activated(self, args: Any) -> None:
        await super().on_activated(args)
        if self._greeting:
            await self.push_frame(frames.TextFrame(self._greeting))

    async def on_frame(self, frame: Frame, direction: Direction) -> None:
        self.log.append((self.name, (frame, direction)))
        match frame:
            case frames.TextFrame(text):
                await self.push_frame(frames.TextFrame(f"{self.name} heard {text}"), direction)
            case frames.InputAudioFrame(audio, rate):
                await self.push_frame(frames.SpeechAudioFrame(audio[::-1], rate), direction)
            case _:
                pass


class Note(Stage):
    """Notes what comes by."""

    def __init__(self, log: Log, place: str) -> None:
        super().__init__()
        self._log = log
        self._place = place

    async def process(self, frame: Frame, direction: Direction) -> None:
        self._log.append((self._place, (frame, direction)))
        await self.push(frame, direction)


class Owner(PipelineWorker):
    """Has a bridge in its pipeline."""

    def __init__(self, log: Log, bridge: str | None, *, exclusive: bool = False) -> None:
        super().__init__()
        self._log = log
        self._bridge = bridge
        self._exclusive = exclusive

    def build_pipeline(self) -> Sequence[Stage]:
        bridge = Bridge(self._bridge, exclusive=self._exclusive)
        return [Note(self._log, "before"), bridge, Note(self._log, "after")]

    async def on_receive(self, message: Any) -> None:
        await self.queue_frame(message)


def texts(log: Log, place: str) -> list[str]:
    """The words that came there, in order."""
    said = [what[0] for where, what in log if where == place]
    return [frame.text for frame in said if isinstance(frame, frames.TextFrame)]


@pytest.fixture(scope="module")
def theirs(broker: Broker) -> Iterator[Theirs]:
    """A Pipecat process with two pipelines that have bridges, and two workers that are on any."""
    with broker.theirs(
        doers=["doer"],
        mains={"main": None, "voiced": "voice"},
        children={"kid": [], "twin": []},
    ) as process:
        yield process


def came(theirs: Theirs, place: str, **facts: Any) -> list[dict[str, Any]]:
    """What came by at a place of theirs."""
    return [each["frame"] for each in theirs.happened("came", place=place, **facts)]


def _came_twice(theirs: Theirs, place: str, frame: dict[str, Any]) -> bool:
    return came(theirs, place).count(frame) == 2


@pytest.mark.check("M141")
async def test_our_worker_is_on_a_bridge_of_theirs(broker: Broker, theirs: Theirs) -> None:
    log: Log = []
    name = f"ear-{next(NUMBERS)}"
    await theirs.ready()
    child = Child(name, partial(Ear, log))
    async with Node(tree(child), transports=[broker.transport()]) as node:
        await until(lambda: is_ready(node, "main"))
        await theirs.do("push", worker="main", **HELLO)
        await until(lambda: (name, (frames.TextFrame("hello"), Direction.DOWN)) in log)
        answer = {"class": "TextFrame", "text": f"{name} heard hello"}
        await until(lambda: answer in came(theirs, "main after", direction="DOWNSTREAM"))
        # It does not go on at the bridge there, and comes back once.
        assert {"class": "TextFrame", "text": "hello"} not in came(theirs, "main after")
        assert came(theirs, "main after").count(answer) == 1

        # Upwards.
        await theirs.do("push", worker="main", **HELLO, direction="UPSTREAM")
        await until(lambda: (name, (frames.TextFrame("hello"), Direction.UP)) in log)
        await until(lambda: answer in came(theirs, "main before", direction="UPSTREAM"))

        # Sound.
        audio = bytes(range(256)) * 5
        fields = {"audio": audio, "sample_rate": 16_000, "num_channels": 1}
        await theirs.do("push", worker="main", **{"class": "InputAudioRawFrame", "fields": fields})
        heard = frames.InputAudioFrame(audio, 16_000)
        await until(lambda: (name, (heard, Direction.DOWN)) in log)
        spoken = {"class": "TTSAudioRawFrame", "audio": audio[::-1], "sample_rate": 16_000}
        await until(lambda: spoken in came(theirs, "main after"))
        assert node.events.counts["frames_lost"] == 0


@pytest.mark.check("M141", "M136")
async def test_names_of_bridges_are_kept_to(broker: Broker, theirs: Theirs) -> None:
    log: Log = []
    number = next(NUMBERS)
    voice, other, every = f"voice-{number}", f"other-{number}", f"every-{number}"
    await theirs.ready()
    children = [
        Child(name, partial(Ear, log, on=on))
        for name, on in ((voice, ("voice",)), (other, ("other",)), (every, ()))
    ]
    async with Node(tree(*children), transports=[broker.transport()]) as node:
        await until(lambda: is_ready(node, "voiced"))
        for _ in range(2):
            await theirs.do("push", worker="voiced", **HELLO)
        for name in (voice, every):
            answer = {"class": "TextFrame", "text": f"{name} heard hello"}
            await until(partial(_came_twice, theirs, "voiced after", answer))
            assert answer not in came(theirs, "main after")
        assert texts(log, other) == []


@pytest.mark.check("M141", "M137")
async def test_only_who_is_active_hears_and_the_first_words_are_not_lost(
    broker: Broker, theirs: Theirs
) -> None:
    log: Log = []
    number = next(NUMBERS)
    first, second = f"first-{number}", f"second-{number}"
    await theirs.ready()
    children = [
        Child(name, partial(Ear, log, active=False, greeting=f"{name} is here"))
        for name in (first, second)
    ]
    async with Node(tree(*children), transports=[broker.transport()]) as node:
        await until(lambda: is_ready(node, "main"))
        await theirs.knows(first, second)
        await theirs.do("activate", by="doer", worker=first, args={})
        # Nothing has come from a bridge of theirs, so that nobody knows that there is one.
        greeting = {"class": "TextFrame", "text": f"{first} is here"}
        await until(lambda: greeting in came(theirs, "main after"))
        await theirs.do("push", worker="main", **HELLO)
        await until(lambda: len(texts(log, first)) == 1)
        await theirs.do("deactivate", by="doer", worker=first)
        await until(lambda: ("deactivated", first) in log)
        counts = node.events.counts
        before = counts["frames_for_nobody"]
        await theirs.do("push", worker="main", **HELLO)
        # Two workers of theirs say each its own: nothing orders what they say.
        await until(lambda: counts["frames_for_nobody"] == before + 1)
        await theirs.do("activate", by="doer", worker=second, args={})
        for _ in range(3):
            await theirs.do("push", worker="main", **HELLO)
        await until(lambda: len(texts(log, second)) == 3)
        greeting = {"class": "TextFrame", "text": f"{second} is here"}
        await until(lambda: greeting in came(theirs, "main after"))
        assert (len(texts(log, first)), len(texts(log, second))) == (1, 3)


@pytest.mark.check("M141", "M133")
async def test_their_worker_is_on_a_bridge_of_ours(broker: Broker, theirs: Theirs) -> None:
    log: Log = []
    name = f"owner-{next(NUMBERS)}"
    await theirs.ready()
    child = Child(name, partial(Owner, log, "voice"))
    async with Node(tree(child), transports=[broker.transport()]) as node:
        await until(lambda: is_ready(node, "kid"))
        await theirs.do("activate", by="doer", worker="kid", args={})
        node.tell(name, frames.TextFrame("hello"))
        await until(lambda: texts(log, "after") == ["kid: HELLO"])
        assert texts(log, "before") == ["hello"]
        heard = {"class": "TextFrame", "text": "hello"}
        [event] = await theirs.until("heard", worker="kid", frame=heard)
        assert event["direction"] == "DOWNSTREAM"

        audio = bytes(range(256)) * 5
        node.tell(name, frames.InputAudioFrame(audio, 16_000))
        echoed = (frames.InputAudioFrame(audio, 16_000), Direction.DOWN)
        await until(lambda: ("after", echoed) in log)

        node.tell(name, frames.InterruptionFrame())
        await until(lambda: ("after", (frames.InterruptionFrame(), Direction.DOWN)) in log)
        node.tell(name, frames.TextFrame("again"))
        await until(lambda: texts(log, "after") == ["kid: HELLO", "kid: AGAIN"])

        # Of a frame that they have no word for it is counted.
        node.tell(name, frames.ProgressFrame("w", "j", "half"))
        await until(lambda: node.events.counts["frames_without_counterpart"])
        await theirs.do("deactivate", by="doer", worker="kid")


@pytest.mark.check("M141", "M137")
async def test_a_conversation_goes_from_theirs_to_ours_and_on_to_theirs(
    broker: Broker, theirs: Theirs
) -> None:
    log: Log = []
    number = next(NUMBERS)
    owner, ear = f"owner-{number}", f"ear-{number}"
    await theirs.ready()
    children = [
        Child(owner, partial(Owner, log, None, exclusive=True)),
        Child(ear, partial(Ear, log, active=False)),
    ]
    async with Node(tree(*children), transports=[broker.transport()]) as node:
        await until(lambda: is_ready(node, "kid") and is_ready(node, "twin"))
        await theirs.knows(ear)
        await theirs.do("activate", by="doer", worker="kid", args={})
        said = itertools.count(1)

        async def ask(expected: str) -> None:
            word = f"word {next(said)}"
            node.tell(owner, frames.TextFrame(word))
            await until(lambda: expected.format(word.upper(), word) in texts(log, "after"))

        await ask("kid: {0}")
        await theirs.do("activate", by="kid", worker=ear, args={}, deactivate_self=True)
        await until(lambda: ("activated", (ear, {})) in log)
        await ask(f"{ear} heard {{1}}")
        await node.request(ear, "activate", ("twin", {}, True), timeout=60)
        await ask("twin: {0}")
        # Each word was answered by one.
        assert len(texts(log, "after")) == 3
        await theirs.do("deactivate", by="doer", worker="twin")
