"""What joins a process of a company to its parent: a socket, and the numbers in the environment.

Down it come the parent's orders, `drain` and `hurry`; its end means that the parent is dead. Up it
go the facts that the parent cannot see: `loaded`, `ready`, `interrupted`.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable

from .ending import DRAIN, HURRY

__all__ = ["INTERRUPTED_HERE", "LOADED", "NUMBER", "PROCESSES", "READY", "Lifeline", "order"]

NUMBER = "CALLBOARD_PROCESS"
"""The environment variable that tells a process its number, from 1."""

PROCESSES = "CALLBOARD_PROCESSES"
"""The environment variable that tells it how many there are."""

LOADED, READY, INTERRUPTED_HERE = b"loaded\n", b"ready\n", b"interrupted\n"

ORDERS = {"drain": DRAIN, "hurry": HURRY}


def order(level: int) -> bytes:
    """Return the line that orders this level."""
    word = next(word for word, each in ORDERS.items() if each == min(level, HURRY))
    return f"{word}\n".encode()


class Lifeline:
    """The child's end. Orders are read in a thread: also while a worker blocks the loop."""

    def __init__(self, handle: int, obey: Callable[[int, str], object]) -> None:
        """Read orders from this handle, and have them obeyed: a level, and the reason for it."""
        os.set_inheritable(handle, False)  # what this process starts must not keep it open
        self._socket = socket.socket(fileno=handle)
        self._obey = obey
        threading.Thread(target=self._read, name="callboard-lifeline", daemon=True).start()

    def tell(self, fact: bytes) -> None:
        """Tell the parent, if there still is one."""
        try:
            self._socket.sendall(fact)
        except OSError:
            return  # the reading end finds out, and ends this process

    def _read(self) -> None:
        with self._socket.makefile("rb") as lines:
            try:
                for line in lines:
                    level = ORDERS.get(line.decode().strip())
                    if level is not None:
                        self._obey(level, "told by the parent process")
            except OSError:
                pass  # reset: the parent died with something unread
        self._obey(HURRY, "the parent process is gone")
