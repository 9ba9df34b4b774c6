"""The gate of a proxy by itself, and against a client that keeps to nothing."""

from __future__ import annotations

import orjson
import pytest

from callboard import SpecError
from callboard.actors.testing import eventually
from callboard.transports import discovery
from callboard.transports.json_codec import JsonCodec
from callboard.transports.local import LocalBus, LocalTransport
from callboard.transports.packet import Header, Kind, pack
from callboard.transports.parcels import Op, fold
from callboard.transports.websocket.gate import TwoWorkers, wire_names
from tests.transports.contract_cast import Apart, Cry, Log, Note, Question
from tests.transports.contract_stage import is_ready
from tests.transports.core.inside import discovery_of, way_out
from tests.transports.websocket.proxies import Proxied, client_of, company, server_of


@pytest.mark.check("M121")
@pytest.mark.check("M122")
def test_of_all_names_and_directions_one_pair_each_way_passes() -> None:
    gate = TwoWorkers("here", "there", frozenset({"a"}))
    names = ["here", "there", "stranger", "", None]
    ways = [(source, target) for source in names for target in names]
    for wire_name in (None, "a", "callboard.activate"):
        assert [way for way in ways if gate.may_send(*way, wire_name) is None] == [
            ("here", "there")
        ]
        assert [way for way in ways if gate.may_take(*way, wire_name) is None] == [
            ("there", "here")
        ]
    assert not any(gate.may_send(*way, "b") is None for way in ways)
    assert not any(gate.may_take(*way, "b") is None for way in ways)
    said = ["here", "there", "stranger", ""]
    assert [name for name in said if gate.may_announce(name)] == ["here"]
    assert [name for name in said if gate.may_learn(name)] == ["there"]


def test_types_are_named_by_class_or_by_wire_name() -> None:
    assert wire_names("test", None) is None
    assert wire_names("test", (Note, "other")) == frozenset({"contract.note", "other"})
    assert wire_names("test", ()) == frozenset()
    with pytest.raises(SpecError, match="Apart"):
        wire_names("test", (Apart,))


class Loose(TwoWorkers):
    """Learns whatever it is told."""

    def may_learn(self, worker: str, /) -> bool:
        return True


@pytest.mark.realtime
@pytest.mark.check("M123")
async def test_a_client_that_would_learn_all_names_is_told_one() -> None:
    async with Proxied(gate=Loose("main", "assistant")) as two:
        assert await two.main(lambda it: it.ask("assistant", Question("?"))) == "?"
        assert two.here.registry.names(local=False) == ["assistant"]


@pytest.mark.realtime
@pytest.mark.check("M122")
async def test_a_broadcast_that_comes_all_the_same_is_dropped_and_counted() -> None:
    async with Proxied() as two:
        network = two.here._network  # pyright: ignore[reportPrivateUsage]
        assert network is not None
        peer = network.router.peers["there"]
        peer.post(fold([Op.CAST, "main", 2], JsonCodec().encode(Cry("to all"))))
        assert await two.main(lambda it: it.ask("assistant", Question("after it"))) == "after it"
        assert two.there.events.counts["rejected_gate_in"] == 1
        assert two.log.of("assistant", "cry") == two.log.of("stranger-there", "cry") == []


@pytest.mark.realtime
@pytest.mark.check("M122")
async def test_no_client_speaks_as_a_node_that_is_known_by_another_way() -> None:
    bus, log, server = LocalBus(), Log(), server_of()
    there = company(log, "assistant", name="there", transports=[server, LocalTransport(bus)])
    friend = company(log, "confidant", name="friend", transports=[LocalTransport(bus)])
    async with there, friend:
        await eventually(lambda: is_ready(there, "confidant") and server.port != 0)
        # A later life of a node of that name, as it says.
        impostor = company(log, "main", name="friend", transports=[client_of(server.port)])
        async with impostor:
            counts = there.events.counts
            await eventually(lambda: counts["rejected_impostor"] > 0, within=10)
            assert there.ref("main") is None
            assert counts["node_down"] == 0
            assert await there.ask("confidant", Question("still you?")) == "still you?"


@pytest.mark.realtime
@pytest.mark.check("M122")
async def test_a_client_has_no_say_in_how_other_nodes_are_seen() -> None:
    bus, log, server = LocalBus(), Log(), server_of()
    there = company(log, "assistant", name="there", transports=[server, LocalTransport(bus)])
    friend = company(log, "confidant", name="friend", transports=[LocalTransport(bus)])
    async with there, friend:
        await eventually(lambda: is_ready(there, "confidant") and server.port != 0)
        async with company(log, "main", name="here", transports=[client_of(server.port)]) as here:
            await eventually(lambda: is_ready(there, "main"))
            known = discovery_of(there).nodes["friend"]
            of_friend = {"node": "friend", "incarnation": known.incarnation, "silent": 1e9}
            number, counts = discovery_of(there).incarnation, there.events.counts
            for kind, body in ((Kind.SUSPECT, of_friend), (Kind.OUTDATED, {"known": 1 << 61})):
                header = Header(kind, "here", discovery_of(here).incarnation)
                way_out(here).post("there", pack(header, [orjson.dumps(body)]))
            await eventually(lambda: counts["rejected_gate_in"] == 2)
            assert discovery_of(there).incarnation == number
            assert discovery_of(there).nodes["friend"] is known and not known.suspected


@pytest.mark.realtime
@pytest.mark.check("M122")
async def test_a_client_that_has_taken_a_name_gives_it_up_to_the_node_that_has_an_open_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # As a node that has lived for long: it does not number itself anew.
    monkeypatch.setattr(discovery, "SETTLED_AFTER", 0.0)
    bus, log, server = LocalBus(), Log(), server_of()
    friend = company(log, "confidant", name="friend", transports=[LocalTransport(bus)])
    there = company(log, "assistant", name="there", transports=[server])
    async with friend, there:
        await eventually(lambda: server.port != 0)
        impostor = company(log, "main", name="friend", transports=[client_of(server.port)])
        async with impostor:
            # A later life of the other, as it says.
            await eventually(lambda: is_ready(there, "main"))
            await there.attach(LocalTransport(bus))
            await eventually(lambda: is_ready(there, "confidant"), within=10)
            assert await there.ask("confidant", Question("you?")) == "you?"
            counts = there.events.counts
            await eventually(lambda: counts["rejected_impostor"] > 0, within=10)
            assert await there.ask("confidant", Question("still you?")) == "still you?"
