"""Where log records go when the command line runs a tree: to stderr, as text or as JSON lines."""

from __future__ import annotations

import copy
import logging
import os
import sys
from collections import Counter
from datetime import UTC, datetime
from typing import Any, TextIO

import orjson

from .company import ProcessDied

__all__ = ["FORMATS", "LEVELS", "Console", "JsonLines", "log_to_stderr"]

LEVELS = ("debug", "info", "warning", "error", "critical")
FORMATS = ("text", "json")

FACTS = ("event", "path", "incarnation", "reason")
"""What the records of events carry besides their text."""


TRANSPORTS = "transports/"
"""How the paths of transports begin."""

KINDS = 1000
"""Failures that are told apart; then all are news again."""


class Console(logging.StreamHandler[TextIO]):
    """Writes records, but of a broker that is not there no more than is worth reading.

    A transport tries again for as long as it takes. Of the same failure the first is written, the
    second, the fourth, the eighth and so on, until it has connected; and without the traceback,
    unless everything is asked for.

    The death of a process is never written with one: nothing but our own lines would be in it.
    """

    def __init__(self, stream: TextIO) -> None:
        """Write to this stream."""
        super().__init__(stream)
        self._failures: Counter[tuple[str, str, str]] = Counter()

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record, if it is worth it."""
        event, path = str(getattr(record, "event", "")), str(getattr(record, "path", ""))
        if event == "connected":
            for key in [each for each in self._failures if each[0].endswith(f"/{path}")]:
                del self._failures[key]
        elif event in ("failed", "waiting") and path.startswith(TRANSPORTS):
            key = (path, event, str(getattr(record, "reason", "")))
            if len(self._failures) >= KINDS:
                self._failures.clear()
            self._failures[key] += 1
            count = self._failures[key]
            if count & (count - 1):
                return
            if not logging.getLogger("callboard").isEnabledFor(logging.DEBUG):
                record = _without_traceback(record)
        if record.exc_info and _is_of_a_process(record.exc_info[1]):
            record = _without_traceback(record)
        super().emit(record)


def _without_traceback(record: logging.LogRecord) -> logging.LogRecord:
    record = copy.copy(record)
    record.exc_info = record.exc_text = None
    return record


def _is_of_a_process(error: BaseException | None) -> bool:
    """Whether it is the death of a process of the company, or what that has led to."""
    while error is not None and not isinstance(error, ProcessDied):
        error = error.__cause__
    return error is not None


class JsonLines(logging.Formatter):
    """One JSON object per record, on one line."""

    def __init__(self, node: str) -> None:
        """Name the node in every line."""
        super().__init__()
        self._node = node

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "node": self._node,
            "pid": os.getpid(),
            "text": record.getMessage(),
        }
        line |= {fact: getattr(record, fact) for fact in FACTS if getattr(record, fact, None)}
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = self.formatException(record.exc_info)
        try:
            return orjson.dumps(line, default=str).decode()
        except TypeError:
            # A text that is no Unicode, such as a file's name in an error: shown with '?'.
            safe = {
                key: str(value).encode(errors="replace").decode() for key, value in line.items()
            }
            return orjson.dumps(safe).decode()


def log_to_stderr(node: str, level: str, style: str) -> None:
    """Have all records of this level and above written to stderr; what was set up stays."""
    root = logging.getLogger()
    handler = Console(sys.stderr)
    if style == "json":
        handler.setFormatter(JsonLines(node))
    else:
        # A '%' in the name would be a field of the format.
        name = node.replace("%", "%%")
        handler.setFormatter(logging.Formatter(f"%(asctime)s {name} %(levelname)s %(message)s"))
    root.addHandler(handler)
    root.setLevel(level.upper())
