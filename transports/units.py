"""Durations and sizes as people write them: `30s`, `500ms`, `4MiB`."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["bytes_of", "seconds_of"]

SECONDS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
BYTES = {
    "": 1, "b": 1, "kib": 2**10, "mib": 2**20, "gib": 2**30, "kb": 10**3, "mb": 10**6, "gb": 10**9,
}  # fmt: skip

WRITTEN = re.compile(r"(\d{1,15}(?:\.\d{1,9})?|\.\d{1,9})\s*([a-z]*)\Z", re.ASCII)


def seconds_of(text: str) -> float:
    """Return the seconds of a duration: `30`, `30s`, `500ms`, `2m`, `1h`, `1d`.

    Raises:
        ValueError: it is none; the text says how to write one.

    """
    seconds = _measured(text, SECONDS)
    if seconds is None:
        raise ValueError(f"{text!r} is no duration: write 30s, 500ms, 2m or 1h")
    return seconds


def bytes_of(text: str) -> int:
    """Return the bytes of a size: `4096`, `64KiB`, `4MiB`, `1GiB`; `KB` and `MB` are decimal.

    Raises:
        ValueError: it is none; the text says how to write one.

    """
    size = _measured(text, BYTES)
    if size is None:
        raise ValueError(f"{text!r} is no size: write 4096, 64KiB, 4MiB or 1GiB")
    return round(size)


def _measured(text: str, units: Mapping[str, float]) -> float | None:
    """Return what is written, in the unit that is 1; None if that is no number with a unit."""
    found = WRITTEN.match(text.strip().lower())
    unit = units.get(found[2]) if found else None
    return float(found[1]) * unit if found is not None and unit is not None else None
