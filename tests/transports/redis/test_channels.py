"""Channels of Redis never meet, and the line of an ACL covers one application's and no other."""

from __future__ import annotations

import hashlib
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callboard.transports.redis_channels import ROLES, acl_line, channel_of

NAMES = st.one_of(
    st.text(alphabet=":aA*?[]\\%. /-_~é", min_size=1, max_size=8),
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300),
)


def pattern_of(channel: str) -> str:
    words = acl_line("node", channel, user="u").split()
    return next(word.removeprefix("&") for word in words if word.startswith("&"))


@pytest.mark.check("M60")
@given(NAMES, st.none() | NAMES, NAMES, st.none() | NAMES)
def test_no_two_channels_are_one(a: str, node: str | None, b: str, other: str | None) -> None:
    assert (channel_of(a, node) == channel_of(b, other)) == ((a, node) == (b, other))


@pytest.mark.check("M60")
@given(NAMES, NAMES, st.none() | NAMES)
def test_what_an_acl_allows_ends_with_its_channel(a: str, b: str, node: str | None) -> None:
    pattern = pattern_of(a)
    plain = set(string.ascii_letters + string.digits + "-_.~%:")
    assert pattern.endswith("*") and set(pattern[:-1]) <= plain
    covered = channel_of(b, node).decode().startswith(pattern[:-1])
    assert covered == (a == b)


@pytest.mark.check("M60")
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a", "a:b"),
        ("a", "a:node"),
        ("a", "A"),
        ("a.b", "a_b"),
        ("a%3Ab", "a:b"),
        ("x" * 199 + "1", "x" * 199 + "2"),
    ],
)
def test_names_that_are_nearly_one(one: str, other: str) -> None:
    for node in (None, "all", "node", "b:all"):
        assert channel_of(one, node) != channel_of(other, node)
        assert not channel_of(other, node).decode().startswith(pattern_of(one)[:-1])


def test_channels_can_be_read_by_a_person() -> None:
    assert channel_of("callboard", None) == b"callboard:all"
    assert channel_of("shop/eu", "till-1") == b"shop%2Feu:node:till-1"


@pytest.mark.parametrize("wrong", ["", "\ud800"])
def test_what_is_no_channel_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"empty|no text"):
        channel_of(wrong, None)


def test_a_password_stands_there_as_its_hash() -> None:
    line = acl_line("node", "shop", user="till", password="C4nary")
    assert line == (
        f"user till reset on #{hashlib.sha256(b'C4nary').hexdigest()} resetkeys resetchannels "
        "&shop:* -@all +publish +subscribe +ping"
    )


def test_without_a_password_nobody_logs_in() -> None:
    for role in ROLES:
        assert " resetpass " in acl_line(role, "shop", user="u")
        assert "nopass" not in acl_line(role, "shop", user="u")


@pytest.mark.parametrize("user", ["", "a b", 'a"b', "a\nuser evil on nopass +@all ~* &*", "a\n"])
def test_a_name_cannot_say_more_than_a_name(user: str) -> None:
    with pytest.raises(ValueError, match="no name of a user"):
        acl_line("node", "shop", user=user)


def test_an_unknown_role_is_refused() -> None:
    with pytest.raises(ValueError, match="node or watch"):
        acl_line("admin", "shop", user="u")
