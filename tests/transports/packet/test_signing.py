"""Signatures: who has the secret is heard, once; nobody else is, and no secret is shown."""

from __future__ import annotations

import itertools
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callboard.transports import signing
from callboard.transports.errors import Undecodable
from callboard.transports.packet import Header, Kind, pack, unpack
from callboard.transports.signing import Secrets, Signer, Verifier

OLD, NEW = b"the old one is long enough", b"the new one is long enough, too"
HEADER = Header(Kind.DATA, "alpha", 7, 11, 12, 13, 14)
BODIES = [b"first", b"second"]


def refused(data: bytes, verifier: Verifier | None) -> str:
    """Return the kind of the refusal."""
    with pytest.raises(Undecodable) as raised:
        unpack(data, verifier)
    return raised.value.kind


@pytest.mark.check("M100")
def test_only_who_has_the_secret_is_heard() -> None:
    """The layer of packets; whole nodes are tried in the tests of the transports."""
    signer, verifier = Secrets({"one": OLD}).both()
    stranger, _ = Secrets({"one": NEW}).both()
    other, _ = Secrets({"two": OLD}).both()
    assert unpack(pack(HEADER, BODIES, signer), verifier) == (HEADER, BODIES)
    assert refused(pack(HEADER, BODIES), verifier) == "unsigned"
    assert refused(pack(HEADER, BODIES, stranger), verifier) == "forged"
    assert refused(pack(HEADER, BODIES, other), verifier) == "forged"
    assert refused(pack(HEADER, BODIES, signer), None) == "signed"


@pytest.mark.check("M100")
def test_no_byte_can_be_altered_left_out_or_added() -> None:
    """The layer of packets; whole nodes are tried in the tests of the transports."""
    signer, verifier = Secrets({"one": OLD}).both()
    data = pack(HEADER, BODIES, signer)
    for place in range(len(data)):
        altered = bytearray(data)
        altered[place] ^= 0x41
        assert refused(bytes(altered), verifier) in ("foreign", "version", "unsigned", "forged")
    for length in range(len(data)):
        assert refused(data[:length], verifier) in ("foreign", "forged")
    assert refused(data + b"\0", verifier) == "forged"
    assert unpack(data, verifier) == (HEADER, BODIES), "none of them counted for this one"


@pytest.mark.check("M100")
def test_what_is_signed_for_one_node_is_refused_by_any_other() -> None:
    """The layer of packets; whole nodes are tried in the tests of the transports."""
    secrets = Secrets({"one": OLD})
    signer, verifier = secrets.both()
    for to in ("beta", "béta", "b" * 200):
        data = pack(HEADER, BODIES, signer, to=to)
        for other in ("bet", "betaa", "b", "alpha", None):
            with pytest.raises(Undecodable) as raised:
                unpack(data, secrets.both()[1], to=other)
            assert raised.value.kind == "forged"
        assert unpack(data, verifier, to=to) == (HEADER, BODIES)
    for_all = pack(HEADER, BODIES, signer)
    for name in ("beta", "gamma"):
        assert unpack(for_all, secrets.both()[1], to=name) == (HEADER, BODIES)


@pytest.mark.check("M100")
def test_a_packet_counts_once_however_often_and_in_which_order_they_come() -> None:
    """The layer of packets; whole nodes are tried in the tests of the transports."""
    signer, verifier = Secrets({"one": OLD}).both()
    sent = [pack(HEADER, [b"%d" % number], signer) for number in range(6)]
    for place in (3, 0, 5, 1, 4, 2):
        unpack(sent[place], verifier)
        for seen in (3, place):
            assert refused(sent[seen], verifier) == "replayed"


def test_what_looks_the_same_twice_is_not_the_same_packet() -> None:
    signer, verifier = Secrets({"one": OLD}).both()
    for _ in range(3):
        assert unpack(pack(HEADER, BODIES, signer), verifier) == (HEADER, BODIES)


def test_what_is_very_late_is_refused_since_nobody_could_tell() -> None:
    signer, verifier = Secrets({"one": OLD}).both()
    sent = [pack(HEADER, [], signer) for _ in range(signing.WINDOW + 1)]
    unpack(sent[-1], verifier)
    assert refused(sent[0], verifier) == "replayed"
    unpack(sent[1], verifier)
    assert refused(sent[1], verifier) == "replayed"


@settings(max_examples=50)
@given(st.data())
def test_what_comes_late_counts_once_as_in_a_model_that_forgets_nothing(
    data: st.DataObject,
) -> None:
    signer, verifier = Secrets({"one": OLD}).both()
    seen: set[int] = set()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(signing, "WINDOW", 8)
        patch.setattr(signing, "MASK", (1 << 8) - 1)
        sent = [pack(HEADER, [], signer) for _ in range(40)]
        for place in data.draw(st.lists(st.integers(0, 39), max_size=60)):
            if place in seen or place <= max(seen, default=-1) - 8:
                assert refused(sent[place], verifier) == "replayed"
            else:
                unpack(sent[place], verifier)
                seen.add(place)


def test_a_node_that_starts_again_is_heard_from_its_first_packet_on() -> None:
    """It does not know which numbers its earlier life has used, and no clock tells it."""
    secrets = Secrets({"one": OLD})
    _, verifier = secrets.both()
    lives = [secrets.both()[0] for _ in range(3)]
    sent = [pack(HEADER, [], life) for life in lives for _ in range(10)]
    for data in sent:
        unpack(data, verifier)
    for data in sent:
        assert refused(data, verifier) == "replayed"


