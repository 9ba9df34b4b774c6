"""The stages of the controller's pipeline, around its model.

    reader → statistics → questions → model → answers

The reader makes a reading of each tick; the questions of jobs join the pipeline behind it, so that
readings and questions meet in one order.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress

from callboard import CallboardError, JobRequest
from callboard.actors.frames.frame import (
    CancelFrame,
    Direction,
    EndFrame,
    ErrorFrame,
    Frame,
    ReplyEndFrame,
    ReplyStartFrame,
    ReplyTextFrame,
    StartFrame,
    ToolCallFrame,
    TranscriptionFrame,
)
from callboard.actors.frames.pipeline import Stage
from callboard.examples.sensor.lag import FirstOrderLag
from callboard.examples.sensor.rolling import Rolling

__all__ = [
    "PERIOD",
    "Answers",
    "Questions",
    "SensorReader",
    "SensorReadingFrame",
    "SensorStats",
    "TickFrame",
]

PERIOD = 1.0
"""Seconds between two readings."""


class TickFrame(Frame):
    """It is time for a reading; the worker lets it into its pipeline."""

    due: float
    """When, in seconds on the node's clock: that of an earlier life is no one's any more."""


class SensorReadingFrame(Frame, wire="callboard.examples.sensor-reading"):
    """What the sensor shows."""

    temperature: float
    """Degrees, with the sensor's noise."""
    target: float
    number: int
    """The first one is 1."""


class SensorReader(Stage):
    """Reads the sensor once a second, by a tick of its own.

    A reading that could not be taken in time is left out: the next one comes when it would have.
    """

    def __init__(self, lag: FirstOrderLag) -> None:
        """Read this."""
        self.lag = lag
        self._number = 0
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None

    async def process(self, frame: Frame, direction: Direction) -> None:
        """Begin and end with the pipeline; have a reading take the place of each tick."""
        match frame:
            case StartFrame():
                self._due = asyncio.get_running_loop().time()
                self._wait()
            case EndFrame() | CancelFrame() if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            case TickFrame(due=due):
                if due != self._due:
                    return
                self._number += 1
                frame = SensorReadingFrame(self.lag.step(), self.lag.target, self._number)
                self._wait()
            case _:
                pass
        await self.push(frame, direction)

    def _wait(self) -> None:
        """Have the next tick a period after the last one was due, or as soon as it can be then."""
        loop = asyncio.get_running_loop()
        late = max(0.0, loop.time() - self._due)  # a timer may be early by a clock's grain
        self._due += PERIOD * (1 + late // PERIOD)
        self._timer = loop.call_at(self._due, self._tick)

    def _tick(self) -> None:
        """Tell the worker, as one that ticks in its mailbox fails, rests and ends with it."""
        with suppress(CallboardError):  # it is gone
            self.worker.actor_ref.tell(TickFrame(self._due))


class SensorStats(Stage):
    """Keeps the rolling statistics of the readings that pass."""

    def __init__(self, rolling: Rolling) -> None:
        """Keep them here."""
        self.rolling = rolling

    async def process(self, frame: Frame, direction: Direction) -> None:
        """Take note of a reading."""
        if isinstance(frame, SensorReadingFrame):
            self.rolling.add(frame.temperature)
        await self.push(frame, direction)


class Questions(Stage):
    """Lets questions into the pipeline, once there is a reading to answer them by."""

    def __init__(self) -> None:
        """Begin without a question."""
        self.trouble = ""
        """What the model said last of why it cannot answer."""
        self._waiting: deque[JobRequest] = deque()
        self._asked: deque[JobRequest] = deque()
        self._read = False

    async def ask(self, request: JobRequest) -> None:
        """Ask what this job asks; `answer` answers it later."""
        self._waiting.append(request)
        if self._read:
            await self._let_in()

    async def process(self, frame: Frame, direction: Direction) -> None:
        """Let the waiting questions follow the first reading, and take note of trouble."""
        if isinstance(frame, ErrorFrame):
            self.trouble = frame.error
        await self.push(frame, direction)
        if isinstance(frame, SensorReadingFrame) and not self._read:
            self._read = True
            await self._let_in()

    async def _let_in(self) -> None:
        while self._waiting:
            request = self._waiting.popleft()
            if not request.answered:  # its caller may have left
                self._asked.append(request)
                await self.push(TranscriptionFrame(str(request.payload), user=request.id))

    @property
    def current(self) -> JobRequest | None:
        """The job whose question the model has now: it takes them one after another."""
        return self._asked[0] if self._asked else None

    def answer(self, text: str) -> None:
        """Answer the question that the model had."""
        request = self._asked.popleft()
        if not request.answered:
            request.respond(text)

    def fail(self) -> None:
        """End the job of a question that the model could not answer."""
        request = self._asked.popleft()
        if not request.answered:
            request.fail(self.trouble or "the controller gave no answer")


class Answers(Stage):
    """Collects the words of a reply, and answers the question with the whole of it."""

    def __init__(self, questions: Questions) -> None:
        """Answer these."""
        self._questions = questions
        self._words: list[str] = []

    async def process(self, frame: Frame, direction: Direction) -> None:
        """Take the words; tell of the tools that are used on the way."""
        request = self._questions.current
        match frame:
            case ReplyStartFrame():
                self._words.clear()
            case ReplyTextFrame(text=text):
                self._words.append(text)
            case ToolCallFrame(name=name) if request is not None:
                # Not awaited: a caller that does not read must not hold up the readings.
                request.update(name.replace("_", " "))
            case ReplyEndFrame(interrupted=interrupted) if request is not None:
                if interrupted:
                    self._questions.fail()
                else:
                    self._questions.answer("".join(self._words))
            case _:
                pass
        await self.push(frame, direction)
