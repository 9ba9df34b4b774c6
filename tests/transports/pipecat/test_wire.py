"""Pipecat's wire format: held against Pipecat's own serializer, and against whatever may come."""

from __future__ import annotations

import json
import math
from typing import Any, cast

import pytest
from pipecat.bus import messages as bus
from pipecat.bus.serializers import JSONMessageSerializer
from pipecat.bus.ui import messages as ui
from pipecat.frames import frames as theirs
from pipecat.pipeline.job_context import JobStatus
from pipecat.processors.aggregators.llm_context import NOT_GIVEN, LLMContext, LLMSpecificMessage
from pipecat.processors.frame_processor import FrameDirection
from pipecat.registry.types import WorkerRegistryEntry

from callboard.actors.frames import frame as ours
from callboard.actors.frames.frame import Direction
from callboard.transports.errors import NotCarried, Undecodable
from callboard.transports.pipecat import messages as said
from callboard.transports.pipecat.kinds import Context
from callboard.transports.pipecat.messages import Said
from callboard.transports.pipecat.wire import FLUSH, TAGS, Wire
from tests.transports.pipecat.test_kinds import FRAMES, MESSAGES, SEARCH

WIRE = Wire()
SERIALIZER: Any = cast("Any", JSONMessageSerializer)()

PAYLOAD: dict[str, Any] = {
    "text": "héllo \N{WAVING HAND SIGN}",
    "numbers": [1, -2.5, 10**30, True, None],
    "bytes": b"\x00\xff",
    "inside": {"deep": [{"er": b""}]},
    "__type__": "only one of the two keys",
}

A_JOB: dict[str, Any] = {"source": "a", "target": "b", "job_id": "1"}

PAIRS: list[tuple[Said, bus.BusMessage]] = [
    (
        said.Listing(
            source="r",
            runner="r",
            workers=(
                said.Entry("w", None, active=True, bridged=True, started_at=1795173044.09),
                said.Entry("kid", "w"),
            ),
        ),
        bus.BusWorkerRegistryMessage(
            source="r",
            runner="r",
            workers=[
                WorkerRegistryEntry("w", active=True, bridged=True, started_at=1795173044.09),
                WorkerRegistryEntry("kid", parent="w"),
            ],
        ),
    ),
    (
        said.Ready(source="w", runner="r", active=True, started_at=5.5),
        bus.BusWorkerReadyMessage(source="w", runner="r", active=True, started_at=5.5),
    ),
    (
        said.Activate(source="a", target="b", args={"messages": [], "run_llm": False}),
        bus.BusActivateWorkerMessage(
            source="a", target="b", args={"messages": [], "run_llm": False}
        ),
    ),
    (
        said.Deactivate(source="a", target="b"),
        bus.BusDeactivateWorkerMessage(source="a", target="b"),
    ),
    (said.End(source="a", reason="done"), bus.BusEndMessage(source="a", reason="done")),
    (said.Cancel(source="a"), bus.BusCancelMessage(source="a")),
    (said.EndWorker(source="a", target="b"), bus.BusEndWorkerMessage(source="a", target="b")),
    (
        said.CancelWorker(source="a", target="b", reason="x"),
        bus.BusCancelWorkerMessage(source="a", target="b", reason="x"),
    ),
    (said.WorkerError(source="a", error="x"), bus.BusWorkerErrorMessage(source="a", error="x")),
    (
        said.JobRequest(**A_JOB, job_name="n", payload=PAYLOAD),
        bus.BusJobRequestMessage(**A_JOB, job_name="n", payload=PAYLOAD),
    ),
    (said.JobRequest(**A_JOB), bus.BusJobRequestMessage(**A_JOB)),
    (
        said.JobResponse(**A_JOB, status="failed", response=PAYLOAD),
        bus.BusJobResponseMessage(**A_JOB, status=JobStatus.FAILED, response=PAYLOAD),
    ),
    (
        said.JobUpdate(**A_JOB, update={"progress": 50}),
        bus.BusJobUpdateMessage(**A_JOB, update={"progress": 50}),
    ),
    (said.JobUpdateRequest(**A_JOB), bus.BusJobUpdateRequestMessage(**A_JOB)),
    (
        said.JobCancel(**A_JOB, reason="timeout"),
        bus.BusJobCancelMessage(**A_JOB, reason="timeout"),
    ),
    (said.StreamStart(**A_JOB), bus.BusJobStreamStartMessage(**A_JOB)),
    (
        said.StreamData(**A_JOB, data={"t": "a"}),
        bus.BusJobStreamDataMessage(**A_JOB, data={"t": "a"}),
    ),
    (said.StreamEnd(**A_JOB), bus.BusJobStreamEndMessage(**A_JOB)),
    (
        said.FrameSaid(
            source="w",
            frame=ours.InputAudioFrame(b"\x01\x00\x02\x00", 16_000),
            direction=Direction.UP,
            bridge="voice",
        ),
        bus.BusFrameMessage(
            source="w",
            frame=theirs.InputAudioRawFrame(b"\x01\x00\x02\x00", 16_000, 1),
            direction=FrameDirection.UPSTREAM,
            bridge="voice",
        ),
    ),
]


