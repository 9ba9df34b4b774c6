"""The codec against whatever hypothesis and the fuzzer come upon."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
import zoneinfo
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from callboard.transports.errors import Undecodable
from callboard.transports.json_codec import JsonCodec
from tests.fuzz.fuzz_codec import SEEDS, take
from tests.transports.codec.carried import (
    Circle,
    Color,
    Everything,
    Node,
    Pair,
    Permission,
    Point,
    Status,
    UserId,
    identical,
    make_ref,
    round_trip,
)

ROOT = Path(__file__).resolve().parents[3]

TEXTS = st.text(st.characters(codec=None, exclude_categories=())) | st.sampled_from(
    ["~", "~tuple", "~:tests.point", "~dict", ""]
)
ZONES = (
    st.none()
    | st.sampled_from(sorted(zoneinfo.available_timezones())).map(zoneinfo.ZoneInfo)
    | st.builds(dt.timezone, st.timedeltas(dt.timedelta(-0.9), dt.timedelta(0.9)))
)
ATOMS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    TEXTS,
    st.binary(),
    st.decimals(),
    st.complex_numbers(),
    st.uuids(),
    st.dates(),
    st.times(timezones=ZONES),
    st.datetimes(timezones=ZONES),
    st.timedeltas(),
    st.sampled_from([*Color, *Status, Permission.READ | Permission.WRITE]),
    st.builds(UserId, TEXTS),
    st.builds(make_ref, TEXTS),
    st.builds(Point, st.floats(), st.integers()),
)
KEYS = st.one_of(TEXTS, st.integers(), st.booleans(), st.none(), st.tuples(TEXTS), st.uuids())


def inside(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return values that hold these."""
    return st.one_of(
        st.lists(values, max_size=4),
        st.lists(values, max_size=4).map(tuple),
        st.dictionaries(TEXTS, values, max_size=4),
        st.dictionaries(KEYS, values, max_size=4),
        st.builds(Node, values, st.lists(st.builds(Node, values), max_size=2)),
        st.builds(Pair, values, st.integers()),
        st.builds(Circle, TEXTS, st.integers(), st.just(()), st.floats()),
        st.builds(Everything, TEXTS, anything=values, number=st.integers(), data=st.binary()),
        st.sets(st.integers() | TEXTS, max_size=4),
        st.frozensets(KEYS, max_size=4),
    )


VALUES = st.recursive(ATOMS, inside, max_leaves=12)

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda values: st.lists(values) | st.dictionaries(st.text(), values),
)


@pytest.mark.check("M93")
@given(VALUES)
def test_any_value_arrives_equal_and_of_its_type(value: Any) -> None:
    assert identical(round_trip(value), value)


@given(PLAIN)
def test_any_plain_value_arrives(value: Any) -> None:
    assert identical(round_trip(value), value)


@given(st.binary())
@example(b"\0" * 9)
def test_of_random_bytes_come_values_or_undecodable(data: bytes) -> None:
    take(data)


@given(st.sampled_from(SEEDS), st.integers(0, 200), st.integers(0, 5), st.binary(max_size=5))
def test_of_bytes_that_were_tampered_with_come_values_or_undecodable(
    data: bytes, place: int, cut: int, put: bytes
) -> None:
    take(data[:place] + put + data[place + cut :])


@given(VALUES, st.integers(0, 500), st.binary(min_size=1, max_size=1))
@settings(max_examples=50)
def test_of_one_changed_byte_come_values_or_undecodable(value: Any, place: int, put: bytes) -> None:
    data = JsonCodec().encode(value)
    take(data[:place] + put + data[place + 1 :])


def test_every_seed_of_the_fuzzer_is_a_value() -> None:
    for seed in SEEDS:
        try:
            JsonCodec().decode(seed, make_ref)
        except Undecodable as error:
            raise AssertionError(seed) from error


def test_the_fuzzer_finds_nothing_in_a_few_seconds(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.fuzz_codec", "3"],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "Done" in ran.stdout + ran.stderr
