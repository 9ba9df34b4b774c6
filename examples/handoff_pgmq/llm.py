"""A worker that talks, as a process of its own: the greeter or support.

python -m callboard.examples.handoff_pgmq.llm greeter
"""

from __future__ import annotations

import click

from callboard.examples.handoff.processes import Transports, host, talker_options
from callboard.examples.handoff_pgmq.broker import pgmq_options


@click.command()
@talker_options
@pgmq_options
def main(name: str, model: str | None, transports: Transports) -> None:
    """Run the worker of this NAME, for a main worker anywhere on the same channel."""
    host(name, model, transports)


if __name__ == "__main__":
    main()
