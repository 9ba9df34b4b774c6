"""Durations and sizes are read as people write them, and nothing else is."""

import pytest

from callboard.transports.units import bytes_of, seconds_of


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30", 30.0), ("30s", 30.0), (" 2 m ", 120.0), ("500ms", 0.5), (".5h", 1800.0), ("1D", 86400)],
)
def test_a_duration_is_seconds(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("4096", 4096),
        ("64KiB", 65536),
        ("4 mib", 4 * 2**20),
        ("1.5kB", 1500),
        ("1GiB", 2**30),
    ],
)
def test_a_size_is_bytes(text: str, size: int) -> None:
    assert bytes_of(text) == size


@pytest.mark.parametrize(
    "text", ["", "soon", "-1", "1 2", "5 parsecs", "1e3", "9" * 400, "٣s", "3s\n4"]
)
def test_what_is_neither_says_how_to_write_it(text: str) -> None:
    with pytest.raises(ValueError, match="write 30s, 500ms, 2m or 1h"):
        seconds_of(text)
    with pytest.raises(ValueError, match="write 4096, 64KiB, 4MiB or 1GiB"):
        bytes_of(text)
