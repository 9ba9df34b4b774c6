"""A debater: takes a topic as a job, and remembers what it has said in the rounds before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from callboard import JobFailed, JobRequest, job
from callboard.actors.llm import LLMWorker, Model, ModelError

__all__ = ["ARGUE", "DEBATERS", "KEEPER", "DebateWorker", "Question"]

ARGUE = "argue"
"""The job: its payload is `{"topic": …, "question": …}`, its answer what the debater says."""

KEEPER = "keeper"
"""The name of the worker that keeps the conversations of the debaters."""

DEBATERS: dict[str, str] = {
    "advocate": "You speak for it: the strongest case in its favour, made honestly.",
    "critic": "You speak against it: the strongest objection, made fairly.",
    "analyst": "You take no side: what is known, what is not, and by what one should decide.",
}
"""What each debater is told of its part, by name."""

INSTRUCTIONS = """
You are the {name} in a debate of three. {part}
Say it in two or three sentences that can be spoken. You do not hear the others. In a later round
answer the question that is asked, and go on from what you have said before: do not repeat it, and
take it back where it was wrong.
"""


@dataclass(frozen=True)
class Question:
    """What is asked in a round."""

    topic: str
    question: str = ""
    """In a later round: what about it; empty in the first."""

    @classmethod
    def of(cls, payload: object) -> Question:
        """Read the payload of a job.

        Raises:
            JobFailed: there is no topic in it.

        """
        if isinstance(payload, dict):
            fields = cast("dict[str, Any]", payload)
            topic, question = fields.get("topic"), fields.get("question", "")
            if isinstance(topic, str) and topic.strip() and isinstance(question, str):
                return cls(topic.strip(), question.strip())
        raise JobFailed("the payload has a topic, and perhaps a question, both as text")

    def __str__(self) -> str:
        """Return it as the model is told."""
        asked = f"\nThe question now: {self.question}" if self.question else ""
        return f"The topic: {self.topic}{asked}"


class DebateWorker(LLMWorker):
    """Speaks for its part; active from the start, on no bridge, and only for jobs.

    Its conversation is kept over the rounds, and by a keeper over a crash too.
    """

    active = True
    keeper = KEEPER

    def __init__(self, part: str, model: Model) -> None:
        """Speak for this part by this model."""
        super().__init__(model)
        self._part = part

    def on_start(self) -> None:
        """Learn the part."""
        self.instructions = INSTRUCTIONS.format(name=self.name, part=self._part)

    @job(ARGUE, sequential=True)
    async def take_floor(self, request: JobRequest) -> str:
        """Say something to a topic: a turn of the model, whose whole reply is the answer."""
        question = Question.of(request.payload)
        rounds = sum(each.get("role") == "user" for each in self.conversation) + 1
        await request.update(f"thinks, in its round {rounds}")
        try:
            return await self.take_turn(str(question), job=request)
        except ModelError as error:
            raise JobFailed(str(error)) from error
