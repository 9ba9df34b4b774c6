"""A worker that talks, as a process of its own: the greeter or support.

python -m callboard.examples.handoff_redis.llm greeter
"""

from __future__ import annotations

import click

from callboard.examples.handoff.processes import Transports, host, talker_options
from callboard.examples.handoff_redis.broker import redis_options


@click.command()
@talker_options
@redis_options
def main(name: str, model: str | None, transports: Transports) -> None:
    """Run the worker of this NAME, for a main worker anywhere on the same channel."""
    host(name, model, transports)


if __name__ == "__main__":
    main()
