"""Printing: a session as lines of text, for a terminal, a pipe or a log."""

from __future__ import annotations

import json
import os
from typing import Any, TextIO

from callboard.examples.talking.events import (
    CardShown,
    FloorChanged,
    JobProgress,
    PageShown,
    ReplyEnded,
    ReplyPiece,
    SessionBegan,
    SessionEnded,
    SessionEvent,
    ToolCalled,
    ToolEnded,
    Trouble,
    UserSaid,
    WorkerAwaited,
    WorkerBack,
    WorkerFound,
    WorkerLost,
)

__all__ = ["Printer", "harmless"]

LONGEST = 160
"""Characters of a tool's arguments or result that are shown."""

COLOURS = ("36", "33", "35", "32", "34")
"""Of the speakers, in the order in which they begin to speak."""

FAINT = "2"

DIRECTIONS = [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]
CONTROL = {
    code: "?" for code in (*range(32), *range(0x7F, 0xA0), *DIRECTIONS) if chr(code) not in "\n\t"
}


def harmless(text: str) -> str:
    """Return a text that does nothing to a terminal: no control characters, no turned direction."""
    return text.translate(CONTROL)


class Printer:
    """Writes what happens to a stream, each thing on a line of its own.

    The words of a reply come as they are said, after the speaker's name. Colours only on a
    terminal, and not with `NO_COLOR` or `TERM=dumb`. What the stream's encoding lacks is escaped.
    """

    def __init__(self, out: TextIO, *, echo: bool = True) -> None:
        """Write to this stream; `echo`: the user's words too, which a terminal shows by itself."""
        self._out = out
        self._echo = echo
        self._encoding = out.encoding or "ascii"
        plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
        self._colour = out.isatty() and not plain
        self._speakers: list[str] = []
        self._open = ""
        """Whose words the unfinished line has."""
        self.troubles = 0
        """How often something went wrong."""

    def show(self, event: SessionEvent) -> None:
        """Write what has happened."""
        match event:
            case SessionBegan(title=title, about=about):
                self.note(f"{title}: {about}" if about else title)
            case UserSaid(text=text) if self._echo:
                self._line(f"you: {text}")
            case ReplyPiece(speaker=speaker, text=text, voice=voice):
                self._words(speaker, voice, text)
            case ReplyEnded(interrupted=interrupted):
                self._end_line(" [interrupted]" if interrupted else "")
            case FloorChanged(speaker=str(speaker), before=before) if before not in (None, speaker):
                self.note(f"{before} hands over to {speaker}")
            case ToolCalled() | ToolEnded():
                self._line(f"  * {_of_tool(event)}", FAINT)
            case JobProgress(worker=worker, job=job, text=text, status=status):
                said = f": {text}" if text else ""
                self._line(f"  * {worker}, {job or 'job'}, {status}{said}", FAINT)
            case CardShown(title=title, text=text, status=status, part=part):
                part_text = f" {part:.0%}" if part is not None and status == "running" else ""
                self._line(f"  * [{title}] {status}{part_text}{f': {text}' * bool(text)}", FAINT)
            case WorkerAwaited(worker=worker):
                self.note(f"waiting for {worker}")
            case WorkerFound(worker=worker, node=node):
                self.note(f"{worker} is ready, on node {node}")
            case WorkerLost(worker=worker, reason=reason):
                self._line(f"! {worker} is lost: {reason}")
            case WorkerBack(worker=worker):
                self._line(f"! {worker} is back")
            case PageShown(text=text):
                for line in text.splitlines():
                    self._line(f"  | {line}", FAINT)
            case Trouble(text=text):
                self.troubles += 1
                self._line(f"! {text}")
            case SessionEnded(reason=reason):
                self.note(reason or "the session has ended")
            case _:
                return
        self._out.flush()

    def note(self, text: str) -> None:
        """Write a line about the session itself."""
        self._line(f"-- {text}", FAINT)

    def _words(self, speaker: str, voice: str, text: str) -> None:
        who = f"{speaker} ({voice})" if voice else speaker
        if self._open != who:
            self._end_line()
            if speaker not in self._speakers:
                self._speakers.append(speaker)
            colour = COLOURS[self._speakers.index(speaker) % len(COLOURS)]
            self._write(self._in(f"{who}: ", f"1;{colour}"))
            self._open = who
        self._write(harmless(text))

    def _line(self, text: str, colour: str = "") -> None:
        self._end_line()
        self._write(f"{self._in(harmless(text), colour)}\n")

    def _end_line(self, more: str = "") -> None:
        if self._open:
            self._write(f"{more}\n")
            self._open = ""

    def _in(self, text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if colour and self._colour else text

    def _write(self, text: str) -> None:
        self._out.write(text.encode(self._encoding, "backslashreplace").decode(self._encoding))


def _of_tool(event: ToolCalled | ToolEnded) -> str:
    """Return a call as it would be written, or what came of it."""
    if isinstance(event, ToolCalled):
        given = ", ".join(f"{name}={_short(value)}" for name, value in event.arguments.items())
        return f"{event.worker} uses {event.name}({given})"
    if event.error:
        return f"{event.name} failed: {event.error[:LONGEST]}"
    return f"{event.name} gives {_short(event.result)}"


def _short(value: Any) -> str:
    """Return a value as JSON on one line, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
