"""What other nodes announce, however wrong: it is refused as a whole, or taken in as a whole."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from callboard import Child, DynamicSupervisor, Node
from callboard.transports.known import Known
from callboard.transports.packet import Header, Kind, pack
from tests.transports.contract import Stage
from tests.transports.contract_cast import Player, Question, Watch
from tests.transports.contract_hostile import rejected
from tests.transports.core.inside import discovery_of
from tests.transports.test_local_contract import LocalNetwork

WORKER = ["b", 1, 1, True]


def forged(node: Node, kind: Kind, body: Any, *, later: int = 0) -> bytes:
    """A packet that says it is from this node, or from a later life of it."""
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return pack(Header(kind, node.name, node.incarnation + later), [raw])


MALFORMED: dict[str, tuple[Kind, Any]] = {
    "no JSON": (Kind.HELLO, b"{"),
    "a list": (Kind.HELLO, []),
    "a number": (Kind.SNAPSHOT, 7),
    "no version": (Kind.HELLO, {"workers": []}),
    "a version below none": (Kind.HELLO, {"version": -1, "workers": []}),
    "a version without end": (Kind.HELLO, b'{"version":1e999,"workers":[]}'),
    "a version that is true": (Kind.HELLO, {"version": True, "workers": []}),
    "workers that are none": (Kind.HELLO, {"version": 1, "workers": 5}),
    "a worker without a name": (Kind.HELLO, {"version": 1, "workers": [WORKER, [""]]}),
    "a worker called 7": (Kind.SNAPSHOT, {"version": 1, "workers": [WORKER, [7, 1, 1, True]]}),
    "a life without end": (Kind.SNAPSHOT, b'{"version":1,"workers":[["b",1e999,1,true]]}'),
    "a name without end": (Kind.SNAPSHOT, {"version": 1, "workers": [["b" * 5000, 1, 1, True]]}),
    "a part beyond the last": (Kind.SNAPSHOT, {"version": 1, "workers": [], "part": 5, "parts": 2}),
    "a change from nowhere": (Kind.CHANGE, {"version": 9, "workers": [], "gone": []}),
    "an end without a reason": (
        Kind.CHANGE,
        {"before": 0, "version": 99, "workers": [], "gone": [["b", 1, []]]},
    ),
    "a beat without a version": (Kind.BEAT, {"nodes": 1}),
    "a suspicion of nobody": (Kind.SUSPECT, {"incarnation": 1, "silent": 1}),
    "a silence that is none": (Kind.SUSPECT, {"node": "A", "incarnation": 1, "silent": "long"}),
    "a later life beyond all numbers": (Kind.OUTDATED, {"known": 2**64 - 1}),
    "a later life that is none": (Kind.OUTDATED, {"known": None}),
}


@pytest.mark.check("M96")
@pytest.mark.parametrize("later", [0, 1])
@pytest.mark.parametrize("what", MALFORMED)
async def test_what_cannot_be_read_changes_nothing_and_nobody_waits_for_ever(
    what: str, later: int
) -> None:
    kind, body = MALFORMED[what]
    async with Stage(LocalNetwork()) as stage:
        a, b = await stage.pair()
        await a.ask("a", Watch(monitor=("b",)))
        job = a.start_job("b", "wait", 1)
        await stage.noted("b", "waits")
        incarnation = a.incarnation
        stage.network.inject("A", forged(b, kind, body, later=later))
        assert rejected(a) == 1
        stage.log.gate.set()
        assert await job == "waited", "the same session as before"
        assert await a.ask("b", Question("same life")) == "same life"
        assert a.incarnation == incarnation
        assert stage.log.of("a", "down") == []
        for node in (a, b):
            assert stage.counted(node, "node_down") == stage.counted(node, "failed") == 0


async def test_a_later_life_that_is_this_one_changes_nothing() -> None:
    async with Stage(LocalNetwork()) as stage:
        a, b = await stage.pair()
        # It was meant for an earlier life of the name, which listens to the same address.
        stage.network.inject("A", forged(b, Kind.OUTDATED, {"known": a.incarnation}))
        stage.network.inject("A", forged(b, Kind.OUTDATED, {"known": a.incarnation - 1}))
        assert await b.ask("a", Question("same life")) == "same life"
        assert stage.counted(b, "node_down") == 0


@pytest.mark.check("M51", "M59")
async def test_more_workers_than_one_packet_holds_are_announced_in_several() -> None:
    names = [f"{n:04}" + "x" * 396 for n in range(3000)]
    async with Stage(LocalNetwork()) as stage:
        early = await stage.node("early", "e")
        many = await stage.node("many", "m", *names)
        await stage.know(early, *names)
        late = await stage.node("late", "l")
        await stage.know(late, "m", *names)
        await stage.know(many, "e", "l")
        await late.ask("l", Watch(monitor=(names[17], names[2999])))
        assert await late.ask(names[2999], Question("the last one")) == "the last one"
        assert max(len(seen.data) for seen in stage.network.came) < 1_000_000
        await many.admin().terminate_child(names[17])
        await stage.forget(late, names[17])
        await stage.forget(early, names[17])
        assert [name for name, _ in stage.log.of("l", "down")] == [names[17]]
        # A connection that is made anew announces again; nobody takes it for the end of any.
        await stage.network.cut("many")
        await stage.until(lambda: stage.counted(many, "disconnected"))
        await stage.network.heal("many")
        await stage.until(lambda: stage.counted(many, "connected") == 2)
        assert await early.ask(names[0], Question("still")) == "still"
        assert len(stage.log.of("l", "down")) == 1
        assert len(early.registry.names(local=False)) == 3001
        await many.drain()
        await stage.forget(late, *names)
        assert stage.counted(many, "failed") == 1, "the connection that was cut"


PARTS = {"in order": [0, 1, 2], "again from the first": [0, 1, 0, 1, 2], "twice": [0, 0, 1, 2]}
HOLES = {"one is lost": [0, 2], "the first is lost": [1, 2], "disorder": [0, 2, 1], "old": [0, 1]}


@pytest.mark.check("M59")
@pytest.mark.parametrize("order", PARTS.values(), ids=PARTS)
def test_parts_of_a_snapshot_are_taken_in_as_one(order: list[int]) -> None:
    known = Known("B", 1, 1, "way", 0.0)
    whole = [known.collect(7, part, 3, ((str(part), 1, 1, True, None),)) for part in order]
    assert whole[:-1] == [None] * (len(order) - 1)
    assert whole[-1] == tuple((str(part), 1, 1, True, None) for part in range(3))
    assert known.parts == []


@pytest.mark.check("M59")
@pytest.mark.parametrize("order", HOLES.values(), ids=HOLES)
def test_a_snapshot_with_a_hole_is_none(order: list[int]) -> None:
    known = Known("B", 1, 1, "way", 0.0)
    whole = [known.collect(7, part, 3, ((str(part), 1, 1, True, None),)) for part in order]
    whole.append(known.collect(8, 2, 3, ()))  # of another version
    assert whole == [None] * (len(order) + 1)


UNUSUAL = ["wörker 1", "a:b.c*", "😀", "'; DROP TABLE workers", "%s{}", "root.sub", "x" * 1000]


@pytest.mark.check("M58")
async def test_names_with_unusual_characters_are_names() -> None:
    async with Stage(LocalNetwork()) as stage:
        a = await stage.node("nöde 1 / 'A'", "a")
        b = await stage.node("%node{}", *UNUSUAL)
        await stage.know(a, *UNUSUAL)
        for name in UNUSUAL:
            assert await a.ask(name, Question(name)) == name
            assert await a.request(name, "echo", name) == name
        await b.stop()
        await stage.forget(a, *UNUSUAL)


@pytest.mark.parametrize("name", ["\ud800", "y" * 1001, "two\nlines", "\x1b[31mred"])
async def test_a_name_that_cannot_cross_stays_here_and_is_said_once(name: str) -> None:
    async with Stage(LocalNetwork()) as stage:
        a = await stage.node("A", "a")
        b = await stage.node("B", "b", name)
        await stage.know(a, "b")
        await stage.know(b, "a")
        assert a.registry.names(local=False) == ["b"]
        assert await b.ask(name, Question("here")) == "here"
        assert stage.counted(b, "not_announced") == 1
        assert stage.counted(b, "failed") == 0


@pytest.mark.parametrize("name", ["", "n" * 201, "\ud800", "two\nlines"])
async def test_a_node_whose_name_no_packet_can_carry_does_not_start(name: str) -> None:
    async with Stage(LocalNetwork()) as stage:
        with pytest.raises(ValueError, match="node's name"):
            await stage.node(name or "\0", "a")


async def test_ready_unready_and_ready_again_in_one_turn_is_one_change() -> None:
    async with Stage(LocalNetwork()) as stage:
        a, b = await stage.pair()
        await a.ask("a", Watch(ready=("b",), monitor=("b",)))
        since = len(stage.network.came)
        for life in (2, 3):
            b.registry.unready("b")
            b.registry.ready("b", life)
        await stage.noted("a", "ready", count=2)
        assert stage.log.of("a", "ready")[1] == ("b", "B", 3)
        assert stage.log.of("a", "restarted") == [("b", 3)]
        assert len(stage.network.told(Kind.CHANGE, "A", since=since)) == 1


async def test_a_worker_of_a_name_that_was_gone_for_a_moment_is_another_one() -> None:
    async with Stage(LocalNetwork()) as stage:
        a = await stage.node("A", "a")
        b = await stage.node("B", Child("pool", DynamicSupervisor))
        pool = b.admin("pool")
        spec = Child("x", lambda: Player(stage.log))
        await pool.start_child(spec)
        await stage.know(a, "x")
        await a.ask("a", Watch(ready=("x",), monitor=("x",)))
        first = a.ref("x")
        assert first is not None
        await pool.terminate_child("x")
        await pool.restart_child("x")
        await stage.noted("a", "ready", count=2)
        assert len(await stage.noted("a", "down")) == 1
        assert await first.ask(Question("the new one")) == "the new one"


@pytest.mark.check("M96")
async def test_strangers_without_number_are_forgotten_and_harm_nobody() -> None:
    async with Stage(LocalNetwork()) as stage:
        a, b = await stage.pair(watchful=True)
        body = orjson.dumps({"version": 0, "workers": []})
        silent = orjson.dumps({"node": "A", "incarnation": a.incarnation, "silent": 1e300})
        for number in range(3000):
            kind = (Kind.HELLO, Kind.ALIVE, Kind.WANT)[number % 3]
            stage.network.inject("B", pack(Header(kind, f"ghost-{number}", 1, 5), [body]))
            stage.network.inject("B", pack(Header(Kind.SUSPECT, "A", a.incarnation), [silent]))
        assert await a.ask("b", Question("still")) == "still"
        await stage.until(lambda: list(discovery_of(b).nodes) == ["A"])
        assert [peer.name for peer in b.snapshot().peers] == ["A"]
        assert stage.counted(a, "node_down") == 0
        assert await b.ask("a", Question("still")) == "still"
