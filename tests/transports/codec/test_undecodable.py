"""Whatever bytes come: a value of ours, or `Undecodable`, and never anything else."""

from __future__ import annotations

import importlib.abc
import re
import struct
import sys
import tracemalloc
from dataclasses import dataclass
from typing import Any

import attrs
import orjson
import pytest

from callboard import DataMessage, LocalMessage
from callboard.actors.wire import WIRE_NAMES, WIRE_TYPES, WireType, wire
from callboard.transports.container import pack
from callboard.transports.errors import Undecodable
from callboard.transports.json_codec import JsonCodec
from callboard.transports.limits import Limits
from tests.transports.codec.carried import make_ref


def refused(data: bytes, codec: JsonCodec | None = None) -> Undecodable:
    """Decode what must be refused; return the error."""
    loaded = set(sys.modules)
    with pytest.raises(Undecodable) as raised:
        (codec or JsonCodec()).decode(data, make_ref)
    assert {name for name in set(sys.modules) - loaded if not name.startswith("encodings")} == set()
    return raised.value


def tagged(tag: str, low: Any) -> bytes:
    return orjson.dumps({tag: low})


def everything(**fields: Any) -> bytes:
    return tagged("~:tests.everything", {"name": "x"} | fields)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" ",
        b"{",
        b"[1]x",
        b'"\xff"',
        b'"\\ud800"',
        b"NaN",
        b"1e999",
        b"nul",
        b"\x80\x04K\x01.",
        b"\0",
        b"\0" * 8,
        b"\0\0\0\0\xff\0\0\0\0[]",
        b"\0\0\0\0\x02\0\0\0\0[]x",
        b"\0\0\0\0\x02\xff\xff\xff\xff[]",
        b"\0" + struct.pack(">II", 2, 1) + struct.pack(">I", 0xFFFFFFFF) + b"[]",
        pack(b"[1]", [b"nobody's"]),
    ],
)
def test_malformed_bytes(data: bytes) -> None:
    assert refused(data).kind == "malformed"


@pytest.mark.parametrize(
    "name",
    [
        "acme.unknown",
        "os.system",
        "subprocess.Popen",
        "callboard.actors.monitor.WorkerDown",
        "tests.transports.codec.carried.Point",
        "antigravity",
        "",
        "x" * 10_000,
        "tests.point ",
        "TESTS.POINT",
    ],
)
def test_unknown_names_and_paths_of_modules(name: str) -> None:
    error = refused(tagged(f"~:{name}", {"x": 1}))
    assert error.kind == "unknown"
    assert len(str(error)) < 400
    assert refused(everything(anything={f"~:{name}": {}})).kind == "unknown"


def test_unknown_tags() -> None:
    assert refused(tagged("~nothing", 1)).kind == "unknown"
    assert refused(b'[{"~":1}]').kind == "unknown"
    assert refused(tagged("~:tests.point@x", {"x": 1})).kind == "malformed"
    assert refused(tagged("~:tests.point@99999999999", {"x": 1})).kind == "malformed"


