"""The assistant's server: it listens, and each client that connects has an assistant of its own.

    $ python -m callboard.examples.remote_assistant.assistant
    listening on ws://localhost:8765/ws

Each connection has a node with an assistant, which no other client can reach. On another address
than this machine's own it asks for a token, and for a certificate (or `--insecure`).
"""

from __future__ import annotations

import asyncio
import functools
import os
import platform
import ssl
from pathlib import Path
from typing import Any

import click

from callboard import Child, Node, SpecError, Supervisor
from callboard.actors.llm.keeper import ConversationKeeper
from callboard.actors.llm.model import Model
from callboard.actors.llm.tools import tool
from callboard.actors.llm.worker import LLMWorker
from callboard.examples.remote_assistant import arithmetic
from callboard.examples.remote_assistant.script import scripted_model
from callboard.examples.talking.environment import Environment
from callboard.examples.talking.options import model_for
from callboard.transports.websocket import WebSocketProxyServer

__all__ = ["ASSISTANT", "DOWN_AFTER", "MAIN", "PATH", "Assistant", "serve"]

ASSISTANT, MAIN = "assistant", "main"
"""The two workers that reach each other: the one here, and the client's."""

PATH = "/ws"

DOWN_AFTER = 5.0
"""Seconds without a connection after which the other side is down; a shorter cut costs nothing."""


class Assistant(LLMWorker):
    """Talks to one client."""

    bridged = ()
    keeper = "keeper"
    instructions = (
        "You are a friendly assistant at the other end of a network connection. Answer in one or "
        "two short sentences, as for somebody who listens. Calculate by your tool, never yourself."
    )

    @tool
    async def calculate(self, sum: str) -> float:
        """Calculate a sum.

        Args:
            sum: Numbers, + - * / and brackets, such as 2 * (3 + 4).

        """
        return arithmetic.calculate(sum)

    @tool
    async def where_am_i(self) -> dict[str, Any]:
        """Tell on which machine and in which process the assistant runs."""
        return {"host": platform.node(), "process": os.getpid()}


def session(model: Model) -> Node:
    """Return the node of one client."""
    tree = Supervisor(
        [
            Child("keeper", ConversationKeeper),
            Child(ASSISTANT, functools.partial(Assistant, model)),
        ]
    )
    return Node(tree, watchdog=False, handle_signals=False)


async def serve(server: WebSocketProxyServer, where: str) -> None:
    """Listen until a signal ends it; tell since when, and who comes and goes.

    `where` is the URL, with `{port}` in the place of the port.

    Raises:
        ClickException: it cannot listen there.

    """
    node = Node(Supervisor([]), transports=[server])
    await node.start()
    telling = asyncio.create_task(_tell(node, server, where))
    await node.run()
    problem = await telling
    if problem:
        raise click.ClickException(f"cannot listen on {where.format(port=server.port)}: {problem}")


async def _tell(node: Node, server: WebSocketProxyServer, where: str) -> str:
    """Tell what happens, until the node has ended; return why it does not listen, if so."""
    problem = ""
    events = node.events.subscribe()
    if server.listening:
        click.echo(f"listening on {where.format(port=server.port)}")
    async for event in events:
        match event.kind:
            case "listening":
                click.echo(f"listening on {where.format(port=server.port)}")
            case "connected":
                click.echo(f"{event.text} has come")
            case "disconnected":
                click.echo(f"{event.text} has gone")
            case "failed" if not server.listening and not problem:
                # A transport tries again without end; whoever has typed the port shall know.
                problem = str(event.reason)
                await node.stop(problem)
            case "node_stopped":
                break
            case _:
                pass
    events.close()
    return problem


@click.command()
@click.option("--host", default="localhost", show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8765,
    show_default=True,
    help="The port; 0 is any free one.",
)
@click.option(
    "--token",
    help="What clients have to bring; needed on any address that is not this machine's own."
    " Better in CALLBOARD_TOKEN: a command line can be read by others.",
)
@click.option(
    "--certificate",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The certificate, as PEM; clients then use wss://.",
)
@click.option(
    "--key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The certificate's key, if it is in a file of its own.",
)
@click.option(
    "--insecure",
    is_flag=True,
    help="Do without a certificate on an address that others reach: in a network that is trusted,"
    " or behind something that speaks TLS.",
)
@click.option(
    "--model",
    metavar="NAME",
    help="The language model; without it and without OPENAI_API_KEY a scripted one speaks.",
)
def main(
    host: str,
    port: int,
    token: str | None,
    certificate: Path | None,
    key: Path | None,
    insecure: bool,
    model: str | None,
) -> None:
    """Serve an assistant to whoever connects, each in a session of its own."""
    environment = Environment.read()
    speaks: Model = model_for(environment, scripted_model(), model)
    tls = _context(certificate, key)
    try:
        server = WebSocketProxyServer(
            host,
            port,
            path=PATH,
            local_worker=ASSISTANT,
            remote_worker=MAIN,
            token=token or environment.get("CALLBOARD_TOKEN"),
            ssl=tls,
            insecure=insecure,
            session=functools.partial(session, speaks),
            down_after=DOWN_AFTER,
        )
    except SpecError as error:
        raise click.UsageError(f"{error}; see --token, --certificate and --insecure") from None
    shown = f"[{host}]" if ":" in host else host
    asyncio.run(serve(server, f"{'wss' if tls else 'ws'}://{shown}:{{port}}{PATH}"))


def _context(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    if certificate is None:
        if key is not None:
            raise click.UsageError("--key needs --certificate")
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(certificate, key)
    except (ssl.SSLError, OSError) as error:
        raise click.UsageError(f"--certificate {certificate}: {error}") from None
    return context


if __name__ == "__main__":
    main()
