"""A session as lines of text."""

import io

import pytest

from callboard.examples.talking.events import (
    CardShown,
    FloorChanged,
    JobProgress,
    ReplyEnded,
    ReplyPiece,
    SessionEnded,
    SessionEvent,
    ToolCalled,
    ToolEnded,
    Trouble,
    UserSaid,
    WorkerBack,
    WorkerFound,
    WorkerLost,
)
from callboard.examples.talking.printing import Printer, harmless


class Stream(io.StringIO):
    """A stream in memory with an encoding; a terminal if it is told so."""

    def __init__(self, encoding: str = "utf-8", *, terminal: bool = False) -> None:
        super().__init__()
        self._named = encoding
        self._terminal = terminal

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._named

    def isatty(self) -> bool:
        return self._terminal


def printed(*events: SessionEvent, echo: bool = True, out: Stream | None = None) -> list[str]:
    out = out or Stream()
    printer = Printer(out, echo=echo)
    for event in events:
        printer.show(event)
    return out.getvalue().splitlines()


def test_the_words_of_a_reply_are_one_line_and_whatever_comes_between_is_another() -> None:
    assert printed(
        UserSaid("hi"),
        ReplyPiece("greeter", "Let me "),
        ReplyPiece("greeter", "see."),
        ToolCalled("greeter", "look", "1", {"at": "it", "times": 2}),
        JobProgress("eye", "see", "half"),
        ToolEnded("greeter", "look", "1", {"seen": True}),
        ToolEnded("greeter", "look", "2", error="too dark"),
        ReplyPiece("greeter", "There"),
        ReplyEnded("greeter", interrupted=True),
        FloorChanged(None, "greeter"),
        FloorChanged("support", "greeter"),
        ReplyPiece("support", "Hello", voice="low"),
        ReplyEnded("support"),
        CardShown("c", "Prices", "12 of 30", part=0.4),
        CardShown("c", "Prices", status="completed", part=1),
        WorkerFound("support", "back"),
        WorkerLost("support", "failed: RuntimeError: x"),
        WorkerBack("support"),
        Trouble("it rains"),
        SessionEnded("bye"),
    ) == [
        "you: hi",
        "greeter: Let me see.",
        '  * greeter uses look(at="it", times=2)',
        "  * eye, see, running: half",
        '  * look gives {"seen": true}',
        "  * look failed: too dark",
        "greeter: There [interrupted]",
        "-- greeter hands over to support",
        "support (low): Hello",
        "  * [Prices] running 40%: 12 of 30",
        "  * [Prices] completed",
        "-- support is ready, on node back",
        "! support is lost: failed: RuntimeError: x",
        "! support is back",
        "! it rains",
        "-- bye",
    ]


def test_the_first_to_have_the_floor_and_one_that_has_it_again_are_no_hand_over() -> None:
    assert printed(FloorChanged("a"), FloorChanged(None, "a"), FloorChanged("a", "a")) == []


def test_what_a_terminal_shows_by_itself_is_not_written_again() -> None:
    assert printed(UserSaid("hi"), echo=False) == []


def test_a_long_result_is_cut() -> None:
    (line,) = printed(ToolEnded("w", "read", "1", result="x" * 1000))
    assert len(line) < 200 and line.endswith("...")


def test_words_do_nothing_to_a_terminal() -> None:
    assert harmless("a\x1b[2J\x07\u202eb\x9b\tc\nd\xe9") == "a?[2J??b?\tc\nd\xe9"
    lines = printed(
        ReplyPiece("g", "\x1b[31mred"),
        ToolCalled("g", "t", "1", {"a": "\x1b"}),
        Trouble("\x1b]0;title\x07"),
    )
    assert not any("\x1b" in line for line in lines)


def test_what_the_encoding_lacks_is_escaped() -> None:
    out = Stream("ascii")
    assert printed(ReplyPiece("g", "caf\xe9 \u2192"), out=out) == ["g: caf\\xe9 \\u2192"]


@pytest.mark.parametrize(
    ("terminal", "environment", "coloured"),
    [
        (True, {"TERM": "xterm"}, True),
        (True, {"TERM": "dumb"}, False),
        (True, {"TERM": "xterm", "NO_COLOR": "1"}, False),
        (False, {"TERM": "xterm"}, False),
    ],
)
def test_colours_are_for_terminals_that_want_them(
    terminal: bool,
    environment: dict[str, str],
    coloured: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    out = Stream(terminal=terminal)
    printed(ReplyPiece("g", "hi"), ReplyEnded("g"), out=out)
    assert ("\x1b[" in out.getvalue()) is coloured
