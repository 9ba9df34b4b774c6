"""Durations and sizes as people write them: `30s`, `500ms`, `4MiB`."""

from __future__ import annotations

import re

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
    found = WRITTEN.match(text.strip().lower())
    unit = SECONDS.get(found[2]) if found else None
    if found is None or unit is None:
        raise ValueError(f"{text!r} is no duration: write 30s, 500ms, 2m or 1h")
    return float(found[1]) * unit


def bytes_of(text: str) -> int:
    """Return the bytes of a size: `4096`, `64KiB`, `4MiB`, `1GiB`; `KB` and `MB` are decimal.

    Raises:
        ValueError: it is none; the text says how to write one.

    """
    found = WRITTEN.match(text.strip().lower())
    unit = BYTES.get(found[2]) if found else None
    if found is None or unit is None:
        raise ValueError(f"{text!r} is no size: write 4096, 64KiB, 4MiB or 1GiB")
    return round(float(found[1]) * unit)
