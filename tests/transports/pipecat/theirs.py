"""Pipecat processes, for tests to start, tell what to do, and kill."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from callboard.actors.testing import eventually

__all__ = ["Refused", "Theirs"]

SCRIPT = Path(__file__).with_name("theirs_process.py")

WITHIN = 60.0
"""Seconds: importing Pipecat takes several, on a machine that has other things to do."""


class Refused(Exception):
    """What Pipecat has raised."""


class Theirs:
    """One Pipecat process: `with Theirs(redis=url, channel=channel, doers=["doer"]) as theirs:`."""

    def __init__(self, **config: Any) -> None:
        self.config = config
        self.events: list[dict[str, Any]] = []
        self.replies: dict[int, dict[str, Any]] = {}
        self._numbers = itertools.count(1)
        self._errors: list[str] = []
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            sys.stderr.write("\n".join(self._errors[-60:]))
        self.kill()

    def start(self) -> None:
        """Start it; it is there once `ready()` has returned."""
        process = self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", str(SCRIPT), json.dumps(self.config)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        threading.Thread(target=self._read, args=(process,), daemon=True).start()
        threading.Thread(target=self._read_errors, args=(process,), daemon=True).start()

    async def ready(self) -> Self:
        """Wait until its workers are there."""
        process = self._process
        assert process is not None
        await eventually(
            lambda: process.poll() is not None or self.happened("begun_process"), within=WITHIN
        )
        if self.ended:
            raise Refused(f"the process has ended: {self.log[-3000:]}")
        names = {
            *self.config.get("doers", ()),
            *self.config.get("idle", ()),
            *self.config.get("children", ()),
            *self.config.get("mains", ()),
        }
        for _ in range(1000):
            if names <= set((await self.do("known"))["local"]):
                return self
            await asyncio.sleep(0.02)
        raise AssertionError(f"its workers have not all started: {names}")

    def kill(self) -> None:
        """End it without a word."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout, process.stderr):
                if pipe is not None:
                    with suppress(BrokenPipeError):
                        pipe.close()

    @property
    def ended(self) -> bool:
        """Whether it has ended by itself."""
        return self._process is not None and self._process.poll() is not None

    @property
    def log(self) -> str:
        """What it has logged."""
        return "\n".join(self._errors)

    # -- telling it ----

    def tell(self, what: str, **details: Any) -> int:
        """Tell it to do something; return the number of its answer."""
        number = next(self._numbers)
        assert self._process is not None and self._process.stdin is not None
        line = json.dumps(_given({"id": number, "do": what, **details}))
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()
        return number

    async def answer(self, number: int, within: float = WITHIN) -> Any:
        """Wait for an answer.

        Raises:
            Refused: Pipecat has raised something.

        """
        await eventually(lambda: number in self.replies or self.ended, within=within)
        if number not in self.replies:
            raise Refused(f"the process has ended: {self.log[-2000:]}")
        reply = self.replies[number]
        if "error" in reply:
            raise Refused(f"{reply['error']}: {reply['text']}")
        return reply.get("value")

    async def do(self, what: str, **details: Any) -> Any:
        """Tell it to do something, and wait until it is done."""
        return await self.answer(self.tell(what, **details))

    # -- what happens there ----

    def happened(self, event: str, **facts: Any) -> list[dict[str, Any]]:
        """Return the events of this kind, with these facts."""
        wanted = {"event": event, **facts}
        return [
            each
            for each in list(self.events)
            if all(each.get(key) == value for key, value in wanted.items())
        ]

    async def until(self, event: str, count: int = 1, **facts: Any) -> list[dict[str, Any]]:
        """Wait until something has happened so many times."""
        await eventually(lambda: len(self.happened(event, **facts)) >= count, within=WITHIN)
        return self.happened(event, **facts)

    async def knows(self, *names: str) -> None:
        """Wait until it knows these workers of others."""
        known: set[str] = set()
        for _ in range(1000):
            known = set((await self.do("known"))["remote"])
            if set(names) <= known:
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"it does not know {set(names) - known}")

    # -- inside ----

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        _lines(process.stdout, self._take)

    def _take(self, line: str) -> None:
        try:
            said = cast("dict[str, Any]", _taken(json.loads(line)))
        except ValueError:
            self._errors.append(line)
            return
        if "reply" in said:
            self.replies[said["reply"]] = said
        else:
            self.events.append(said)

    def _read_errors(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stderr is not None
        _lines(process.stderr, self._errors.append)


def _lines(pipe: Any, take: Callable[[str], object]) -> None:
    try:
        for line in pipe:
            take(line.decode("utf-8", "replace").rstrip())
    except ValueError:
        pass  # it was closed meanwhile


def _given(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"__type__": "bytes", "__data__": base64.b64encode(value).decode()}
    if isinstance(value, dict):
        return {key: _given(each) for key, each in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_given(each) for each in cast("list[object]", value)]
    return value


def _taken(value: Any) -> Any:
    if isinstance(value, dict):
        keyed = cast("dict[str, Any]", value)
        if keyed.get("__type__") == "bytes":
            return base64.b64decode(keyed["__data__"])
        return {key: _taken(each) for key, each in keyed.items()}
    if isinstance(value, list):
        return [_taken(each) for each in cast("list[object]", value)]
    return value
