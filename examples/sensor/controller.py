"""The controller: reads the sensor by itself, and answers a question by a deferred job.

It is a plain pipeline worker on no bridge: nobody hears it, and only jobs reach it.
"""

from __future__ import annotations

from collections.abc import Sequence

from callboard import JobFailed, JobRequest, job, on
from callboard.actors.frames.pipeline import Stage
from callboard.actors.frames.pipelined import PipelineWorker
from callboard.actors.llm import LLMStage, Model, tool
from callboard.examples.sensor.lag import FirstOrderLag
from callboard.examples.sensor.rolling import Rolling
from callboard.examples.sensor.script import controller_model
from callboard.examples.sensor.stages import (
    PERIOD,
    Answers,
    Questions,
    SensorReader,
    SensorStats,
    TickFrame,
)

__all__ = ["ASK", "SensorController", "build_sensor_controller"]

ASK = "ask"
"""The job: its payload is the question, its answer a sentence or two."""

INSTRUCTIONS = """
You control a temperature, in degrees Celsius. It follows its target with a first-order lag: each
second it covers the same part (the response rate) of the way that is left. Answer each question in
a sentence or two, from what your tools say, never from memory: the readings change each second.
"Warmer" and "cooler" without a number mean 2 degrees. It is stable when the trend is near 0 and the
average is near the target.
"""


class SensorController(PipelineWorker):
    """Reads once a second whatever else happens; its own model decides how to answer."""

    def __init__(self, lag: FirstOrderLag, model: Model) -> None:
        """Control this; the model answers."""
        super().__init__()
        self.lag = lag
        self.rolling = Rolling()
        self._model = model
        self._questions = Questions()

    def build_pipeline(self) -> Sequence[Stage]:
        """Return reader, statistics, questions, model and answers."""
        tools = (self.read_sensor, self.statistics, self.set_target, self.set_response_rate)
        return [
            SensorReader(self.lag),
            SensorStats(self.rolling),
            self._questions,
            LLMStage(self._model, instructions=INSTRUCTIONS, tools=tools),
            Answers(self._questions),
        ]

    @on(TickFrame)
    async def tick(self, frame: TickFrame) -> None:
        """Let a tick of the reader into the pipeline."""
        await self.queue_frame(frame)

    @job(ASK)
    async def ask_model(self, request: JobRequest) -> None:
        """Have a question answered; the job stays open until the model has said its reply."""
        if not isinstance(request.payload, str) or not request.payload.strip():
            raise JobFailed("the payload is the question, as text")
        request.defer()
        await self._questions.ask(request)

    # -- the tools of the model ----

    @tool
    def read_sensor(self) -> dict[str, float]:
        """Read the sensor: its last reading, the target, and how fast it follows.

        `half_way` is in seconds: so long it takes to cover half of what is left.
        """
        latest = self.rolling.latest
        if latest is None:
            raise ValueError("there is no reading yet")
        return {
            "temperature": round(latest, 2),
            "target": self.lag.target,
            "rate": self.lag.rate,
            "half_way": round(self.lag.steps_to(0.5) * PERIOD, 1),
        }

    @tool
    def statistics(self) -> dict[str, float]:
        """Return the statistics of the last minute, and the extremes since the beginning.

        `trend` is in degrees per second.
        """
        summary, highest, lowest = self.rolling.summary(), self.rolling.highest, self.rolling.lowest
        if summary is None or highest is None or lowest is None:
            raise ValueError("there is no reading yet")
        return {
            "readings": summary.readings,
            "minimum": round(summary.minimum, 2),
            "maximum": round(summary.maximum, 2),
            "average": round(summary.average, 2),
            "trend": round(summary.trend / PERIOD, 4),
            "highest_ever": round(highest, 2),
            "lowest_ever": round(lowest, 2),
            "target": self.lag.target,
        }

    @tool
    def set_target(self, degrees: float) -> dict[str, float]:
        """Have the temperature follow another target from now on.

        Args:
            degrees: The target, from 0 to 100.
        """
        before = self.lag.target
        self.lag.aim(degrees)
        return {"before": before, "target": degrees}

    @tool
    def set_response_rate(self, rate: float) -> dict[str, float]:
        """Have the temperature follow its target faster or slower from now on.

        Args:
            rate: The part of the way that is covered each second: above 0, at most 1.
        """
        before = self.lag.rate
        self.lag.respond(rate)
        return {"before": before, "rate": rate}


def build_sensor_controller(
    start: float = 18.0,
    target: float = 21.0,
    rate: float = 0.1,
    noise: float = 0.05,
    model: Model | None = None,
) -> SensorController:
    """Return a controller of a sensor of its own: a factory for a `Child`.

    Without a model it answers by a script.

    Raises:
        ValueError: see `FirstOrderLag`.

    """
    lag = FirstOrderLag(start, target, rate, noise)
    return SensorController(lag, model if model is not None else controller_model())
