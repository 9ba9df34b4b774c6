"""`callboard demo`: the demonstration, which is an example and is loaded only when asked for."""

from __future__ import annotations

import importlib
from typing import Any

import click

from .exits import Refusal

__all__ = ["demo"]

# By its name as a text: supervision imports no examples.
DEMONSTRATION = "callboard.examples.indexing.demo"


@click.command()
@click.argument("path", required=False, type=click.Path(exists=True))
@click.option("--chaos/--no-chaos", default=True, help="Whether workers are made to fail.")
@click.option("--seed", type=int, help="The seed of the chaos, to see the same one again.")
@click.option("--workers", type=click.IntRange(1), default=4, show_default=True)
@click.option(
    "--nodes",
    type=click.IntRange(1, 32),
    help="Processes, joined by a transport; one of them is killed.  [1; 3 with --transport]",
)
@click.option(
    "--transport",
    type=click.Choice(["websocket", "redis", "pgmq"]),
    help="What joins the nodes: a private server of it, killed as well.  [websocket]",
)
def demo(
    path: str | None,
    chaos: bool,
    seed: int | None,
    workers: int,
    nodes: int | None,
    transport: str | None,
) -> int:
    """Index source code with a company of workers that fail, and are repaired.

    PATH is a folder of code; without one, some code that every Python has. With --nodes, the
    parsers are on other nodes: --workers on each.
    """
    if nodes is None:
        nodes = 1 if transport is None else 3
    if nodes == 1 and transport is not None:
        raise Refusal("one node needs no transport: give --nodes 2 or more")
    try:
        module: Any = importlib.import_module(DEMONSTRATION)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{DEMONSTRATION}.".startswith(f"{error.name}."):
            raise Refusal("the demonstration is not part of this installation") from None
        raise
    code: int = module.main(
        path,
        chaos=chaos,
        seed=seed,
        workers=workers,
        nodes=nodes,
        transport=transport or "websocket",
    )
    return code
