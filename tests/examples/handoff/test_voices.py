"""The voices: a stand-in that speaks each word, and one for each worker."""

import array
import itertools
from collections.abc import Sequence
from typing import Any

import pytest

from callboard.actors.frames.frame import (
    Direction,
    Frame,
    InterruptionFrame,
    ReplyEndFrame,
    ReplyStartFrame,
    ReplyTextFrame,
    SpeakFrame,
    SpeechAudioFrame,
    SpeechStartedFrame,
    SpeechStoppedFrame,
    SpokenTextFrame,
    TextFrame,
    ToolCallFrame,
)
from callboard.actors.frames.pipeline import Pipeline, Stage
from callboard.examples.handoff.cast import together
from callboard.examples.handoff.front import Front, VoicelessFront
from callboard.examples.handoff.voice import RATE, Voice, pitch
from callboard.examples.handoff.voices import VOICES
from callboard.examples.talking.events import ReplyPiece
from callboard.examples.talking.session import Session
from tests.examples.handoff.hearing import as_it_is, one_at_a_time, say
from tests.examples.talking.cast import read


class Ear(Stage):
    """Keeps what comes to it."""

    def __init__(self) -> None:
        self.heard: list[Frame] = []

    async def process(self, frame: Frame, direction: Direction) -> None:
        self.heard.append(frame)
        await self.push(frame, direction)


async def spoken(*frames: Frame, direction: Direction = Direction.DOWN) -> list[Frame]:
    """What comes out of a voice."""
    before, after = Ear(), Ear()
    pipeline = Pipeline([before, Voice("Grace"), after])
    for frame in frames:
        await pipeline.enter(frame, direction)
    return after.heard if direction is Direction.DOWN else before.heard


def waves(sound: SpeechAudioFrame) -> float:
    """The pitch of a sound, from how often it crosses zero."""
    samples = array.array("h", sound.audio)
    crossings = sum(a < 0 <= b or a >= 0 > b for a, b in itertools.pairwise(samples))
    return crossings / 2 / (len(samples) / sound.sample_rate)


async def test_each_word_is_sound_and_then_the_word_between_start_and_stop() -> None:
    heard = await spoken(
        ReplyStartFrame(), ReplyTextFrame("Hello "), ReplyTextFrame("there."), ReplyEndFrame()
    )
    assert [type(frame) for frame in heard] == [
        ReplyStartFrame,
        SpeechStartedFrame,
        SpeechAudioFrame,
        SpokenTextFrame,
        SpeechAudioFrame,
        SpokenTextFrame,
        SpeechStoppedFrame,
        ReplyEndFrame,
    ]
    assert [frame for frame in heard if isinstance(frame, TextFrame)] == [
        SpokenTextFrame("Hello ", "Grace"),
        SpokenTextFrame("there.", "Grace"),
    ]


async def test_a_sound_has_the_pitch_of_its_voice_and_is_as_long_as_its_word() -> None:
    heard = await spoken(ReplyTextFrame("Hello"), ReplyTextFrame("extraordinarily"))
    short, long = (frame for frame in heard if isinstance(frame, SpeechAudioFrame))
    assert len(long.audio) == 3 * len(short.audio) and short.sample_rate == RATE
    assert waves(long) == pytest.approx(pitch("Grace"), rel=0.05)
    assert len({pitch(voice) for voice in ("", *VOICES.values())}) == 3


async def test_words_to_be_spoken_are_a_speech_of_their_own() -> None:
    heard = await spoken(SpeakFrame("Hello."))
    assert [type(frame) for frame in heard] == [
        SpeechStartedFrame,
        SpeechAudioFrame,
        SpokenTextFrame,
        SpeechStoppedFrame,
    ]


async def test_what_is_no_speech_goes_on_as_it_came_and_nothing_is_spoken_twice() -> None:
    others = [ToolCallFrame("look", "1"), SpokenTextFrame("said", "Stefan"), ReplyEndFrame()]
    assert await spoken(*others) == others
    upwards = [TextFrame("a"), ReplyTextFrame("b")]
    assert await spoken(*upwards, direction=Direction.UP) == upwards


async def test_after_an_interruption_the_next_word_begins_a_speech() -> None:
    heard = await spoken(ReplyTextFrame("Hel"), InterruptionFrame(), ReplyTextFrame("Yes?"))
    assert sum(isinstance(frame, SpeechStartedFrame) for frame in heard) == 2


class Listening(VoicelessFront):
    """Keeps what is heard behind the bridge."""

    ears: list[Ear]

    def stages_out(self) -> Sequence[Stage]:
        ear = Ear()
        self.ears.append(ear)
        return [ear, *super().stages_out()]


@pytest.mark.check("M157")
async def test_each_word_is_spoken_by_the_voice_of_the_active_worker() -> None:
    ears: list[Ear] = []
    main = type("Listener", (Listening,), {"ears": ears})
    async with Session(together(as_it_is, voices=VOICES, main=main)) as session:
        await say(session, "what do you sell?", "support!", "order 1042", "no, that is all")
    pieces = one_at_a_time(await read(session))
    assert {piece.speaker for piece in pieces} == set(VOICES)
    assert all(piece.voice == VOICES[piece.speaker] for piece in pieces)
    (ear,) = ears
    words = [frame for frame in ear.heard if isinstance(frame, TextFrame)]
    assert [(word.text, word.voice) for word in words if isinstance(word, SpokenTextFrame)] == [
        (piece.text, piece.voice) for piece in pieces
    ]
    assert len(words) == len(pieces), "each word comes as a spoken one, and once"
    sounds = [frame for frame in ear.heard if isinstance(frame, SpeechAudioFrame)]
    for sound, piece in zip(sounds, pieces, strict=True):
        if len(piece.text.strip()) > 3:  # in less than that there are too few waves to count
            assert waves(sound) == pytest.approx(pitch(piece.voice), rel=0.1)


@pytest.mark.check("M157")
async def test_the_main_worker_has_no_stage_for_speech_where_each_worker_has_its_own() -> None:
    built: dict[str, list[type[Stage]]] = {}

    for kind in (Front, VoicelessFront):

        def noted(self: Front, kind: type[Front] = kind) -> Sequence[Stage]:
            stages = kind.stages_out(self)
            built[kind.__name__] = [type(stage) for stage in stages]
            return stages

        main: Any = type("Noted", (kind,), {"stages_out": noted})
        async with Session(together(as_it_is, main=main)) as session:
            await say(session)
    assert Voice in built["Front"] and Voice not in built["VoicelessFront"]


@pytest.mark.check("M156")
async def test_where_the_main_worker_speaks_for_all_there_is_one_voice() -> None:
    async with Session(together(as_it_is)) as session:
        await say(session, "support!")
        pieces = [event for event in session.unread if isinstance(event, ReplyPiece)]
    assert {piece.voice for piece in pieces} == {""}
