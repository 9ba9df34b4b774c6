"""What every transport must let nodes refuse: what is not ours, altered, forged, or too large."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from callboard import Node, ReplyError
from callboard.transports.errors import NotCarried
from callboard.transports.packet import MAX_ENVELOPE, Header, Kind, pack, unpack
from callboard.transports.parcels import Op, fold, unfold
from tests.transports.contract_cast import Note, Question
from tests.transports.contract_network import Network
from tests.transports.contract_stage import Stage, Staged

__all__ = ["Hostile"]

Change = Callable[[list[Any], bytes], bytes]

EVIL = 424242
"""The number of the note that is altered on its way."""


def payload(old: bytes, new: bytes) -> Change:
    """Put something else into the payload."""

    def change(head: list[Any], data: bytes) -> bytes:
        assert old in data
        return fold(head, data.replace(old, new))

    return change


def field(place: int, value: object) -> Change:
    """Put something else into the head."""
    return lambda head, data: fold([*head[:place], value, *head[place + 1 :]], data)


CHANGES: dict[str, Change] = {
    "an unknown wire name": payload(b"contract.note", b"contract.nobody"),
    "the path of a module": payload(b"contract.note", b"antigravity.fly"),
    "a class that stays on its node": payload(b"contract.note", b"tests.contract_cast.Home"),
    "a field of another type": payload(str(EVIL).encode(), b'"evil"'),
    "a field too few": payload(f'"number":{EVIL},'.encode(), b""),
    "no JSON": payload(b"{", b"\xff{"),
    "10 000 levels": lambda head, _: fold(head, b"[" * 10_000 + b"]" * 10_000),
    "no parcel": lambda head, data: b"\x00",
    "a head that is too long": lambda head, data: b"\xff\xff\xff\xff" + data,
    "a head that is no list": lambda head, data: fold({"op": 0}, data),  # type: ignore[arg-type]
    "a kind that there is not": field(0, 99),
    "a kind that is no number": field(0, "tell"),
    "a target that is no name": field(1, 7),
    "a source that is no name": field(2, [1]),
    "a lane that there is not": field(3, 77),
    "a lane for others": field(3, 0),
    "a time that is none": field(4, "soon"),
}


def alter(network: Network, node: str, change: Change) -> None:
    """Have the next parcel with the evil number altered on its way from this node, once."""

    def forge(sender: str, data: bytes) -> bytes:
        if sender != node:
            return data
        header, bodies = unpack(data)
        for place, body in enumerate(bodies):
            if header.kind == Kind.DATA and str(EVIL).encode() in body:
                network.forge = None
                bodies[place] = change(*unfold(body))
                return pack(header, bodies, limit=4 * MAX_ENVELOPE)
        return data

    network.forge = forge


def rejected(node: Node) -> int:
    """How much a node has refused."""
    return sum(n for what, n in node.events.counts.items() if what.startswith("rejected_"))


class Hostile(Staged):
    """Limits, forgery, signatures."""

    @pytest.mark.check("M96")
    @pytest.mark.parametrize("change", CHANGES)
    async def test_what_was_altered_is_refused_and_counted_and_the_next_good_one_arrives(
        self, stage: Stage, change: str
    ) -> None:
        async with stage:
            a, b = await stage.pair()
            modules = set(sys.modules)
            for number in (1, 2):
                alter(stage.network, "A", CHANGES[change])
                a.tell("b", Note(EVIL))
                a.tell("b", Note(number))
                assert await stage.noted("b", "note", count=number) == [*range(1, number + 1)]
                assert rejected(b) == number
            assert stage.counted(b, "rejected") == 1, "logged once per kind"
            assert "antigravity" not in set(sys.modules) - modules
            assert [stage.counted(node, "node_down") for node in (a, b)] == [0, 0]

    @pytest.mark.check("M96")
    async def test_an_ask_or_job_whose_payload_was_altered_ends_with_an_error(
        self, stage: Stage
    ) -> None:
        async with stage:
            a, _ = await stage.pair()
            alter(stage.network, "A", payload(b"contract.question", b"contract.nobody"))
            with pytest.raises(ReplyError, match=r"contract\.nobody"):
                await a.ask("b", Question(str(EVIL)))
            alter(stage.network, "A", payload(str(EVIL).encode(), b"\xff"))
            with pytest.raises(Exception, match="JSON"):
                await a.request("b", "echo", EVIL)
            alter(stage.network, "B", payload(str(EVIL).encode(), b"\xff"))
            with pytest.raises(Exception, match="JSON"):
                await a.ask("b", Question(str(EVIL)))
            assert await a.request("b", "echo", "good") == "good"

    @pytest.mark.check("M48")
    async def test_what_is_not_announced_cannot_be_reached_by_a_forged_target(
        self, stage: Stage
    ) -> None:
        async with stage:
            a, b = await stage.pair()
            for name in ("root", "transports", "B", *b.registry.names(local=True)):
                if name == "b":
                    continue
                for head in ([Op.TELL, name, None, 2, None, None], [Op.STOP, name, None, None]):
                    alter(stage.network, "A", lambda _, data, head=head: fold(head, data))  # type: ignore[misc]
                    a.tell("b", Note(EVIL))
                    assert await a.ask("b", Question("still")) == "still"
            assert b.state == "running"
            assert b.ref("root") is not None
            assert stage.counted(b, "failed") == 0

    @pytest.mark.check("M96")
    async def test_bytes_from_nowhere_are_refused_and_strangers_are_forgotten(
        self, stage: Stage
    ) -> None:
        async with stage:
            a, b = await stage.pair(watchful=True)
            await a.ask("b", Question("a packet to copy"))
            network = stage.network
            (good, *_) = network.data_to("B")
            garbage = [
                b"",
                b"\x00",
                b"PING\r\n",
                b'{"json": 1}',
                bytes(range(256)),
                good.data[:-1],
                good.data[:20],
                good.data + b"!",
                pack(Header(Kind.HELLO, "ghost", 1), [b"\xff"]),
                pack(Header(Kind.CHANGE, "A", a.incarnation), [b"[]"]),
                pack(Header(Kind.SNAPSHOT, "A", a.incarnation), [b'{"version":"x","workers":1}']),
            ]
            for data in garbage:
                network.inject("B", data)
            assert rejected(b) >= len(garbage) - 1
            logged = stage.counted(b, "rejected")
            for data in garbage:
                network.inject("B", data)
            assert stage.counted(b, "rejected") == logged, "logged once per kind"
            for number in range(20):
                for kind in (Kind.DATA, Kind.BEAT, Kind.WANT, Kind.ALIVE):
                    body = b'{"version":3,"nodes":1}'
                    network.inject("B", pack(Header(kind, f"ghost-{number}", 1, 5), [body]))
            header, bodies = unpack(good.data)
            stale = header._replace(session=header.session - 1)
            network.inject("B", pack(stale, bodies))
            assert stage.counted(b, "late_packets") == 1
            assert await a.ask("b", Question("good")) == "good"
            assert stage.log.of("b", "question") == ["a packet to copy", "good"]
            await stage.until(lambda: [peer.name for peer in b.snapshot().peers] == ["A"])
            assert stage.counted(b, "node_up") == 1
            assert stage.counted(b, "node_down") == 0

    @pytest.mark.check("M97")
    async def test_an_envelope_of_the_limit_crosses_and_one_byte_more_raises_at_the_sender(
        self, stage: Stage
    ) -> None:
        async with stage:
            a, b = await stage.pair()
            network = stage.network
            a.tell("b", Note(1, "x"))
            await stage.noted("b", "note")
            (seen,) = network.data_to("B")
            overhead = len(seen.bodies[0]) - 1
            fits = "x" * (MAX_ENVELOPE - overhead)
            a.tell("b", Note(2, fits))
            assert await stage.noted("b", "note", count=2) == [1, 2]
            before = len(network.sent)
            with pytest.raises(NotCarried, match=r"'b'|1048576|1 MiB"):
                a.tell("b", Note(3, fits + "x"))
            with pytest.raises(NotCarried):
                await a.send("b", Note(3, fits + "x"))
            with pytest.raises(NotCarried):
                await a.ask("b", Question("x" * MAX_ENVELOPE))
            with pytest.raises(Exception, match=r"1048576|1 MiB"):
                await a.request("b", "echo", "x" * MAX_ENVELOPE)
            with pytest.raises(NotCarried):
                a.broadcast(Note(3, "x" * MAX_ENVELOPE))
            sent = [s for s in network.sent[before:] if s.kind is Kind.DATA and s.bodies]
            assert sent == []
            # One that was sent all the same: its receiver refuses it, and goes on.
            alter(network, "A", lambda head, data: fold(head, data) + b" " * MAX_ENVELOPE)
            a.tell("b", Note(EVIL))
            await stage.until(lambda: stage.counted(b, "rejected_oversized"))
            network.forge = None
            assert await stage.noted("b", "note", count=3) == [1, 2, EVIL]

    @pytest.mark.check("M100")
    async def test_only_who_has_the_secret_gets_anything_through(self, stage: Stage) -> None:
        async with stage:
            old, new = {"old": b"o" * 32}, {"new": b"n" * 32}
            a = await stage.node("A", "a", secrets=old | new)
            b = await stage.node("B", "b", secrets=new | old)
            await stage.know(a, "b")
            await stage.know(b, "a")
            network = stage.network
            assert await a.ask("b", Question("signed")) == "signed"
            since = len(network.came)
            strangers = [
                await stage.node("C", "c"),
                await stage.node("D", "d", secrets={"old": b"x" * 32}),
            ]
            await stage.until(
                lambda: (
                    stage.counted(b, "rejected_unsigned") and stage.counted(b, "rejected_forged")
                )
            )
            for node in strangers:
                assert node.registry.names(local=False) == []
            assert b.registry.names(local=False) == ["a"]
            assert len(network.came) > since

    @pytest.mark.check("M100")
    async def test_a_signed_packet_that_is_altered_or_comes_again_is_refused(
        self, stage: Stage
    ) -> None:
        async with stage:
            secrets = {"key": b"k" * 32}
            a = await stage.node("A", "a", secrets=secrets)
            b = await stage.node("B", "b", secrets=secrets)
            await stage.know(a, "b")
            await stage.know(b, "a")
            network = stage.network
            since = len(network.came)
            await a.ask("b", Note(1, "mark"))
            (signed,) = [
                seen for seen in network.came[since:] if seen.node == "B" and b"mark" in seen.data
            ]
            network.inject("B", signed.data)
            assert stage.counted(b, "rejected_replayed") == 1
            network.inject("B", signed.data.replace(b"mark", b"nark"))
            assert stage.counted(b, "rejected_forged") == 1
            assert await a.ask("b", Question("good")) == "good"
            assert stage.log.of("b", "note") == [1]
