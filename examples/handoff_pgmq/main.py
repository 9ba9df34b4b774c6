"""The main worker of the hand-over over PGMQ: input, output, and the bridge between them.

python -m callboard.examples.handoff_pgmq.main --database-url postgresql://localhost/acme

The greeter and support are processes of their own: see `llm.py`, and README.md beside this file.
"""

from __future__ import annotations

import click

from callboard.examples.handoff.processes import Transports, talk, worker_option
from callboard.examples.handoff_pgmq.broker import pgmq_options
from callboard.examples.talking.options import Talking, talking_options

LLM = "python -m callboard.examples.handoff_pgmq.llm"


@click.command()
@talking_options
@pgmq_options
@worker_option
def main(talking: Talking, names: tuple[str, ...], transports: Transports) -> None:
    """Talk to workers of other processes, over PGMQ."""
    talk(talking, names, transports, how=LLM)


if __name__ == "__main__":
    main()
