"""An example in a process of its own: two echoes, and an app if it is asked for."""

from __future__ import annotations

import click

from callboard.examples.talking.options import Talking, talking_options
from tests.examples.talking.cast import echo_example


@click.command()
@talking_options
@click.option("--at-once", default=100, help="How many sessions.")
def main(talking: Talking, at_once: int) -> None:
    """Talk to two echoes."""
    example = echo_example(
        about="They say what they hear.",
        script=["hi", "tool", "to support", "bare"],
        at_once=at_once,
    )
    talking.run(example)


if __name__ == "__main__":
    main()
