"""The bytes of a packet: what crosses, and what is refused on which side."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callboard.transports.errors import NotCarried, Undecodable
from callboard.transports.packet import (
    MAX_ENVELOPE,
    Header,
    Kind,
    check_name,
    check_size,
    pack,
    unpack,
)
from callboard.transports.signing import Secrets

NUMBER = st.integers(0, 2**64 - 1)
NAME = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=200)
HEADER = st.builds(
    Header,
    st.sampled_from([int(kind) for kind in Kind]),
    NAME,
    NUMBER, NUMBER, NUMBER, NUMBER, NUMBER, st.integers(0, 1),
)  # fmt: skip
BODIES = st.lists(st.binary(max_size=40), max_size=6)
PLAIN = Header(Kind.DATA, "alpha", 7, 11, 12, 13, 14, 1)


def refused(data: bytes, limit: int = MAX_ENVELOPE) -> str:
    """Return the kind of the refusal."""
    with pytest.raises(Undecodable) as raised:
        unpack(data, limit=limit)
    return raised.value.kind


@given(header=HEADER, bodies=BODIES)
def test_a_packet_arrives_as_it_was(header: Header, bodies: list[bytes]) -> None:
    got, came = unpack(pack(header, bodies))
    assert got == header
    assert came == bodies
    assert {type(body) for body in came} <= {bytes}


@pytest.mark.parametrize("count", [0, 1, 2, 2_000])
def test_any_number_of_bodies_may_share_a_packet(count: int) -> None:
    bodies = [bytes([number % 256]) * (number % 90) for number in range(count)]
    assert unpack(pack(PLAIN, bodies)) == (PLAIN, bodies)


def test_audio_costs_its_own_bytes() -> None:
    audio = bytes(range(256)) * 1000
    assert len(pack(PLAIN, [audio])) - len(audio) < 100


def test_the_longest_name_may_take_four_bytes_a_character() -> None:
    header = PLAIN._replace(node="\U0001f3ad" * 200)
    assert unpack(pack(header, []))[0] == header


# -- sizes ----


@pytest.mark.check("M97")
@pytest.mark.parametrize("limit", [MAX_ENVELOPE, 100])
def test_a_body_of_exactly_the_limit_crosses_and_one_byte_more_does_not(limit: int) -> None:
    """The layer of packets; what a worker sends is measured in the tests of the transports."""
    full, over = bytes(limit), bytes(limit + 1)
    for bodies in ([full], [b"a", full], [full, b""]):
        assert unpack(pack(PLAIN, bodies, limit=limit), limit=limit) == (PLAIN, bodies)
    check_size(full, limit)
    with pytest.raises(NotCarried, match=f"{limit + 1} bytes.*{limit} is the most"):
        check_size(over, limit)
    for bodies in ([over], [b"a", over], [over, b""]):
        with pytest.raises(NotCarried, match=f"{limit + 1} bytes"):
            pack(PLAIN, bodies, limit=limit)
        sent = pack(PLAIN, bodies, limit=limit + 1)
        assert refused(sent, limit) == "oversized"


def test_a_mebibyte_is_the_limit_unless_another_is_given() -> None:
    assert MAX_ENVELOPE == 1_048_576
    assert unpack(pack(PLAIN, [bytes(MAX_ENVELOPE)]))[1] == [bytes(MAX_ENVELOPE)]
    with pytest.raises(NotCarried):
        pack(PLAIN, [bytes(MAX_ENVELOPE + 1)])


def test_what_shares_a_packet_has_a_limit_too() -> None:
    half = bytes(MAX_ENVELOPE // 2)
    with pytest.raises(NotCarried, match="use several packets"):
        pack(PLAIN, [half, half, half])


def test_what_may_be_sent_is_never_too_long_for_who_gets_it() -> None:
    """With the longest name, the longest signature, and as many bodies as there may be."""
    signer, verifier = Secrets({"k" * 64: bytes(32)}).both()
    header = PLAIN._replace(node="\U0001f3ad" * 200)
    count = 0
    for size in (0, 1, 1000, MAX_ENVELOPE):
        for spare in (256, 512):
            most = (MAX_ENVELOPE + spare * 1024) // (size + 4)
            for bodies in ([bytes(size)] * most, [bytes(size)] * (most + 1)):
                try:
                    data = pack(header, bodies, signer)
                except NotCarried:
                    continue
                count += 1
                assert unpack(data, verifier) == (header, bodies)
    assert count >= 4


def test_a_packet_that_is_too_long_as_a_whole_is_not_even_cut() -> None:
    data = pack(PLAIN, [b"a"])
    assert refused(data + bytes(2 * MAX_ENVELOPE)) == "oversized"


# -- what is not a packet ----


@pytest.mark.parametrize(
    "data", [b"", b"x", b'{"type":"TextFrame"}' * 9, bytes(200), b"\xcaCB", pack(PLAIN, [])[:51]]
)
def test_what_is_not_ours_is_foreign(data: bytes) -> None:
    assert refused(data) == "foreign"


def test_the_text_for_what_is_foreign_shows_its_beginning_only() -> None:
    with pytest.raises(Undecodable) as raised:
        unpack(b"password=hunter2 and so on" + bytes(100))
    assert "hunter2" not in str(raised.value)


def test_a_newer_version_is_named() -> None:
    data = bytearray(pack(PLAIN, [b"a"]))
    data[3] = 9
    assert refused(bytes(data)) == "version"


@pytest.mark.parametrize(
    ("place", "value", "kind"),
    [
        (4, b"\xfa", "unknown"),  # the kind
        (5, b"\x80", "malformed"),  # the flags
        (6, b"\x00\x00", "malformed"),  # the name's length
        (6, b"\x00\x06", "malformed"),
        (6, b"\xff\xff", "malformed"),
        (8, b"\x00\x00\x00\x00", "malformed"),  # how many bodies
        (8, b"\x00\x00\x00\x03", "malformed"),
        (8, b"\xff\xff\xff\xff", "malformed"),
        (52, b"\xff", "malformed"),  # the name
        (57, b"\x00\x00\x00\x04", "malformed"),  # the lengths of the bodies
        (57, b"\x00\x00\x00\x02", "malformed"),
        (57, b"\x7f\xff\xff\xff", "oversized"),
        (61, b"\x00\x00\x00\x01", "malformed"),
        (61, b"\xff\xff\xff\xff", "oversized"),
    ],
)
def test_what_does_not_fit_together_is_refused(place: int, value: bytes, kind: str) -> None:
    data = bytearray(pack(PLAIN, [b"abc", b""]))
    assert unpack(bytes(data))[1] == [b"abc", b""]
    data[place : place + len(value)] = value
    assert refused(bytes(data)) == kind


@pytest.mark.parametrize("bodies", [[], [b"abc"], [b"abc", b"de"]])
def test_every_shorter_and_every_longer_one_is_refused(bodies: list[bytes]) -> None:
    data = pack(PLAIN, bodies)
    for length in range(len(data)):
        assert refused(data[:length]) in ("foreign", "malformed")
    assert refused(data + b"\0") == "malformed"


@given(data=st.binary(max_size=300))
def test_nothing_but_a_refusal_comes_of_garbage(data: bytes) -> None:
    for received in (data, b"\xcaCB\x01" + data):
        try:
            header, bodies = unpack(received, limit=100)
        except Undecodable:
            continue
        assert pack(header, bodies, limit=100) == received


@given(
    header=HEADER,
    bodies=BODIES,
    changes=st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=5),
)
def test_nothing_but_a_refusal_comes_of_what_was_altered(
    header: Header, bodies: list[bytes], changes: list[tuple[int, int]]
) -> None:
    data = bytearray(pack(header, bodies))
    for place, value in changes:
        data[place % len(data)] = value
    try:
        got, came = unpack(bytes(data))
    except Undecodable:
        return
    assert pack(got, came) == data


# -- what no packet can carry ----


@pytest.mark.parametrize("node", ["", "x" * 201, "\ud800"])
def test_a_name_that_is_none_cannot_be_packed(node: str) -> None:
    with pytest.raises(ValueError, match="node's name"):
        pack(PLAIN._replace(node=node), [])
    with pytest.raises(ValueError, match="node's name"):
        check_name(node)


@pytest.mark.parametrize("name", [b"", b"x" * 201, b"\xff", b"\xed\xa0\x80"])
def test_a_name_that_is_none_cannot_come_in(name: bytes) -> None:
    fixed = bytearray(pack(PLAIN, [])[:52])
    fixed[6:8] = struct.pack(">H", len(name))
    assert refused(bytes(fixed) + name) == "malformed"


@pytest.mark.parametrize(
    "header", [PLAIN._replace(ack=-1), PLAIN._replace(first=2**64), PLAIN._replace(kind=256)]
)
def test_a_number_that_does_not_fit_cannot_be_packed(header: Header) -> None:
    with pytest.raises(ValueError, match="no packet can carry this header"):
        pack(header, [])
