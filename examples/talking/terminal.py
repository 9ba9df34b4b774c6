"""The terminal: a session by lines of text, from a keyboard, a pipe, a file or the command line."""

from __future__ import annotations

import asyncio
import codecs
import os
import threading
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable
from contextlib import suppress
from typing import TextIO

from callboard import CallboardError
from callboard.examples.talking.example import Example
from callboard.examples.talking.printing import Printer
from callboard.examples.talking.session import Session, SessionOver
from callboard.supervision.signals import Signals

__all__ = ["given", "keyboard", "talk"]

ANSWERED_WITHIN = 120.0
"""Seconds that the answer to a line may take, where the next one is waiting."""

LONGEST = 10_000
"""Characters of a line; a longer one is cut into several."""


async def talk(
    example: Example, lines: AsyncIterable[str], *, out: TextIO, patient: bool = True
) -> int:
    """Hold a session: say each line, show what happens, end it after the last answer.

    `patient`: each line waits for the answer to the one before; otherwise it interrupts. Returns
    the exit code: 0; 1 if something went wrong, or an answer did not come; 128 and the number of a
    signal that ended it.
    """
    printer = Printer(out, echo=patient)
    session = Session(example)
    with Signals(_Ending(session)) as signals:
        try:
            async with session:
                showing = asyncio.create_task(_show(session, printer))
                try:
                    answered = await _say_all(session, lines, patient=patient)
                    await session.end("the input has ended" if answered else "no answer came")
                finally:
                    await session.end("the conversation was left")
                    await showing
        except CallboardError as error:
            printer.note(f"it does not start: {error}")
            return 1
        except BrokenPipeError:
            # What is still in the buffer would be written, in vain, at the end of the process.
            os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())
            return 1
    if signals.received is not None:
        return 128 + signals.received
    failed = session.ended is None or session.ended.failed
    return int(failed or not answered or (patient and printer.troubles > 0))


async def _say_all(session: Session, lines: AsyncIterable[str], *, patient: bool) -> bool:
    """Say the lines; return whether the last one was answered. The session's end ends it too."""
    over = asyncio.create_task(session.over())
    try:
        said = asyncio.create_task(_say_each(session, lines, patient=patient))
        await asyncio.wait([over, said], return_when=asyncio.FIRST_COMPLETED)
        if not said.done():
            said.cancel()
            await asyncio.wait([said])
        return True if said.cancelled() else said.result()
    finally:
        over.cancel()
        await asyncio.wait([over])


async def _say_each(session: Session, lines: AsyncIterable[str], *, patient: bool) -> bool:
    if patient and not await session.settled(ANSWERED_WITHIN):
        return False
    async for line in lines:
        if not line.strip():
            continue
        try:
            await session.say(line.strip(), interrupt=not patient)
        except SessionOver:
            return True
        if patient and not await session.settled(ANSWERED_WITHIN):
            return False
    return await session.settled(ANSWERED_WITHIN)


async def _show(session: Session, printer: Printer) -> None:
    """Show what happens; where nobody reads it any more, the session ends."""
    try:
        async for event in session:
            printer.show(event)
    except BrokenPipeError:
        await session.end("nobody reads")
        raise


class _Ending:
    """What signals act on."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def stop(self, reason: str = "", *, within: float | None = None) -> None:
        await self._session.end(reason)

    def kill(self) -> None:
        self._session.node.kill()


async def given(lines: Iterable[str]) -> AsyncIterator[str]:
    """Give lines that are known already."""
    for line in lines:
        yield line


async def keyboard(descriptor: int = 0) -> AsyncIterator[str]:
    """Give the lines of a file descriptor as they come, until its end.

    A thread reads it, since a keyboard, a pipe and a file have no other way in common. It reads
    from the system itself: one that held the lock of `sys.stdin` would harm the process's end.
    """
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str | None] = asyncio.Queue()

    def give(line: str | None) -> None:
        with suppress(RuntimeError):  # the loop has ended, and the session with it
            loop.call_soon_threadsafe(lines.put_nowait, line)

    thread = threading.Thread(target=_read, args=(descriptor, give), daemon=True)
    thread.start()
    while (line := await lines.get()) is not None:
        yield line
    thread.join()  # that was its last deed


def _read(descriptor: int, give: Callable[[str | None], None]) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    kept = ""
    while True:
        try:
            data = os.read(descriptor, 65536)
        except OSError:
            data = b""  # a terminal that is gone
        *whole, kept = (kept + decoder.decode(data, final=not data)).split("\n")
        for line in whole:
            for begin in range(0, len(line), LONGEST):
                give(line[begin : begin + LONGEST])
        if not data:
            give(kept[:LONGEST])
            give(None)
            return
        while len(kept) >= LONGEST:
            give(kept[:LONGEST])
            kept = kept[LONGEST:]
