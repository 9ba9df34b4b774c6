"""The worker that talks: it knows nothing of the project, and asks the code worker."""

from __future__ import annotations

from callboard.actors.llm import LLMWorker, tool
from callboard.examples.code_assistant.code_worker import ASK, CODE
from callboard.examples.talking.progress import follow

__all__ = ["Talker"]

WITHIN = 300.0
"""Seconds that an answer may take, the questions before it included."""


class Talker(LLMWorker):
    """Gives each question about the code to the code worker, as one job."""

    bridged = ()
    instructions = (
        "You talk with a programmer about a project whose files somebody else reads. Hand each"
        " question about it on, whole and in the programmer's own words: that worker remembers the"
        " questions before. Say its answer briefly, in words that can be spoken."
    )

    @tool(timeout=WITHIN)
    async def ask_code(self, question: str) -> str:
        """Ask who reads the project's files.

        Args:
            question: One question about the code, as it was asked.
        """
        return await follow(self, self.job(CODE, ASK, question, timeout=WITHIN), question)
