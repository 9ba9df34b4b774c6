"""The moderator: talks to the user, has all three debate at once, and makes one answer of it."""

from __future__ import annotations

from callboard import JobFailed
from callboard.actors.llm import LLMWorker, tool
from callboard.examples.debate.debater import ARGUE, DEBATERS
from callboard.examples.talking.progress import follow_all

__all__ = ["Moderator"]

WITHIN = 120.0
"""Seconds that a round may take."""


class Moderator(LLMWorker):
    """Asks the debaters as one job group, from inside its tool."""

    bridged = ()
    instructions = (
        "You moderate a debate between an advocate, a critic and an analyst. Have them debate each"
        " topic that the user names, and each question that the user has about it afterwards, by"
        " your tool. Then give one balanced answer in a few sentences that can be spoken: it uses"
        " what all three have said, and takes no side without a reason."
    )

    @tool(timeout=WITHIN)
    async def debate(self, topic: str, question: str = "") -> dict[str, str]:
        """Have all three speak to a topic at once, and return what each has said.

        Args:
            topic: What it is about; the same words in each round.
            question: In a later round, what they are asked about it. They know their first answers.
        """
        members = tuple(DEBATERS)
        payload = {"topic": topic, "question": question}
        group = self.job_group(
            *members, job=ARGUE, payload=payload, timeout=WITHIN, cancel_on_error=False
        )
        answers = await follow_all(self, group, ARGUE, members, question or topic)
        missing = {name: f"(no answer: {error})" for name, error in group.errors.items()}
        if not answers:
            raise JobFailed("nobody has answered: " + "; ".join(missing.values()))
        return {name: answers.get(name) or missing[name] for name in members}