def named(pair: object) -> str | None:
    return type(pair).__name__ if isinstance(pair, Said) else None


def as_they_are(message: Any) -> dict[str, Any]:
    """Return what counts of a message of theirs."""
    values: dict[str, Any] = dict(message.__dict__)
    return {
        name: as_they_are(value) if isinstance(value, theirs.Frame) else value
        for name, value in values.items()
        if name not in ("id", "name")
    }


def test_each_message_of_the_table_is_tried() -> None:
    assert {type(message) for message, _ in PAIRS} == set(TAGS.values())


@pytest.mark.parametrize(("message", "original"), PAIRS, ids=named)
def test_pipecat_reads_what_is_sent(message: Said, original: bus.BusMessage) -> None:
    read = SERIALIZER.deserialize(WIRE.encode(message))
    assert type(read) is type(original)
    assert as_they_are(read) == as_they_are(original)


@pytest.mark.parametrize(("message", "original"), PAIRS, ids=named)
def test_what_pipecat_sends_is_read(message: Said, original: bus.BusMessage) -> None:
    data = SERIALIZER.serialize(original)
    assert b'"id":' in data and b'"name":' in data
    assert WIRE.decode(data) == message


@pytest.mark.parametrize(("message", "original"), PAIRS, ids=named)
def test_the_layout_of_older_releases_and_any_order_of_keys_is_read(
    message: Said, original: bus.BusMessage
) -> None:
    """Before 1.8.0 a message had no id and no name; PGMQ stores jsonb, which orders keys anew."""
    value = json.loads(SERIALIZER.serialize(original))
    del value["__data__"]["id"], value["__data__"]["name"]
    turned = {key: value[key] for key in reversed(value)}
    turned["__data__"] = dict(sorted(turned["__data__"].items(), reverse=True))
    assert WIRE.decode(json.dumps(turned).encode()) == message
    assert WIRE.decode(WIRE.encode(message)) == message


def test_neither_id_nor_name_is_sent() -> None:
    for message, _ in PAIRS:
        assert not {"id", "name"} & set(json.loads(WIRE.encode(message))["__data__"])


def test_urgent_answers_are_answers() -> None:
    urgent = bus.BusJobResponseUrgentMessage(**A_JOB, status=JobStatus.COMPLETED, response={"x": 1})
    assert WIRE.decode(SERIALIZER.serialize(urgent)) == said.JobResponse(
        **A_JOB, status="completed", response={"x": 1}
    )
    update = bus.BusJobUpdateUrgentMessage(**A_JOB, update={"x": 1})
    assert WIRE.decode(SERIALIZER.serialize(update)) == said.JobUpdate(**A_JOB, update={"x": 1})


CROSSING = [frame for frame in FRAMES if not isinstance(frame, ours.LifecycleFrame)]


