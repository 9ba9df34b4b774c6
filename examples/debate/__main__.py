"""Have a topic debated: `python -m callboard.examples.debate`; its README tells more."""

from __future__ import annotations

from functools import partial

import click

from callboard import Child
from callboard.actors.llm import ConversationKeeper, LLMActivationArgs
from callboard.examples.debate.debater import DEBATERS, KEEPER, DebateWorker
from callboard.examples.debate.moderator import Moderator
from callboard.examples.debate.script import BEGIN, LINES, debater_model, moderator_model
from callboard.examples.talking.example import Example
from callboard.examples.talking.options import Talking, talking_options

__all__ = ["debate_example"]


def debate_example(talking: Talking) -> Example:
    """Return the example: a moderator, and three debaters with a keeper of what they have said."""
    debaters = [
        Child(name, partial(DebateWorker, part, talking.model_for(debater_model(name))))
        for name, part in DEBATERS.items()
    ]
    return Example(
        "Debate",
        about="An advocate, a critic and an analyst answer at once, and a moderator weighs it.",
        first="moderator",
        workers=[
            Child(KEEPER, ConversationKeeper),
            *debaters,
            Child("moderator", partial(Moderator, talking.model_for(moderator_model()))),
        ],
        opening=LLMActivationArgs([{"role": "user", "content": BEGIN}]),
        script=LINES,
    )


@click.command()
@talking_options
def main(talking: Talking) -> None:
    """Name a topic, and hear it debated from three sides."""
    talking.run(debate_example(talking))


if __name__ == "__main__":
    main()
