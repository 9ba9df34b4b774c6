"""The client: a conversation with an assistant that runs elsewhere, in the terminal or a web page.

    $ python -m callboard.examples.remote_assistant.main --remote-url ws://localhost:8765/ws

Each conversation has a connection, and at its other end an assistant, of its own. A connection that
is lost for less than five seconds costs that time and no word. After that the user is told; when
the assistant is there again it is told what was said, and goes on.
"""

from __future__ import annotations

import functools
import ssl
from pathlib import Path

import click

from callboard import SpecError
from callboard.examples.remote_assistant.assistant import ASSISTANT, DOWN_AFTER, MAIN
from callboard.examples.remote_assistant.main_worker import Connection, RemoteMain
from callboard.examples.remote_assistant.script import CONVERSATION
from callboard.examples.talking.example import Example
from callboard.examples.talking.options import Talking, talking_options

__all__ = ["remote_example"]


def remote_example(
    url: str, *, token: str | None = None, tls: ssl.SSLContext | None = None, insecure: bool = False
) -> Example:
    """Return the example; each session of it connects to this URL.

    Raises:
        SpecError: the URL is none, holds a secret, or is not safe without `tls` or `insecure`.

    """
    connect = functools.partial(
        Connection,
        url,
        local_worker=MAIN,
        remote_worker=ASSISTANT,
        token=token,
        ssl=tls,
        insecure=insecure,
        down_after=DOWN_AFTER,
    )
    connect()  # what is wrong with the settings is found here, and not in each session
    return Example(
        "Remote assistant",
        first=ASSISTANT,
        about="You talk to an assistant that runs in another process, here or elsewhere.",
        script=CONVERSATION,
        transports=lambda: [connect()],
        main=RemoteMain,
    )


@click.command()
@talking_options
@click.option(
    "--remote-url",
    default="ws://localhost:8765/ws",
    show_default=True,
    help="Where the assistant's server is; wss:// where it is not on this machine.",
)
@click.option(
    "--token",
    help="What the server asks for. Better in CALLBOARD_TOKEN: a command line can be read by"
    " others.",
)
@click.option(
    "--authority",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The certificate of the authority by which the server is known, if it is one of your own.",
)
@click.option(
    "--insecure", is_flag=True, help="Connect to another machine without TLS, in a trusted network."
)
def main(
    talking: Talking, remote_url: str, token: str | None, authority: Path | None, insecure: bool
) -> None:
    """Talk to an assistant behind a WebSocket."""
    try:
        tls = ssl.create_default_context(cafile=authority) if authority is not None else None
        example = remote_example(
            remote_url,
            token=token or talking.environment.get("CALLBOARD_TOKEN"),
            tls=tls,
            insecure=insecure,
        )
    except (SpecError, OSError) as error:
        raise click.UsageError(str(error)) from None
    talking.run(example)


if __name__ == "__main__":
    main()
