"""Queue names: legal, readable, and never shared."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callboard.transports.pgmq.names import queue_name, topic_name

NAMES = st.text(min_size=1, max_size=200)
LONG = "n" * 199


@pytest.mark.check("M110")
@given(NAMES, NAMES)
def test_any_names_make_a_legal_queue_name_that_begins_readably(channel: str, node: str) -> None:
    name = queue_name(channel, node)
    assert re.fullmatch(r"[a-z0-9][a-z0-9_]{0,46}", name)
    assert re.fullmatch(r"[A-Za-z0-9._-]+", topic_name(channel))


@pytest.mark.check("M110")
@given(st.lists(st.tuples(NAMES, NAMES), min_size=2, unique=True))
def test_no_two_nodes_share_a_queue(pairs: list[tuple[str, str]]) -> None:
    assert len({queue_name(*pair) for pair in pairs}) == len(pairs)


@pytest.mark.check("M110", "M60")
@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("a", "b"), ("ab", "")),
        (("a", "b"), ("a:b", "")),
        (("a:1", "b"), ("a", "1:b")),
        (("shop", "A"), ("shop", "a")),
        (("shop-1", "a"), ("shop_1", "a")),
        (("x", LONG + "1"), ("x", LONG + "2")),
        ((LONG + "1", "x"), (LONG + "2", "x")),
    ],
)
def test_names_that_look_alike_have_queues_of_their_own(
    one: tuple[str, str], other: tuple[str, str]
) -> None:
    assert queue_name(*one) != queue_name(*other)
    assert topic_name(one[0]) != topic_name(other[0]) or one[0] == other[0]


@pytest.mark.check("M110")
def test_the_readable_part_is_that_of_the_names() -> None:
    assert queue_name("callboard", "worker-7").startswith("callboard_worker_7_")
    assert queue_name("Ünïcode Shop!", "Döner").startswith("n_code_shop_d_ner_")
    assert queue_name("***", "***").startswith("queue_")
