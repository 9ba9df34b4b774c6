"""A codec handed to a transport is the one that is used; without it, the JSON one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from callboard import (
    Child,
    DataMessage,
    JsonCodec,
    LocalBus,
    LocalTransport,
    Node,
    NotCarried,
    Packet,
    Supervisor,
    Worker,
    WorkerRef,
    on,
)
from callboard.actors.testing import eventually


class Greet(DataMessage, wire="tests.transports.greet"):
    name: str


class Unknown(DataMessage):
    name: str


class Greeter(Worker):
    @on(Greet)
    def greet(self, message: Greet) -> Greet:
        return Greet(message.name.upper())


class Turned:
    """A codec that anybody can tell from the JSON one: each byte is another."""

    def __init__(self) -> None:
        self.inner = JsonCodec()
        self.encoded: list[object] = []
        self.decoded: list[object] = []

    def encode(self, value: object, /) -> bytes:
        self.encoded.append(value)
        return bytes(byte ^ 0x55 for byte in self.inner.encode(value))

    def decode(self, data: bytes, ref: Callable[[str], WorkerRef], /) -> object:
        value = self.inner.decode(bytes(byte ^ 0x55 for byte in data), ref)
        self.decoded.append(value)
        return value


class Watched(LocalBus):
    """A bus that keeps what goes over it."""

    def __init__(self) -> None:
        super().__init__()
        self.carried: list[bytes] = []

    def carry(self, source: str, packets: Sequence[Packet]) -> None:
        self.carried += [data for _, data in packets]
        super().carry(source, packets)


async def ask_over(bus: LocalBus, codec: Turned | None, message: object) -> Any:
    """Ask a greeter of another node; both have a transport with this codec."""
    there = Node(
        Supervisor([Child("greeter", Greeter)]), transports=[LocalTransport(bus, codec=codec)]
    )
    here = Node(Supervisor, transports=[LocalTransport(bus, codec=codec)])
    async with there, here:
        await eventually(lambda: here.ref("greeter") is not None)
        ref = here.ref("greeter")
        assert ref is not None
        return await asyncio.wait_for(ref.ask(message), 30)


@pytest.mark.check("M98")
async def test_a_codec_that_is_handed_to_a_transport_is_used_in_both_directions() -> None:
    bus, codec = Watched(), Turned()
    assert await ask_over(bus, codec, Greet("Ada")) == Greet("ADA")
    assert codec.encoded == codec.decoded == [Greet("Ada"), Greet("ADA")]
    assert not any(b"tests.transports.greet" in data for data in bus.carried)


@pytest.mark.check("M98")
async def test_without_one_the_json_codec_is_used() -> None:
    bus = Watched()
    assert await ask_over(bus, None, Greet("Ada")) == Greet("ADA")
    carried = b"".join(bus.carried)
    assert b'{"~:tests.transports.greet":{"name":"Ada"}}' in carried
    assert b'{"~:tests.transports.greet":{"name":"ADA"}}' in carried


@pytest.mark.check("M94")
async def test_a_message_that_is_not_registered_raises_at_the_sender() -> None:
    bus = Watched()
    with pytest.raises(NotCarried, match=r"Unknown is not registered: give it a wire name"):
        await ask_over(bus, None, Unknown("canary"))
    assert not any(b"canary" in data for data in bus.carried)
