"""Another process of a measurement: `python -m benchmarks.second benchmarks.ours.between serve …`.

It runs a coroutine function of a contestant's module, `await function(broker, number, up)`: `up()`
says that it is ready, and returns when it is to end. Meanwhile it tells its processor time.
"""

import asyncio
import importlib
import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from .brokers import Broker

Up = Callable[[], Awaitable[None]]
"""Says that the process is ready, and returns when it is to end."""

Role = Callable[[Broker, int, Up], Awaitable[None]]

CHECKOUT = Path(__file__).resolve().parent.parent


class Second:
    """One such process, as the one that measures sees it."""

    def __init__(self, module: str, role: str, broker: Broker, number: int = 0) -> None:
        """Start it; `ready` waits for it."""
        command = [sys.executable, "-m", "benchmarks.second", module, role, broker.kind]
        self._process = subprocess.Popen(
            [*command, broker.url, str(number)],
            cwd=CHECKOUT,
            env=os.environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pid = self._process.pid

    def ready(self) -> Self:
        """Wait until it is."""
        self._answer()
        return self

    def cpu(self) -> float:
        """The processor seconds that it has used so far."""
        assert self._process.stdin is not None
        self._process.stdin.write("cpu\n")
        self._process.stdin.flush()
        return self._answer()

    def end(self) -> None:
        """Have it end in order, and wait for that."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    def _answer(self) -> float:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the second process ended with {self._process.wait()}")
        return float(json.loads(line))


def main() -> None:
    """Run the role until standard input ends."""
    logging.basicConfig(handlers=[logging.NullHandler()])
    module, role, kind, url, number = sys.argv[1:]
    function: Role = getattr(importlib.import_module(module), role)
    asyncio.run(_play(function, Broker(kind, url), int(number)))


async def _play(role: Role, broker: Broker, number: int) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()

    def listen() -> None:
        for _ in sys.stdin:
            print(time.process_time(), flush=True)
        loop.call_soon_threadsafe(ended.set)

    async def up() -> None:
        print(0, flush=True)
        threading.Thread(target=listen, daemon=True).start()
        await ended.wait()

    await role(broker, number, up)


if __name__ == "__main__":
    main()