@pytest.mark.check("M131")
@pytest.mark.parametrize("frame", CROSSING, ids=repr)
@pytest.mark.parametrize("direction", [*Direction])
def test_a_frame_crosses_with_direction_and_bridge(frame: ours.Frame, direction: Direction) -> None:
    message = said.FrameSaid(source="w", frame=frame, direction=direction, bridge="voice")
    data = WIRE.encode(message)
    assert WIRE.decode(data) == message
    if isinstance(frame, ours.ErrorFrame) and frame.fatal:
        return  # making it warns there
    if isinstance(frame, ours.ContextFrame) and frame.tools == []:
        return  # in their process no tools are tools that are not given: see below
    read = SERIALIZER.deserialize(data)
    assert isinstance(read, bus.BusFrameMessage) and isinstance(read.frame, theirs.Frame)
    assert read.bridge == "voice" and isinstance(read.direction, FrameDirection)
    assert WIRE.decode(SERIALIZER.serialize(read)) == message


@pytest.mark.check("M99")
@pytest.mark.parametrize("tools", [None, [], [SEARCH]], ids=["not given", "empty", "filled"])
@pytest.mark.parametrize("choice", [None, "auto", {"type": "function"}], ids=repr)
def test_tools_not_given_and_empty_are_two_things_on_the_wire(
    tools: list[Any] | None, choice: Any
) -> None:
    frame = ours.ContextFrame(MESSAGES, tools, choice)
    data = WIRE.encode(said.FrameSaid(source="w", frame=frame))
    read: Any = SERIALIZER.deserialize(data)
    came = WIRE.decode(data)
    assert isinstance(came, said.FrameSaid) and came.frame == frame
    assert (b'"tools":{' in data) == (tools is not None)
    context = read.frame.context
    assert isinstance(context, LLMContext)
    # Pipecat's object keeps the two apart no more: what is empty becomes not given in it.
    assert (context.tools is NOT_GIVEN) == (not tools)
    assert (context.tool_choice is NOT_GIVEN) == (choice is None)
    own = context.messages[1]
    assert isinstance(own, LLMSpecificMessage) and own.llm == "anthropic"
    if tools != []:
        back = WIRE.decode(SERIALIZER.serialize(read))
        assert isinstance(back, said.FrameSaid) and back.frame == frame


def test_a_context_in_a_payload_is_read() -> None:
    request = bus.BusJobRequestMessage(**A_JOB, payload={"context": LLMContext([])})
    came = WIRE.decode(SERIALIZER.serialize(request))
    assert isinstance(came, said.JobRequest) and came.payload == {"context": Context([])}
    assert came == WIRE.decode(WIRE.encode(came))


@pytest.mark.parametrize(
    ("frame", "theirs_is"),
    [
        (theirs.MetricsFrame(data=[]), "MetricsFrame"),
        (theirs.PipelineFlushFrame(origin="w"), FLUSH),
        (theirs.LLMSetToolsFrame(tools=LLMContext([], tools=[]).tools), "LLMSetToolsFrame"),
    ],
)
def test_a_frame_without_counterpart_is_named(frame: theirs.Frame, theirs_is: str) -> None:
    message = bus.BusFrameMessage(source="w", frame=frame, direction=FrameDirection.DOWNSTREAM)
    came = WIRE.decode(SERIALIZER.serialize(message))
    assert came == said.FrameSaid(source="w", frame=None, theirs=theirs_is)


def test_a_class_of_another_module_is_no_frame_of_theirs() -> None:
    data = WIRE.encode(said.FrameSaid(source="w", frame=ours.TextFrame("x")))
    data = data.replace(b"pipecat.frames.frames.", b"evil.")
    assert WIRE.decode(data) == said.FrameSaid(source="w", frame=None, theirs="evil.TextFrame")


def test_a_payload_with_a_class_that_is_not_known_says_so() -> None:
    request = bus.BusJobRequestMessage(**A_JOB, payload={"entry": WorkerRegistryEntry("w")})
    came = WIRE.decode(SERIALIZER.serialize(request))
    assert isinstance(came, said.JobRequest)
    assert came.payload is None and "WorkerRegistryEntry" in came.problem
    assert came.job_id == "1"


def test_what_is_about_their_pipelines_only_means_nothing() -> None:
    for message in (
        bus.BusTTSSpeakMessage(source="a", target="b", text="x"),
        bus.BusFlushProgressMessage(source="a", target="b", flush_id=5),
        ui.BusUIEventMessage(source="a", event_name="click"),
    ):
        assert WIRE.decode(SERIALIZER.serialize(message)) is None


