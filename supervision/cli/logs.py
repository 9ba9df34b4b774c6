"""Where log records go when the command line runs a tree: to stderr, as text or as JSON lines."""

from __future__ import annotations

import logging
import os
import sys
from datetime import UTC, datetime
from typing import Any

import orjson

__all__ = ["FORMATS", "LEVELS", "JsonLines", "log_to_stderr"]

LEVELS = ("debug", "info", "warning", "error", "critical")
FORMATS = ("text", "json")

FACTS = ("event", "path", "incarnation", "reason")
"""What the records of events carry besides their text."""


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
    handler = logging.StreamHandler(sys.stderr)
    if style == "json":
        handler.setFormatter(JsonLines(node))
    else:
        # A '%' in the name would be a field of the format.
        name = node.replace("%", "%%")
        handler.setFormatter(logging.Formatter(f"%(asctime)s {name} %(levelname)s %(message)s"))
    root.addHandler(handler)
    root.setLevel(level.upper())
