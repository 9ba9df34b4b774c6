from __future__ import annotations

import io
import re

import pytest

from callboard.examples.indexing.drawing import Row, Snapshot
from callboard.examples.indexing.progress import Progress


class Terminal(io.TextIOWrapper):
    """A stream that says it is a terminal, and can tell what stands on it."""

    def __init__(self, encoding: str = "utf-8", *, tty: bool = True) -> None:
        self._raw = io.BytesIO()
        self._tty = tty
        super().__init__(self._raw, encoding=encoding, newline="\n")

    def isatty(self) -> bool:
        return self._tty

    @property
    def written(self) -> str:
        return self._raw.getvalue().decode(self.encoding)

    @property
    def screen(self) -> list[str]:
        """What the codes make of it: cursor up, erase line, erase below; colours are left out."""
        lines = [""]
        row = 0
        for part in re.findall(r"\x1b\[\d*[A-Za-z]|\n|[^\x1b\n]+", self.written):
            if part == "\n":
                row += 1
                lines += [""] * (row + 1 - len(lines))
            elif part.endswith("F") and part[0] == "\x1b":
                row -= int(part[2:-1])
                assert row >= 0
            elif part == "\x1b[2K":
                lines[row] = ""
            elif part == "\x1b[J":
                del lines[row + 1 :]
                lines[row] = ""
            elif part[0] != "\x1b":
                lines[row] += part
        return lines


def progress(
    stream: Terminal, *, lines: int = 24, environ: dict[str, str] | None = None
) -> Progress:
    return Progress(stream, environ=environ or {}, size=lambda: (100, lines))


def snapshot(done: int, restarts: int = 0, workers: int = 2) -> Snapshot:
    rows = [Row(0, "root", "running"), *(Row(1, f"p{n}", "running") for n in range(workers))]
    return Snapshot(done, 10, restarts, rows)


def test_a_terminal_is_redrawn_in_place() -> None:
    terminal = Terminal()
    shown = progress(terminal)
    shown.update(snapshot(1), 0.0)
    shown.update(snapshot(4, workers=3), 1.0)
    shown.update(snapshot(5, workers=1), 2.0)

    assert terminal.screen == [
        "root   running",
        "└─ p0  running",
        "█" * 13 + "░" * 13 + " 5 of 10 files, 50 %, 2 files/s, 0 restarts",
        "",
    ]


def test_a_terminal_is_not_drawn_more_often_than_an_eye_can_follow() -> None:
    terminal = Terminal()
    shown = progress(terminal)
    for tick in range(100):
        shown.update(snapshot(1), tick / 1000)

    assert terminal.written.count("1 of 10") == 2


def test_the_end_is_always_shown_and_stays() -> None:
    terminal = Terminal()
    shown = progress(terminal)
    shown.update(snapshot(9), 0.0)
    shown.finish(snapshot(10), 0.001)
    shown.say("done")

    assert "10 of 10 files, 100 %" in terminal.screen[-3]
    assert terminal.screen[-2:] == ["done", ""]


def test_what_is_said_stands_above_the_tree() -> None:
    terminal = Terminal()
    shown = progress(terminal)
    shown.say("before")
    shown.update(snapshot(1), 0.0)
    shown.say("killed p0")
    shown.update(snapshot(2), 1.0)

    assert terminal.screen[:3] == ["before", "killed p0", "root   running"]
    assert len(terminal.screen) == 7


def test_a_drawing_is_never_as_high_as_the_terminal() -> None:
    terminal = Terminal()
    progress(terminal, lines=10).update(snapshot(1, workers=50), 0.0)

    assert len(terminal.screen) == 10
    assert terminal.screen[-3] == "... and 44 more"


@pytest.mark.parametrize(("environ", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_no_color_is_honoured(environ: dict[str, str], coloured: bool) -> None:
    terminal = Terminal()
    progress(terminal, environ=environ).update(snapshot(1), 0.0)

    assert ("\x1b[32m" in terminal.written) is coloured


def test_no_line_is_wider_than_80_columns_on_a_wide_terminal() -> None:
    terminal = Terminal()
    shown = progress(terminal)
    shown.update(Snapshot(1, 10, 0, [Row(0, "w" * 90, "running", "n" * 90)]), 0.0)
    shown.say("s" * 90)

    assert max(len(line) for line in terminal.screen) == 80


def test_a_stream_that_is_no_terminal_gets_plain_lines_once_a_second() -> None:
    stream = Terminal(tty=False)
    shown = progress(stream)
    for tick in range(30):
        shown.update(snapshot(tick // 4), tick / 10)
    shown.finish(snapshot(10, restarts=1), 3.0)

    assert stream.written.splitlines() == [
        "0 of 10 files, 0 %, 0 restarts",
        "2 of 10 files, 20 %, 2 files/s, 0 restarts",
        "5 of 10 files, 50 %, 2 files/s, 0 restarts",
        "10 of 10 files, 100 %, 3 files/s, 1 restart",
    ]


def test_plain_lines_come_only_when_a_count_has_changed() -> None:
    stream = Terminal(tty=False)
    shown = progress(stream)
    for now in range(9):
        shown.update(snapshot(1, workers=now), now)
    shown.say("killed \x1b[2J")
    shown.finish(snapshot(1), 9.0)

    assert stream.written == "1 of 10 files, 10 %, 0 restarts\nkilled \\x1b[2J\n"


def test_a_dumb_terminal_gets_plain_lines() -> None:
    terminal = Terminal()
    progress(terminal, environ={"TERM": "dumb"}).update(snapshot(1), 0.0)

    assert terminal.written == "1 of 10 files, 10 %, 0 restarts\n"


def test_a_terminal_without_unicode_is_drawn_in_ascii() -> None:
    terminal = Terminal("ascii")
    shown = progress(terminal)
    shown.say("killed 字")
    shown.update(snapshot(5), 0.0)

    assert terminal.screen[0] == "killed \\u5b57"
    assert terminal.screen[2] == "|- p0  running"
    assert terminal.screen[4].startswith("#" * 13 + "." * 13)


def test_a_stream_without_a_file_has_the_usual_size() -> None:
    stream = io.StringIO()
    shown = Progress(stream, environ={})
    shown.update(Snapshot(1, 2), 0.0)

    assert stream.getvalue() == "1 of 2 files, 50 %, 0 restarts\n"
