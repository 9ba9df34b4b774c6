"""What a handler can read of how its message came, and that the message itself is frozen."""

from __future__ import annotations

import asyncio
from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from callboard import (
    Child,
    DataMessage,
    Envelope,
    Lane,
    LocalMessage,
    Message,
    Node,
    NotStarted,
    Supervisor,
    SystemMessage,
    Worker,
    on,
)


class Note(DataMessage):
    text: str = "n"


class Pass(DataMessage):
    message: Any
    timeout: float | None = None
    lane: Lane | None = None


class Alarm(SystemMessage):
    pass


class Reader(Worker):
    envelopes: list[Envelope]

    def on_start(self) -> None:
        self.envelopes = []
        with pytest.raises(NotStarted, match="not handling a message"):
            _ = self.envelope

    @on(Note)
    def read(self, message: Note) -> Envelope:
        return self.envelope

    @on(Pass)
    async def read_later(self, message: Pass) -> tuple[Envelope, Envelope]:
        before = self.envelope
        await asyncio.sleep(1)
        return before, self.envelope

    @on(Alarm, preempt=True)
    async def read_beside(self, message: Alarm) -> Envelope:
        await asyncio.sleep(0.1)
        return self.envelope


class Sender(Worker):
    @on(Pass)
    async def send_it(self, message: Pass) -> Any:
        answer = self.ask("b", message.message, timeout=message.timeout, lane=message.lane)
        return await answer


def tree() -> Supervisor:
    return Supervisor([Child("a", Sender), Child("b", Reader)])


@pytest.mark.check("M20")
async def test_a_handler_reads_source_target_lane_and_deadline() -> None:
    async with Node(tree()) as node:
        now = asyncio.get_running_loop().time()
        note = Note()
        envelope: Envelope = await node.ask("a", Pass(note, 5.0, Lane.HIGH))
        assert envelope.message is note
        assert envelope.source == node.ref("a")
        assert envelope.target == node.ref("b")
        assert envelope.lane is Lane.HIGH
        assert envelope.deadline == now + 5.0
        assert envelope.reply is not None


@pytest.mark.check("M20")
async def test_a_tell_from_no_worker_has_no_source_no_reply_and_no_deadline() -> None:
    read: list[Envelope] = []

    class Keeper(Worker):
        @on(Note)
        def keep(self, message: Note) -> None:
            read.append(self.envelope)

    async with Node(Supervisor([Child("b", Keeper)])) as node:
        ref = node.ref("b")
        assert ref is not None
        ref.tell(Note(), trace="00-abc-def-01")
        await asyncio.sleep(1)
    (envelope,) = read
    assert envelope.source is None
    assert envelope.reply is None
    assert envelope.deadline is None
    assert envelope.lane is Lane.NORMAL
    assert envelope.trace == "00-abc-def-01"


@pytest.mark.check("M20")
async def test_a_handler_reads_its_own_envelope_after_an_await_and_beside_another() -> None:
    async with Node(tree()) as node:
        message = Pass(Note())
        slow = node.ask("b", message)
        await asyncio.sleep(0.5)
        alarm = Alarm()
        beside: Envelope = await node.ask("b", alarm)
        assert beside.message is alarm
        assert beside.lane is Lane.SYSTEM
        before, after = await slow
        assert before.message is after.message is message


@pytest.mark.check("M20")
@pytest.mark.parametrize("base", [Message, DataMessage, SystemMessage, LocalMessage])
def test_a_message_is_frozen(base: Any) -> None:
    class Value(base):  # type: ignore[misc]
        text: str

    message = Value("as it was sent")
    with pytest.raises(FrozenInstanceError):
        message.text = "changed"
    with pytest.raises(FrozenInstanceError):
        del message.text
    assert message.text == "as it was sent"
    assert message == Value("as it was sent")
    assert hash(message) == hash(Value("as it was sent"))
