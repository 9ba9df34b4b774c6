"""Voice: a stage that turns words into spoken words. It is a stand-in for a real one.

No key and no network: what it gives as sound is a tone for each word, as long as the word takes to
say, of a pitch that is the voice's own. What stands around it is as it would be around a real
voice, which comes with Pipecat and a key: words go in, words that are spoken and sound come out.
"""

from __future__ import annotations

import array
import math
import sys
import zlib

from callboard.actors.frames.frame import (
    Direction,
    Frame,
    InterruptionFrame,
    ReplyEndFrame,
    SpeakFrame,
    SpeechAudioFrame,
    SpeechStartedFrame,
    SpeechStoppedFrame,
    SpokenTextFrame,
    TextFrame,
)
from callboard.actors.frames.pipeline import Stage

__all__ = ["RATE", "Voice", "pitch", "tone"]

RATE = 8_000
"""Samples per second."""

LETTER = 0.02
"""Seconds of sound for each letter."""

LOUDNESS = 8_000
"""Of at most 32 767."""


class Voice(Stage):
    """Speaks what comes down as text; all else goes on as it came."""

    def __init__(self, name: str = "") -> None:
        """Speak with the voice of this name; empty where there is only one."""
        self.name = name
        self._pitch = pitch(name)
        self._speaking = False

    async def process(self, frame: Frame, direction: Direction) -> None:
        """Turn words into spoken words, the sound of a word before the word."""
        if isinstance(frame, InterruptionFrame):
            self._speaking = False
        if direction is Direction.UP:
            await self.push(frame, direction)
        elif isinstance(frame, SpokenTextFrame):
            await self.push(frame)
        elif isinstance(frame, TextFrame):
            await self._speak(frame.text)
        elif isinstance(frame, SpeakFrame):
            await self._speak(frame.text)
            await self._stop()
        else:
            if isinstance(frame, ReplyEndFrame):
                await self._stop()
            await self.push(frame)

    async def _speak(self, text: str) -> None:
        if not self._speaking:
            self._speaking = True
            await self.push(SpeechStartedFrame())
        sound = tone(self._pitch, LETTER * len(text.strip()))
        await self.push(SpeechAudioFrame(sound, RATE))
        await self.push(SpokenTextFrame(text, self.name))

    async def _stop(self) -> None:
        if self._speaking:
            self._speaking = False
            await self.push(SpeechStoppedFrame())


def pitch(voice: str) -> int:
    """Return the pitch of a voice, in waves per second: always the same for the same name."""
    return 150 + zlib.crc32(voice.encode()) % 16 * 25


def tone(waves: int, seconds: float) -> bytes:
    """Return a tone, as samples of 16 bits in little endian."""
    step = 2 * math.pi * waves / RATE
    samples = array.array(
        "h", (round(LOUDNESS * math.sin(step * n)) for n in range(round(RATE * seconds)))
    )
    if sys.byteorder == "big":
        samples.byteswap()
    return samples.tobytes()
