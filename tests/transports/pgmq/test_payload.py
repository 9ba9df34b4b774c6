"""The bytes of a packet as a row, and back."""

import contextlib
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from callboard.transports.errors import Undecodable
from callboard.transports.packet import MAX_ENVELOPE, Header, Kind, pack
from callboard.transports.pgmq.payload import LARGEST, bytes_of_row, row_of


@pytest.mark.check("M119")
@given(st.binary(max_size=2000))
def test_bytes_come_back_from_text_and_from_decoded_json(data: bytes) -> None:
    row = row_of(data)
    assert bytes_of_row(row) == data
    assert bytes_of_row(row.encode()) == data
    assert bytes_of_row(orjson.loads(row)) == data


@pytest.mark.check("M113")
@pytest.mark.parametrize(
    "row",
    ["", "{", "[]", "7", '"text"', "{}", '{"p": 7}', '{"p": "no base64"}', '{"p": "AA"}', None, 7],
)
def test_what_nobody_of_ours_has_written_is_named(row: Any) -> None:
    with pytest.raises(Undecodable, match="a row of the queue"):
        bytes_of_row(row)


@pytest.mark.check("M113")
def test_what_is_larger_than_any_packet_is_named_and_the_largest_is_not() -> None:
    largest = pack(Header(Kind.DATA, "node", 1), [bytes(MAX_ENVELOPE), bytes(200_000)])
    assert bytes_of_row(row_of(largest)) == largest
    row = row_of(bytes(LARGEST))
    for each in (row, row.encode()):
        with pytest.raises(Undecodable, match="is no packet"):
            bytes_of_row(each)


@pytest.mark.check("M113")
@given(st.text() | st.binary() | st.dictionaries(st.text(), st.text()))
def test_nothing_else_is_ever_raised(row: Any) -> None:
    with contextlib.suppress(Undecodable):
        bytes_of_row(row)
