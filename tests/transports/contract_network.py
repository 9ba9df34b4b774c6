"""The network of a conformance test: what joins its nodes, what is seen of it, what is done to it.

A transport is watched and troubled from outside, by a subclass made of it: so it is the very
transport that is tested, and one written outside the project needs nothing for it.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

from callboard.transports.errors import Undecodable
from callboard.transports.liveness import BEAT, DOWN_AFTER
from callboard.transports.packet import Header, Kind, unpack
from callboard.transports.transport import Packet, Receive, Transport

__all__ = ["Network", "Seen", "Trouble"]


class Seen(NamedTuple):
    """One packet, as it was handed to a transport or came from one."""

    node: str
    """The node whose transport it is."""
    to: str | None
    """Whom it was addressed to, None: all; of one that came in, always the node itself."""
    header: Header | None
    """None where the packet is none, or is signed."""
    bodies: list[bytes]
    data: bytes

    @property
    def kind(self) -> Kind | None:
        return Kind(self.header.kind) if self.header is not None else None


@dataclass
class Trouble:
    """What happens to packets on their way, at random but the same for each seed."""

    seed: int
    loss: float = 0.0
    repeat: float = 0.0
    delay: float = 0.0
    """How many of the packets are held until the next ones of their node overtake them."""


class Network(ABC):
    """Joins the nodes of one test: `async with network:`, and a new transport for each node.

    A subclass says how a transport is made; with a broker it also says how the connection of one
    node is cut, otherwise the transport is told that it was, and cannot open again before `heal`.
    """

    beat: float = BEAT
    down_after: float = DOWN_AFTER
    """What nodes get where a test waits for a silent one to be declared down."""
    within: float = 30.0
    """Seconds within which what must happen has happened, on a busy machine too."""
    quick: float = 3.0
    """Seconds that cannot be told from at once."""

    def __init__(self) -> None:
        self.sent: list[Seen] = []
        self.came: list[Seen] = []
        self.publishes: Counter[str] = Counter()
        """How often the transport of each node was asked to carry packets with bodies."""
        self.connected: Counter[str] = Counter()
        self.trouble: Trouble | None = None
        self.forge: Callable[[str, bytes], bytes] | None = None
        """Called with node and data of each packet that leaves; what it returns leaves instead."""
        self._random = random.Random(0)
        self._live: dict[str, Transport] = {}
        self._receive: dict[str, Receive] = {}
        self._cut: set[str] = set()
        self._silent: set[str] = set()
        self._held: dict[str, list[Packet]] = defaultdict(list)

    # -- what a subclass overrides ----

    @abstractmethod
    def make(self, node: str) -> Transport:
        """Return a transport for this node, with its settings and no connection."""

    async def open(self) -> None:
        """Make ready what the transports need; on the test's event loop."""

    async def close(self) -> None:
        """Let go of it, after all nodes."""

    async def cut(self, node: str) -> None:
        """Have the node lose its connection, and get none before `heal`."""
        self._cut.add(node)
        self._live[node].lost(ConnectionResetError("cut by the test"))

    async def heal(self, node: str) -> None:
        """Let the node connect again."""
        self._cut.discard(node)

    # -- what tests use ----

    def transport(self, node: str) -> Transport:
        """Return a transport for this node, watched by this network."""
        made = self.make(node)
        made.__class__ = _watched(type(made))
        vars(made)["network"] = self
        return made

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def silence(self, node: str) -> None:
        """Have nothing of the node get out or in any more, as if its machine had gone."""
        self._silent.add(node)

    def unsilence(self, node: str) -> None:
        """Let it be heard again."""
        self._silent.discard(node)

    def disturb(self, trouble: Trouble | None) -> None:
        """Begin trouble, or end it."""
        self.trouble = trouble
        if trouble is not None:
            self._random = random.Random(trouble.seed)

    def inject(self, node: str, data: bytes) -> None:
        """Have the node's transport bring these bytes, as if somebody had sent them."""
        self._receive[node](data)

    def data_to(self, node: str, since: int = 0) -> list[Seen]:
        """Return the packets with bodies for the workers of this node that came there."""
        return [
            seen
            for seen in self.came[since:]
            if seen.node == node and seen.kind is Kind.DATA and seen.bodies
        ]

    def told(self, kind: Kind, node: str, *, since: int = 0) -> list[Seen]:
        """Return what came to this node of a kind."""
        return [seen for seen in self.came[since:] if seen.node == node and seen.kind is kind]

    # -- the transport's side ----

    async def opening(self, transport: Transport, receive: Receive) -> Receive:
        """Take note of a transport that opens; return where it is to bring what comes in."""
        node = transport.node_name
        if node in self._cut:
            raise ConnectionRefusedError("cut by the test")
        self._live[node] = transport
        self._receive[node] = receive
        self._held.pop(node, None)

        def come(data: bytes, sender: str | None = None, /) -> None:
            if node not in self._silent:
                self.came.append(_seen(node, node, data))
                receive(data, sender)

        self.connected[node] += 1
        return come

    def leaving(self, node: str, packets: Sequence[Packet]) -> list[Packet]:
        """Take note of packets on their way out; return those that get there."""
        if node in self._silent:
            return []
        forge = self.forge
        if forge is not None:
            packets = [Packet(to, forge(node, data)) for to, data in packets]
        seen = [_seen(node, to, data) for to, data in packets]
        self.sent += seen
        if any(each.bodies and each.kind is Kind.DATA for each in seen):
            self.publishes[node] += 1
        trouble = self.trouble
        if trouble is None:
            held = self._held.pop(node, [])
            return [*held, *packets]
        chance = self._random.random
        waiting, self._held[node] = self._held[node], []
        out: list[Packet] = []
        for packet in packets:
            if chance() < trouble.loss:
                continue
            if chance() < trouble.delay:
                self._held[node].append(packet)
                continue
            out.append(packet)
            if chance() < trouble.repeat:
                waiting.append(packet)
        out += waiting
        if chance() < trouble.delay:
            self._random.shuffle(out)
        return out


WATCHED: dict[type[Transport], type[Transport]] = {}


def _seen(node: str, to: str | None, data: bytes) -> Seen:
    try:
        header, bodies = unpack(data)
    except Undecodable:
        return Seen(node, to, None, [], data)
    return Seen(node, to, header, bodies, data)


def _watched(kind: type[Transport]) -> type[Transport]:
    """Return a subclass of a transport that shows its network what it carries."""
    if kind in WATCHED:
        return WATCHED[kind]

    async def open(self: Transport, receive: Receive) -> None:
        network: Network = vars(self)["network"]
        await kind.open(self, await network.opening(self, receive))

    async def publish(self: Transport, packets: Sequence[Packet]) -> None:
        network: Network = vars(self)["network"]
        getting_there = network.leaving(self.node_name, packets)
        if getting_there:
            await kind.publish(self, getting_there)

    made = WATCHED[kind] = type(kind.__name__, (kind,), {"open": open, "publish": publish})
    return made
