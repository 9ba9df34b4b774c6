"""Router: which node, by which transport. It carries out what discovery decides, for one node."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import orjson

from ..actors.ref import WorkerRef
from ..actors.runtime import Runtime
from .alarm import Alarm
from .announcer import Announcer
from .casting import cast_to
from .codec import Codec
from .discovery import Discovery
from .errors import Undecodable
from .gate import announce_only, learn_only, tells_of_others
from .gates import Gates
from .known import Action, Down, Known, Late, Learned, Outdated, Say, Superseded, Up
from .learner import Learner
from .link import Link, Segment
from .liveness import BEAT, DOWN_AFTER
from .outages import Outages
from .packet import Header, Kind, check_name, pack, unpack
from .peer import Peer
from .pulse import Pulse
from .signing import Signer, Verifier
from .transport import Transport

__all__ = ["Router"]

LEAVE_WITHIN = 1.0
"""Seconds that a node which stops gives to what is on the way."""

MALFORMED = (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError)


class Router:
    """The other nodes of one node, and the ways there."""

    def __init__(
        self,
        runtime: Runtime,
        codec: Codec,
        *,
        beat: float = BEAT,
        down_after: float = DOWN_AFTER,
        signer: Signer | None = None,
        verifier: Verifier | None = None,
    ) -> None:
        """Know nobody yet; the registry of the runtime is what is told and filled.

        Raises:
            ValueError: the node has a name that no packet can carry.

        """
        check_name(runtime.name)
        self.runtime = runtime
        self.codec = codec
        self.peers: dict[str, Peer] = {}
        self._transports: dict[str, Transport] = {}
        """Those that are connected, by the name of their worker."""
        self._gates = gates = Gates(runtime)
        self.passes_out, self.passes_in = gates.passes_out, gates.passes_in
        self.reject = gates.reject
        self._signer = signer
        self._verifier = verifier
        now = runtime.loop.time()
        self.discovery = Discovery(
            runtime.name,
            runtime.incarnation,
            now,
            beat=beat,
            down_after=down_after,
            busy=self._busy,
            alike=gates.alike,
        )
        gates.nodes = self.discovery.nodes
        self._outages = Outages()
        runtime.events.level_of = self._outages.level_of
        self._alarm = Alarm(runtime.loop, self._step)
        self._leaving = False
        self._successor = -1  # the incarnation of a node that has taken this one's name
        self._quiet: asyncio.Event | None = None
        self._learner = Learner(runtime.registry)
        self._announcer = Announcer(runtime, self.discovery, self._do)
        self._pulse: Pulse | None = None
        if not hasattr(runtime.loop, "hold"):  # a virtual clock is never blocked
            self._pulse = Pulse(self._who, self._connected, beat, signer)
            self._pulse.start()
        self._arm()

    @property
    def name(self) -> str:
        """The node's name."""
        return self.runtime.name

    @property
    def incarnation(self) -> int:
        """The node's incarnation."""
        return self.runtime.incarnation

    # -- what transports say ----

    def up(self, transport: Transport) -> None:
        """Announce this node over a transport that has connected; resume the links behind it."""
        via = transport.name
        self._transports[via] = transport
        self._gates.connected(transport)
        self.connected(via)
        if self._leaving:
            return  # goodbye was said: who heard it must not take this node for a newcomer
        now = self.runtime.loop.time()
        limit, leads_to = transport.down_after, transport.leads_to
        self._do(self.discovery.connected(via, transport.patience, limit, now, leads_to))
        for peer in self._behind(via):
            peer.resume()

    def down(self, transport: Transport) -> None:
        """Take note that a transport is not connected; who is elsewhere too is reached there."""
        via = transport.name
        if self._transports.get(via) is transport:
            del self._transports[via]
            self.runtime.emit("disconnected", via)
            behind = self._behind(via)
            self._do(self.discovery.disconnected(via, self.runtime.loop.time()))
            self._go_round(behind, via)

    def part(self, transport: Transport) -> None:
        """Say goodbye over a transport that is told to stop, and leave who is only behind that."""
        if not self._leaving:
            via = transport.name
            behind = self._behind(via)
            self._do(self.discovery.parted(via))
            self._go_round(behind, via)

    def connected(self, via: str) -> None:
        """Say that a transport has connected, and what its outage was like."""
        self.runtime.emit("connected", via, text=self._outages.over(via))

    @property
    def listeners(self) -> list[Callable[[], object]]:
        """What is called when public workers of this node have changed."""
        return self._announcer.listeners

    def _behind(self, via: str) -> list[Peer]:
        return [peer for peer in self.peers.values() if peer.known.via == via]

    def _go_round(self, behind: list[Peer], via: str) -> None:
        """Send by the other way what is open with those who were behind this one."""
        for peer in behind:
            if peer.known.via != via and not peer.closed:
                peer.resume()

    def receive(self, transport: Transport, data: bytes, sender: str | None = None) -> None:
        """Take the bytes of one packet; whatever is wrong with them is counted."""
        try:
            header, bodies = unpack(data, self._verifier, to=self.name)
        except Undecodable as error:
            self.reject(error.kind, str(error), sender or transport.name)
            return
        if sender is not None and header.node != sender:
            text = f"a packet on the connection of {sender!r} says that it is from {header.node!r}"
            self.reject("impostor", text, sender)
            return
        if self._leaving:
            return
        now, via = self.runtime.loop.time(), transport.name
        there = self.discovery.nodes.get(header.node)
        before = there.via if there is not None else via
        if transport.gate is not None and before != via:
            self.reject("impostor", "a node known by another way cannot be a proxy's", header.node)
            return
        if there is not None and before != via and self._gates.of(header.node) is not None:
            if not there.may_send(header):  # whoever took the name through a proxy must give it up
                self._do(self.discovery.end(there, "another node has its name, by an open way"))
        if header.kind == Kind.DATA and self._data(header, bodies, now):
            return
        body: dict[str, Any] = {}
        try:
            if header.kind != Kind.DATA and bodies:
                body = orjson.loads(bodies[0])
            if transport.gate is not None:
                learn_only(body, transport.gate)
                if tells_of_others(header.kind, body, self.name):
                    self.reject("gate_in", "it has no say in what others do", header.node)
                    return
            actions = self.discovery.take(header, body, via, now)
            if header[:3] == (Kind.BYE, self.name, self._successor) and "way" not in body:
                actions = [Outdated(self._successor + 1)]  # the name is free again
        except MALFORMED as error:
            self.reject("malformed", f"an announcement cannot be read: {error!r}", header.node)
            return
        self._do(actions)
        peer = self.peers.get(header.node)
        if header.kind == Kind.DATA:  # it may have been what agreed on the session
            self._data(header, bodies, now)
        elif peer is not None and (header.kind == Kind.HELLO or peer.known.via != before):
            peer.resume()
        elif peer is not None and peer.link.open:
            peer.flush()  # what was posted before its session was known
        self._arm()

    def _data(self, header: Header, bodies: list[bytes], now: float) -> bool:
        """Take in a packet of a link, if it belongs to the present sessions; whether it did."""
        known = self.discovery.accepts(header)
        peer = self.peers.get(header.node)
        if known is None or peer is None:
            return False
        self.discovery.liveness.sign(known, now)
        peer.take(Segment(header.first, header.ack, bool(header.want), bodies))
        return True

    # -- what peers need ----

    def carry(self, peer: Peer, segment: Segment) -> None:
        """Send a segment of the peer's link."""
        known = peer.known
        transport = self._way(known)
        if transport is None:
            return
        header = Header(
            Kind.DATA,
            self.runtime.name,
            self.runtime.incarnation,
            known.session,
            known.theirs,
            segment.first,
            segment.ack,
            int(segment.want),
        )
        transport.post(known.name, pack(header, segment.bodies, self._signer, to=known.name))

    def reachable(self, peer: Peer) -> bool:
        """Whether a transport that leads there is connected, and its session is known."""
        return peer.known.agreed and self._way(peer.known) is not None

    def quiet(self) -> None:
        """Take note that a link has nothing on the way any more."""
        if self._quiet is not None:
            self._quiet.set()

    def cast(self, message: object) -> None:
        """Give a broadcast of another node to the workers of this one."""
        self.runtime.node.broadcast_here(message)

    # -- what the node asks ----

    def broadcast(self, message: object, source: WorkerRef | None) -> None:
        """Send a message to all other nodes, but for those behind a gate; see `cast_to`."""
        everybody = [each for each in list(self.peers.values()) if not self._gates.of(each.node)]
        cast_to(everybody, self.runtime, message, source)

    def drain(self) -> None:
        """Tell the others that no worker here takes new work; what is open goes on."""
        self._do(self._announcer.drain())

    async def leave(self) -> None:
        """Say goodbye, and forget all others; before the transports stop.

        What is on the way has a moment to arrive; what has not is a dead letter.
        """
        self._quiet = asyncio.Event()
        with suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_WITHIN):
                while any(peer.link.open and self.reachable(peer) for peer in self.peers.values()):
                    self._quiet.clear()
                    await self._quiet.wait()
        self._leaving = True
        for peer in self.peers.values():
            peer.settle()
        self._do(self.discovery.leave())
        self._forget_all()
        # One turn, so that what was posted is on its way before the transports are told to stop.
        await asyncio.sleep(0)

    async def close(self) -> None:
        """Hear of no more changes, and forget all others where no goodbye was said."""
        self._leaving = True
        self._announcer.close()
        self._forget_all()
        if self._pulse is not None:
            await self._pulse.stop()

    def _forget_all(self) -> None:
        self._alarm.cancel()
        for peer in list(self.peers.values()):
            self._down(peer.known, f"this node, {self.name!r}, has stopped")

    # -- carrying out ----

    def _do(self, actions: Iterable[Action]) -> None:
        for action in actions:
            match action:
                case Say():
                    self._say(action)
                case Up(known):
                    self.runtime.emit("node_up", known.name, known.incarnation)
                case Learned(known):
                    self._learner.learn(self._peer(known), action)
                case Down(known, why):
                    self._down(known, why)
                case Late(node):
                    self.runtime.events.count("late_packets")
                    self.runtime.events.count(f"late_packets_of_{node}")
                case Outdated(incarnation):
                    self.runtime.renumber(incarnation)
                    self._do(self.discovery.renumbered(incarnation))
                case Superseded(incarnation):
                    self._successor = incarnation
                    text = "a later node has its name: cut off until that stops; give it another"
                    self.runtime.emit("superseded", self.name, incarnation, text=text)

    def _say(self, say: Say) -> None:
        if say.known is not None:
            self._peer(say.known)
            via = say.via if say.via is not None else say.known.via
            transport = self._transports.get(str(via))
            if transport is not None and say.to is not None:
                self._send(transport, say)
        else:
            for transport in list(self._transports.values()):
                if say.via is None or say.via == transport.name:
                    self._send(transport, say)

    def _send(self, transport: Transport, say: Say) -> None:
        body, known = say.body, say.known
        if transport.gate is not None:
            body = announce_only(body, transport.gate)
        header = Header(
            say.kind,
            self.runtime.name,
            self.runtime.incarnation,
            known.session if known is not None else 0,
            known.theirs if known is not None else 0,
        )
        data = pack(header, [orjson.dumps(body)], self._signer, to=say.to)
        transport.post(say.to, data)

    def _peer(self, known: Known) -> Peer:
        peer = self.peers.get(known.name)
        if peer is None or peer.known is not known:
            if peer is not None:  # nothing that is open may ever be left behind
                self._down(peer.known, "it has begun anew")
            transport = self._way(known)
            codec = transport.codec if transport is not None else None
            peer = self.peers[known.name] = Peer(known, self, codec or self.codec, Link())
        return peer

    def _down(self, known: Known, why: str) -> None:
        peer = self.peers.get(known.name)
        if peer is None or peer.known is not known:
            return
        del self.peers[known.name]
        if known.told:
            self.runtime.emit("node_down", known.name, known.incarnation, text=why)
        peer.close(why, self._learner.ended)
        if self._leaving:
            return
        for transport in self._transports.values():
            self.runtime.spawn(self._forget(transport, known.name))

    async def _forget(self, transport: Transport, node: str) -> None:
        try:
            await transport.forget(node)
        except Exception as error:
            text = f"what the node {node!r} has left could not be removed: {type(error).__name__}"
            self.reject("forget", text, node)

    def _way(self, known: Known) -> Transport | None:
        return self._transports.get(str(known.via))

    def _who(self) -> tuple[str, int]:
        return self.runtime.name, self.runtime.incarnation

    def _connected(self) -> list[Transport]:
        return list(self._transports.values())

    def _busy(self, node: str) -> bool:
        peer = self.peers.get(node)
        return peer is not None and peer.busy

    # -- time ----

    def _arm(self) -> None:
        self._alarm.set(self.discovery.due())

    def _step(self) -> None:
        if self._leaving and not self.peers:
            return
        if self._pulse is not None:
            self._pulse.felt()
        self._do(self.discovery.step(self.runtime.loop.time()))
        self._arm()
