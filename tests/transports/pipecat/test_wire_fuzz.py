"""Pipecat's wire format: whatever is sent arrives as it was, and whatever comes harms nobody."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pipecat.bus import messages as bus

from callboard.transports.errors import Undecodable
from callboard.transports.pipecat import messages as said
from callboard.transports.pipecat.messages import Said
from callboard.transports.pipecat.wire import TAGS
from tests.transports.pipecat.test_kinds import FRAMES
from tests.transports.pipecat.test_wire import A_JOB, PAIRS, SERIALIZER, WIRE

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"))
    | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=20,
)
OBJECTS = st.dictionaries(st.text(st.characters(codec="utf-8")), VALUES, max_size=5)


@given(OBJECTS)
def test_any_object_crosses_as_it_was_and_as_pipecat_has_it(payload: dict[str, Any]) -> None:
    request = said.JobRequest(**A_JOB, payload=payload)
    data = WIRE.encode(request)
    assert WIRE.decode(data) == request
    read: Any = SERIALIZER.deserialize(data)
    assert read.payload == payload
    assert WIRE.decode(SERIALIZER.serialize(read)) == request


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_undecodable(data: bytes) -> None:
    with suppress(Undecodable):
        WIRE.decode(data)


KEYS = st.sampled_from(
    [
        "__type__", "__data__", "source", "target", "job_id", "payload", "response", "status",
        "runner", "workers", "frame", "direction", "bridge", "name", "started_at", "active",
        "args", "data", "text", "audio", "sample_rate", "num_channels", "context", "messages",
        "tools", "standard_tools", "custom_tools", "language", "arguments",
    ]
)  # fmt: skip
WORDS = st.sampled_from(
    [
        *[f"pipecat.bus.messages.{name}" for name in TAGS],
        *[f"pipecat.frames.frames.{type(f).__name__}" for f in FRAMES],
        "pipecat.frames.frames.LLMContextFrame", "pipecat.frames.frames.InputAudioRawFrame",
        "pipecat.registry.types.WorkerRegistryEntry", "bytes", "DOWNSTREAM", "AAA=", "completed",
        "pipecat.processors.frame_processor.FrameDirection",
        "pipecat.processors.aggregators.llm_context.LLMContext",
    ]
)  # fmt: skip
ALIKE = st.recursive(
    WORDS | st.none() | st.integers() | st.floats() | st.booleans() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(KEYS, inner, max_size=6)
        | st.fixed_dictionaries({"__type__": WORDS, "__data__": inner})
    ),
    max_leaves=30,
)
ALIKE_MESSAGES = st.fixed_dictionaries(
    {
        "__type__": st.sampled_from([f"pipecat.bus.messages.{name}" for name in TAGS]),
        "__data__": st.dictionaries(KEYS, ALIKE, max_size=8),
    }
)


@settings(max_examples=500)
@given(ALIKE | ALIKE_MESSAGES)
def test_whatever_looks_like_a_message_is_one_or_undecodable(value: Any) -> None:
    with suppress(Undecodable):
        WIRE.decode(json.dumps(value).encode())


@settings(max_examples=300)
@given(st.sampled_from(PAIRS), st.data())
def test_a_damaged_message_is_one_or_undecodable(
    pair: tuple[Said, bus.BusMessage], data: st.DataObject
) -> None:
    damaged = bytearray(WIRE.encode(pair[0]))
    for _ in range(data.draw(st.integers(1, 5))):
        place = data.draw(st.integers(0, len(damaged) - 1))
        damaged[place] = data.draw(st.integers(0, 255))
    with suppress(Undecodable):
        WIRE.decode(bytes(damaged))