def tag(name: str) -> bytes:
    return json.dumps({"__type__": f"pipecat.bus.messages.{name}", "__data__": {}}).encode()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", "no_json"),
        (b"\xff\x00", "no_json"),
        (b"[1, 2", "no_json"),
        (b'{"a": 1}', "untagged"),
        (b'"text"', "untagged"),
        (b"[" * 10_000, "too_deep"),
        (b'{"a":' * 61 + b"1" + b"}" * 61, "too_deep"),
        (b" " * ((4 << 20) + 1), "too_large"),
        (tag("BusAddWorkerMessage"), "local_only"),
        (tag("BusWorkerLocalErrorMessage"), "local_only"),
        (tag("BusNewMessage"), "unknown_tag"),
        (b'{"__type__": "os.system", "__data__": "ls"}', "unknown_tag"),
        (tag("BusJobRequestMessage"), "malformed"),
        (b'{"__type__":"pipecat.bus.messages.BusEndMessage","__data__":[]}', "malformed"),
        (
            b'{"__type__":"pipecat.bus.messages.BusFrameMessage","__data__":{"source":"a",'
            b'"frame":{"__type__":"pipecat.frames.frames.EndFrame","__data__":{}},"direction":'
            b'{"__type__":"pipecat.processors.frame_processor.FrameDirection",'
            b'"__data__":"DOWNSTREAM"}}}',
            "lifecycle",
        ),
    ],
)
def test_what_is_no_message_is_undecodable(data: bytes, kind: str) -> None:
    with pytest.raises(Undecodable) as caught:
        WIRE.decode(data)
    assert caught.value.kind == kind


@pytest.mark.parametrize(
    "direction", ['"DOWNSTREAM"', '{"__type__": "x", "__data__": "DOWNSTREAM"}', "5", '{"a":[]}']
)
def test_a_direction_that_is_none_is_undecodable(direction: str) -> None:
    data = WIRE.encode(said.FrameSaid(source="w", frame=ours.TextFrame("x")))
    value = json.loads(data)
    value["__data__"]["direction"] = json.loads(direction)
    with pytest.raises(Undecodable):
        WIRE.decode(json.dumps(value).encode())


class Money:
    pass


HOLDS_ITSELF: list[Any] = []
HOLDS_ITSELF.append(HOLDS_ITSELF)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ((1, 2), "not tuple"),
        ({1, 2}, "not set"),
        (Money(), "not Money"),
        (Direction.UP, "not Direction"),
        (ours.TextFrame("x"), "not TextFrame"),
        (math.nan, "nan is no number"),
        (math.inf, "inf is no number"),
        ({1: "x"}, "the key 1 is no text"),
        ({"__type__": "x", "__data__": "y"}, "keeps to itself"),
        ([{"in": {"__type__": 1, "__data__": 2}}], "keeps to itself"),
        ("\ud800", "cannot carry it"),
        (HOLDS_ITSELF, "holds itself"),
        ("x" * (4 << 20), "bytes are more than"),
        (json.loads("[" * 70 + "]" * 70), "nested deeper"),
    ],
    ids=lambda value: repr(value)[:40] if not isinstance(value, str) else None,
)
def test_what_would_not_arrive_as_it_was_is_refused_at_the_sender(value: Any, text: str) -> None:
    with pytest.raises(NotCarried, match=text):
        WIRE.encode(said.JobRequest(**A_JOB, payload={"value": value}))


def test_frames_that_cannot_cross_are_refused_at_the_sender() -> None:
    for frame, text in (
        (ours.EndFrame(), "stays in its pipeline"),
        (ours.ProgressFrame("w", "j", "x"), "no frame like ProgressFrame"),
        (ours.MessagesFrame([(1,)]), "not tuple"),
        (ours.ContextFrame([], [5]), "an object is expected"),
    ):
        with pytest.raises(NotCarried, match=text):
            WIRE.encode(said.FrameSaid(source="w", frame=frame))


def test_what_postgres_would_not_keep_is_refused_at_the_sender() -> None:
    request = said.JobRequest(**A_JOB, payload={"text": "a\x00b"})
    assert WIRE.decode(WIRE.encode(request)) == request
    with pytest.raises(NotCarried, match="character 0"):
        Wire(jsonb=True).encode(request)