def test_only_so_many_signers_are_remembered_and_the_busy_ones_longest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(signing, "MOST_SIGNERS", 3)
    secrets = Secrets({"one": OLD})
    _, verifier = secrets.both()
    busy, first = secrets.both()[0], pack(HEADER, [], secrets.both()[0])
    data = pack(HEADER, [], busy)
    unpack(data, verifier)
    unpack(first, verifier)
    for _ in range(10):
        unpack(pack(HEADER, [], busy), verifier)
        unpack(pack(HEADER, [], secrets.both()[0]), verifier)
    assert refused(data, verifier) == "replayed"
    unpack(first, verifier)


def test_a_forger_fills_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signing, "MOST_SIGNERS", 1)
    signer, verifier = Secrets({"one": OLD}).both()
    seen = pack(HEADER, [], signer)
    unpack(seen, verifier)
    for _ in range(5):
        refused(pack(HEADER, [], Secrets({"one": NEW}).both()[0]), verifier)
    assert refused(seen, verifier) == "replayed", "it is not forgotten for their sake"


def test_numbers_cost_the_same_however_many_and_however_far_apart() -> None:
    signer, verifier = Secrets({"one": OLD}).both()
    for number in (1, 5_000, 9_000, 2**63, 2**64 - 1):
        signer._numbers = itertools.count(number)  # pyright: ignore[reportPrivateUsage]
        unpack(pack(HEADER, [], signer), verifier)
    other = Secrets({"one": OLD}).both()[0]
    for _ in range(3 * signing.WINDOW):
        unpack(pack(HEADER, [], other), verifier)
    seen = verifier._seen.values()  # pyright: ignore[reportPrivateUsage]
    assert max(bits.bit_length() for _, bits in seen) <= signing.WINDOW


def test_numbers_of_several_threads_are_never_the_same() -> None:
    """Heartbeats come from a thread of their own while the event loop is blocked."""
    signer, verifier = Secrets({"one": OLD}).both()
    sent: list[list[bytes]] = [[], [], [], []]
    begin = threading.Barrier(len(sent))

    def sign(into: list[bytes]) -> None:
        begin.wait()
        into.extend(pack(HEADER, [], signer) for _ in range(1_000))

    threads = [threading.Thread(target=sign, args=(into,)) for into in sent]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for data in [each for four in zip(*sent, strict=True) for each in four]:
        unpack(data, verifier)


def test_the_secret_is_changed_without_a_stop() -> None:
    """Both are known everywhere, then the new one signs, then the old one is taken away."""
    before = Secrets({"old": OLD}).both()
    during = Secrets({"old": OLD, "new": NEW}).both()
    turned = Secrets({"old": OLD, "new": NEW}, "new").both()
    after = Secrets({"new": NEW}).both()
    for one, two in ((before, during), (during, turned), (turned, after)):
        unpack(pack(HEADER, BODIES, one[0]), two[1])
        unpack(pack(HEADER, BODIES, two[0]), one[1])
    assert refused(pack(HEADER, BODIES, before[0]), after[1]) == "forged"


@pytest.mark.parametrize("data", [b"", b"short", bytes(48), b"\xff" * 49, b"\xff" * 400])
def test_what_has_no_signature_is_forged(data: bytes) -> None:
    with pytest.raises(Undecodable) as raised:
        Verifier({"one": OLD}).verify(data)
    assert raised.value.kind == "forged"


def test_a_text_is_a_secret_too() -> None:
    signer, _ = Secrets({"one": "sixteen letters!"}).both()
    _, verifier = Secrets({"one": b"sixteen letters!"}).both()
    unpack(pack(HEADER, BODIES, signer), verifier)


@pytest.mark.parametrize(
    ("keys", "use", "named"),
    [
        ({}, None, "no secret is given"),
        ({"one": b"fifteen bytes.."}, None, "'one' has 15 bytes"),
        ({"one": OLD, "two": "short"}, "one", "'two' has 5 bytes"),
        ({"": OLD}, None, "id of a secret"),
        ({"k" * 65: OLD}, None, "id of a secret"),
        ({"one": OLD}, "two", "no secret has the id 'two'; there are 'one'"),
    ],
)
def test_a_weak_or_missing_secret_is_refused(
    keys: dict[str, str | bytes], use: str | None, named: str
) -> None:
    with pytest.raises(ValueError, match=named) as raised:
        Secrets(keys, use)
    assert "bytes.." not in str(raised.value)
    assert "short" not in str(raised.value)


def test_no_secret_is_shown() -> None:
    secrets = Secrets({"one": OLD, "two": NEW})
    signer, verifier = secrets.both()
    assert repr(secrets) == "Secrets('one', 'two', use='one')"
    assert repr(signer) == "Signer(use='one')"
    assert repr(verifier) == "Verifier('one', 'two')"
    for shown in (secrets, signer, verifier):
        assert "long enough" not in f"{shown!r} {shown}"


def test_signer_and_verifier_can_be_made_by_themselves() -> None:
    data = pack(HEADER, BODIES, Signer({"one": OLD, "two": NEW}, "two"))
    assert unpack(data, Verifier({"two": NEW})) == (HEADER, BODIES)
