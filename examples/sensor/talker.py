"""The worker that talks: it knows nothing of the sensor, and asks the controller."""

from __future__ import annotations

from callboard.actors.llm import LLMWorker, tool
from callboard.examples.sensor.controller import ASK
from callboard.examples.talking.progress import follow

__all__ = ["CONTROLLER", "Talker"]

CONTROLLER = "controller"
"""The name of the worker that knows the sensor."""

WITHIN = 30.0
"""Seconds that an answer may take."""


class Talker(LLMWorker):
    """Gives each question about the temperature to the controller, as one job."""

    bridged = ()
    instructions = (
        "You talk about a temperature that somebody else controls. Hand every question or wish"
        " about it to the controller in the user's own words, and say its answer in yours, briefly."
    )

    @tool
    async def ask_controller(self, question: str) -> str:
        """Ask the controller about the temperature, or have it change something.

        Args:
            question: What the user asks or wants, whole.
        """
        return await follow(self, self.job(CONTROLLER, ASK, question, timeout=WITHIN), question)
