"""The main worker of the hand-over over Redis: input, output, and the bridge between them.

python -m callboard.examples.handoff_redis.main --redis-url redis://localhost:6379

The greeter and support are processes of their own: see `llm.py`, and README.md beside this file.
"""

from __future__ import annotations

import click

from callboard.examples.handoff.processes import Transports, talk, worker_option
from callboard.examples.handoff_redis.broker import redis_options
from callboard.examples.talking.options import Talking, talking_options

LLM = "python -m callboard.examples.handoff_redis.llm"


@click.command()
@talking_options
@redis_options
@worker_option
def main(talking: Talking, names: tuple[str, ...], transports: Transports) -> None:
    """Talk to workers of other processes, over Redis."""
    talk(talking, names, transports, how=LLM)


if __name__ == "__main__":
    main()
