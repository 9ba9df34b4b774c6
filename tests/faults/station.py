"""One node in a process of its own: it does what comes down a socket, and ends with it."""

import asyncio
import json
import logging
import os
import socket
import sys
from typing import Any

from callboard.transports.urls import transport_from_url
from tests.faults.cast import Post

__all__: list[str] = []


async def serve(connection: socket.socket, settings: dict[str, Any]) -> None:
    transports = [transport_from_url(url) for url in settings.pop("urls")]
    post = Post(settings.pop("name"), settings.pop("names"), transports, **settings)
    reader, writer = await asyncio.open_connection(sock=connection)
    tasks: set[asyncio.Task[None]] = set()
    await post.start()
    writer.write(b"{}\n")

    async def obey(number: int, what: str, arguments: list[Any]) -> None:
        reply: dict[str, Any] = {"number": number}
        try:
            reply["value"] = await post.do(what, *arguments)
        except Exception as error:
            reply["error"] = f"{type(error).__name__}: {error}"
        writer.write(json.dumps(reply, default=str).encode() + b"\n")

    while line := await reader.readline():
        task = asyncio.ensure_future(obey(*json.loads(line)))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    os._exit(9)  # the test is gone


def main() -> None:
    """Wait for what to be; so a process can be ready before it is needed."""
    connection = socket.socket(fileno=int(sys.argv[1]))
    with connection.makefile("rb") as lines:
        first = lines.readline()
    if first:
        logging.basicConfig(level=logging.INFO)
        asyncio.run(serve(connection, json.loads(first)))


if __name__ == "__main__":
    main()