def test_a_type_that_never_leaves_its_process() -> None:
    class Here(LocalMessage):
        thing: object = None

    # No such entry can be made by the ways that are meant for it.
    WIRE_NAMES[Here] = "tests.smuggled"
    WIRE_TYPES["tests.smuggled"] = WireType(Here, "tests.smuggled", 1, None)
    try:
        assert refused(tagged("~:tests.smuggled", {})).kind == "local"
    finally:
        del WIRE_NAMES[Here], WIRE_TYPES["tests.smuggled"]


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"~tuple":[', b'{"~:tests.node":{"value":'])
@pytest.mark.parametrize("closed", [True, False])
def test_nesting_ten_thousand_deep(opening: bytes, closed: bool) -> None:
    closing = {b"[": b"]", b"{": b"}"}
    after = b"".join(
        closing[opening[n : n + 1]]
        for n in reversed(range(len(opening)))
        if opening[n : n + 1] in closing
    )
    data = opening * 10_000 + b"1" + (after * 10_000 if closed else b"")
    assert refused(data).kind == "limit"


WRONG: list[tuple[str, Any]] = [
    ("name", 5),
    ("name", None),
    ("name", ["x"]),
    ("number", "5"),
    ("number", 1.5),
    ("number", {"~int": "zz"}),
    ("number", {"~int": 5}),
    ("number", {"~str": 0}),
    ("share", "x"),
    ("share", {"~float": "00"}),
    ("sure", 1),
    ("nothing", 0),
    ("data", "x"),
    ("data", 0),
    ("data", -1),
    ("data", True),
    ("buffer", 7),
    ("color", "PURPLE"),
    ("color", "_missing_"),
    ("color", "r"),
    ("color", 1),
    ("priority", 2),
    ("permission", {"~:tests.permission": 64}),
    ("permission", {"~:tests.color": "RED"}),
    ("user", "plain"),
    ("user", {"~:tests.user-id": 5}),
    ("when", "yesterday"),
    ("when", 5),
    ("when", ["2026-01-01T00:00:00", 0, "../../etc/passwd"]),
    ("when", ["2026-01-01T00:00:00", 0, "os.system/x"]),
    ("when", ["2026-01-01T00:00:00", 0, "No/Where"]),
    ("when", ["2026-01-01T00:00:00", 2, None]),
    ("when", ["2026-01-01T00:00:00", 0, [[1, 0, 0], None]]),
    ("when", []),
    ("day", "2026-13-01"),
    ("hour", "25:00"),
    ("lasting", [1, 2]),
    ("lasting", [10**12, 0, 0]),
    ("lasting", [1.5, 0, 0]),
    ("price", "x"),
    ("price", 1),
    ("wave", [1.0]),
    ("wave", [1, 2]),
    ("id", "12"),
    ("worker", 5),
    ("worker", {"~tuple": []}),
    ("point", {}),
    ("point", {"x": "1"}),
    ("point", [1.0]),
    ("point", "x"),
    ("point", None),
    ("shape", {"~:tests.point": {"x": 1.0}}),
    ("base", {"~:tests.point": {"x": 1.0}}),
    ("base", "x"),
    ("pair", {"left": 1, "right": "x"}),
    ("pair", {}),
    ("settings", {"~:tests.settings": {"name": 5}}),
    ("settings", {"name": "x"}),
    ("settings", {"~:tests.settings": {}}),
    ("tree", {"children": [5]}),
    ("tree", {"children": {"~tuple": []}}),
    ("names", "abc"),
    ("names", [5]),
    ("names", {"~tuple": ["x"]}),
    ("grid", [[1], ["x"]]),
    ("by_name", []),
    ("by_name", {"a": None}),
    ("by_name", {"~dict": [["a"]]}),
    ("by_number", {"a": []}),
    ("by_number", {"~dict": [["a", []]]}),
    ("by_point", {"~dict": [[[1], 2]]}),
    ("some", ["x"]),
    ("fixed", ["PURPLE"]),
    ("both", [1]),
    ("both", [1, 2]),
    ("many", ["1", 1]),
    ("either", 1.5),
    ("either", ["x"]),
    ("either", {"x": 1.0}),
    ("word", True and "b"),
    ("word", 2),
    ("anything", {"~set": [[1]]}),
    ("anything", {"~dict": [[[], 1]]}),
    ("anything", {"~frozenset": 5}),
    ("anything", {"~tuple": {}}),
    ("anything", {"~bytes": 0}),
    ("anything", {"~bytes": "x"}),
    ("anything", {"~:tests.point": []}),
    ("anything", {"~:tests.point": {"y": 1.0}}),
    ("bare", {}),
]


@pytest.mark.parametrize(("name", "low"), WRONG)
def test_a_field_of_the_wrong_type_is_named(name: str, low: Any) -> None:
    error = refused(everything(**{name: low}))
    assert error.kind == "field"
    assert re.match(rf"tests\.transports\.codec\.carried\.Everything\.{name}\b", str(error))


def test_a_message_that_is_no_object_of_fields() -> None:
    lows: list[object] = [[], "name", 5, None, {}]
    for low in lows:
        error = refused(tagged("~:tests.everything", low))
        assert error.kind == "field"
    assert "missing" in str(refused(tagged("~:tests.everything", {})))


def test_an_error_shows_nothing_of_what_came() -> None:
    for fields in (
        {"when": "canary"},
        {"number": "canary"},
        {"price": "canary"},
        {"color": "canary"},
    ):
        assert "canary" not in str(refused(everything(**fields)))


class Watch(importlib.abc.MetaPathFinder):
    """Sees what anybody tries to import."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def find_spec(self, fullname: str, path: object, target: object = None, /) -> None:
        self.asked.append(fullname)


def test_nothing_is_even_looked_for_because_a_message_names_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    JsonCodec().decode(everything(when=["2026-01-01T00:00:00", 0, "Europe/Berlin"]), make_ref)
    watch = Watch()
    monkeypatch.setattr(sys, "meta_path", [watch, *sys.meta_path])
    for name in ("this", "os.system", "No/Where", "Etc.this/x", "../this"):
        refused(everything(when=["2026-01-01T00:00:00", 0, name]))
        refused(everything(anything={f"~:{name}": {}}))
        refused(everything(anything={f"~{name}": {}}))
    assert watch.asked == []


def test_bytes_that_are_not_there() -> None:
    for number in (1, -1, 2**40):
        assert refused(pack(tagged("~bytes", number), [b"x"])).kind == "field"


class Piece(DataMessage, wire="tests.piece"):
    audio: bytes
    text: str
    buffer: bytearray


@pytest.mark.parametrize(
    "text",
    [
        b'[{"~bytes":0},{"~bytes":0}]',
        b'[{"~bytearray":0},{"~bytearray":0}]',
        b'[{"~str":0},{"~str":0}]',
        b'[{"~bytearray":1},{"~str":0},{"~bytes":1}]',
        b'{"~dict":[[{"~bytes":0},{"~bytearray":0}]]}',
        b'[{"~ref":[0]},{"~ref":[0]}]',
        b'{"~:tests.piece":{"audio":0,"text":"","buffer":0}}',
        b'{"~:tests.piece":{"audio":0,"text":{"~str":0},"buffer":1}}',
    ],
)
def test_a_piece_of_bytes_that_is_named_twice(text: bytes) -> None:
    error = refused(pack(text, [b"abc", b"def"]))
    assert error.kind == "field"
    assert "named before" in str(error)


def test_a_large_piece_named_a_thousand_times_is_not_copied_as_often() -> None:
    named = b",".join([b'{"~bytearray":0}'] * 1000)
    data = pack(b'{"~tuple":[' + named + b"]}", [bytes(1 << 20)])
    tracemalloc.start()
    try:
        refused(data)
        assert tracemalloc.get_traced_memory()[1] < 10 << 20
    finally:
        tracemalloc.stop()


def at_most_one(_: object, __: object, value: float) -> None:
    if value > 1:
        raise ZeroDivisionError("what a class raises of its own")


@wire("tests.careful")
@attrs.frozen
class Careful:
    share: float = attrs.field(validator=at_most_one)


@wire("tests.hungry")
@dataclass
class Hungry:
    depth: int

    def __post_init__(self) -> None:
        if self.depth:
            Hungry(self.depth)


def test_what_a_class_of_the_application_raises_is_undecodable_too() -> None:
    assert refused(tagged("~:tests.careful", {"share": 2.0})).kind == "field"
    assert refused(tagged("~:tests.hungry", {"depth": 1})).kind == "field"


@pytest.mark.parametrize(
    ("data", "fine"),
    [
        (b"[1,1,1,1,1]", True),
        (b"[1,1,1,1,1,1]", False),
        (b"[[],[],[],[],[]]", True),
        (b"[[],[],[],[],[],[]]", False),
        (b"[[1,1],[1,1],[1,1],[1,1]]", True),
        (b'{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1}', False),
        (b'["[[[[[[[[[[", ",,,,,,,,,"]', True),
        (b'["\\"[[[[[[[["]', True),
        (b'["\\\\",[[[[[["\\\\"]]]]]]', False),
        (b'["\\\\",[[[["\\\\"]]]]]', True),
        (b"[[[[[1]]]]]", True),
        (b"[[[[[[1]]]]]]", False),
        (b"[[],[[[[1]]]],[]]", True),
        (b"[[],[[[[[]]]]],[]]", False),
        (b"[1,[1,[1,[1,[1]]]]]", True),
        (b'[{"a":[{"a":[]}]}]', True),
        (b'[{"a":[{"a":[{}]}]}]', False),
        (b'["' + b"x" * 98 + b'"]', True),
        (b'["' + b"x" * 99 + b'"]', False),
        (b'["' + b"\\n" * 49 + b'"]', True),
        (b'["' + b"\\n" * 50 + b'"]', False),
    ],
)
def test_the_limits_are_exact(data: bytes, fine: bool) -> None:
    codec = JsonCodec(Limits(depth=5, length=5, text=100))
    if fine:
        assert codec.decode(data, make_ref) == orjson.loads(data)
    else:
        assert refused(data, codec).kind == "limit"


def test_a_refused_value_leaves_nothing_for_the_next() -> None:
    codec = JsonCodec()
    refused(pack(tagged("~tuple", [{"~bytes": 0}, {"~nothing": 1}]), [b"first"]), codec)
    assert refused(tagged("~bytes", 0), codec).kind == "field"
    assert codec.decode(pack(tagged("~bytes", 0), [b"second"]), make_ref) == b"second"
