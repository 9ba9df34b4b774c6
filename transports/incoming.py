"""What the parcels of another node do here: each is one message, answer, job or event."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, cast

from ..actors.cell import Cell
from ..actors.delivery import STOP, Answer, Delivery, Entry
from ..actors.errors import CallboardError, Draining, JobError, LaneReserved, NoActor
from ..actors.jobs.messages import JobChunk, JobStart, JobUpdate
from ..actors.message import Lane, LocalMessage, lane_for
from ..actors.ref import WorkerRef
from ..actors.runtime import Runtime
from .carried_errors import error_of
from .errors import Undecodable
from .parcels import Op, unfold, who_waits
from .remote import RemoteAnswer
from .remote_jobs import Line, RemoteJob, RemoteSink

__all__ = ["Incoming", "Passage"]


class Passage(Protocol):
    """What may come in, and where a broadcast goes: the router."""

    runtime: Runtime

    def passes_in(
        self, node: str, source: str | None, target: str | None, message: object, /
    ) -> bool:
        """Whether a message may come in from there; one that may not is counted."""
        ...

    def reject(self, kind: str, text: str, node: str, /) -> None:
        """Count what was rejected, and log the first of its kind."""
        ...

    def cast(self, message: object, /) -> None:
        """Give a broadcast of another node to the workers of this one."""
        ...


class Incoming:
    """Does what the parcels of one other node say."""

    def __init__(self, line: Line, passage: Passage) -> None:
        """Answer on this line."""
        self._line = line
        self._passage = passage
        self._runtime = passage.runtime

    def take(self, body: bytes) -> None:
        """Do what a parcel says.

        Raises:
            Undecodable: it is not ours, or not allowed; who asked has been told.

        """
        try:
            head, payload = unfold(body)
        except Undecodable as error:
            self._unread(body, error)
            raise
        match head[0]:
            case Op.JOB:
                self._job(head, payload)
            case Op.DONE:
                self._done(head[1], payload)
            case Op.TELL | Op.ASK | Op.SEND:
                self._message(head, payload)
            case Op.ANSWER:
                self._answer(head[1], payload)
            case Op.REFUSAL:
                answer = self._line.asks.pop(head[1], None)
                self._settle(answer, None, self._error(head[2]))
            case Op.EVENT:
                self._event(head[1], head[2], payload)
            case Op.FAILED:
                self._failed(head[1], head[2], payload)
            case Op.CANCEL:
                self._sink(head[1], lambda sink: sink.withdraw(head[2]))
            case Op.PROGRESS:
                self._sink(head[1], RemoteSink.report)
            case Op.CREDIT:
                self._sink(head[1], lambda sink: sink.credit(head[2]))
            case Op.STOP:
                self._stop(head[1], head[2], head[3])
            case Op.UNSEND:
                waiting = self._line.waiting.pop(head[1], None)
                if waiting is not None:
                    waiting.cancel()
            case _:
                message = self._decoded(payload)
                if self._passage.passes_in(self._line.node, head[1], None, message):
                    self._passage.cast(message)

    def _unread(self, body: bytes, error: Undecodable) -> None:
        """End what waits for a parcel that cannot be read: there, where it asks, or here."""
        waits = who_waits(body)
        line = self._line
        match waits:
            case (Op.ASK | Op.SEND | Op.STOP, int(number)):
                RemoteAnswer(line, number).settle(None, error)
            case (Op.JOB, str(id)) if id not in line.serving:
                RemoteSink(line, id).settle(None, error)
            case (Op.ANSWER | Op.REFUSAL, int(number)):
                self._settle(line.asks.pop(number, None), None, error)
            case (Op.DONE | Op.FAILED, str(id)):
                self._settle(_asker(line.jobs.pop(id, None)), None, error)
            case (Op.EVENT, str(id)) if id in line.jobs:
                self._broken(line.jobs[id], error)
            case _:
                pass

    def _message(self, head: list[Any], payload: bytes) -> None:
        op, target, source, lane, left, trace = head[:6]
        answer = RemoteAnswer(self._line, head[6]) if op != Op.TELL else None
        entry: Entry | None = None
        try:
            message = self._decoded(payload)
            number = _lane_of(message, lane)
            if not self._passage.passes_in(self._line.node, source, target, message):
                text = f"{target!r} takes no such message from node {self._line.node!r}"
                raise NoActor(text, target)
            entry = (message, self._source(source), number, answer, self._deadline(left), trace)
            if self._runtime.draining and source is None:
                raise Draining(f"the node {self._runtime.name!r} is ending", target)
            place = self._target(target)
            if op == Op.SEND:
                self._take_waiting(place, entry, head[6])
            else:
                place.deliver(entry)
        except Undecodable as error:
            if answer is not None:
                answer.settle(None, error)
            raise
        except CallboardError as error:
            if entry is None:
                self._refuse(answer, error)
            else:
                self._runtime.dead(self._runtime.ref(target), entry, error)

    def _take_waiting(self, place: Delivery, entry: Entry, number: int) -> None:
        """Have the mailbox take a message that waits for room; confirm when it has."""
        answer = entry[3]
        bare = (*entry[:3], None, *entry[4:])
        if isinstance(place, Cell) and place.mailbox.room > 0:
            place.deliver(cast("Entry", bare))
            self._refuse(answer, None)
            return

        waiting = self._line.waiting

        async def take() -> None:
            try:
                await place.deliver_waiting(cast("Entry", bare))
            except CallboardError as error:
                self._refuse(answer, error)
            else:
                self._refuse(answer, None)
            finally:
                waiting.pop(number, None)

        waiting[number] = self._runtime.spawn(take())

    def _stop(self, target: str, source: str | None, number: int | None) -> None:
        answer = RemoteAnswer(self._line, number) if number is not None else None
        try:
            if not self._passage.passes_in(self._line.node, source, target, STOP()):
                raise NoActor(f"{target!r} takes no stop from node {self._line.node!r}", target)
            lane = int(Lane.NORMAL)
            entry: Entry = (STOP(), self._source(source), lane, answer, None, None)
            self._target(target).deliver(entry)
        except CallboardError as error:
            self._refuse(answer, error)

    def _job(self, head: list[Any], payload: bytes) -> None:
        _, target, source, lane, left, trace, id, name, typed, chain = head[:10]
        nested = len(head) > 10 and head[10] is True
        if id in self._line.serving:
            raise Undecodable(f"a second job has the id {id!r}", "repeated_job")
        sink = self._line.serving[id] = RemoteSink(self._line, id)
        try:
            if id.rsplit(".", 2)[0] != self._line.node:
                # A worker keeps its jobs by their ids, and other nodes have theirs.
                text = f"a job of node {self._line.node!r} has the id {id!r} of another node"
                raise Undecodable(text, "foreign_job")
            value = self._decoded(payload)
            kind: object = value.__class__ if typed else name
            if not self._passage.passes_in(self._line.node, source, target, value):
                raise NoActor(f"{target!r} takes no job from node {self._line.node!r}", target)
            if self._runtime.draining and not nested:
                raise Draining(f"the node {self._runtime.name!r} is ending", target)
            links = tuple(str(each) for each in chain)
            start = JobStart(id, kind, value, links)
            number = min(max(lane, int(Lane.HIGH)), int(Lane.LOW))
            entry: Entry = (
                start, self._source(source), number, sink, self._deadline(left), trace,
            )  # fmt: skip
            place = self._target(target)
            if target in links and isinstance(place, Cell) and place.actor is not None:
                # A handler of that worker waits for this very job: it cannot wait its turn.
                cast("Any", place.actor).begin_job_beside(entry)
            else:
                place.deliver(entry)
        except Undecodable as error:
            sink.settle(None, error)
            raise
        except CallboardError as error:
            sink.settle(None, error)

    def _answer(self, number: int, payload: bytes) -> None:
        answer = self._line.asks.pop(number, None)
        try:
            value = self._decoded(payload) if payload else None
        except Undecodable as error:
            self._settle(answer, None, error)
            raise
        self._settle(answer, value, None)

    def _done(self, id: str, payload: bytes) -> None:
        doing = self._line.jobs.pop(id, None)
        try:
            value = self._decoded(payload)
        except Undecodable as error:
            self._settle(_asker(doing), None, error)
            raise
        self._settle(_asker(doing), value, None)

    def _failed(self, id: str, facts: list[Any], payload: bytes) -> None:
        doing = self._line.jobs.pop(id, None)
        error = self._error(facts)
        try:
            if payload and isinstance(error, JobError):
                error.response = self._decoded(payload)
        finally:
            self._settle(_asker(doing), None, error)

    def _event(self, id: str, chunk: bool, payload: bytes) -> None:
        doing = self._line.jobs.get(id)
        if doing is None:
            self._runtime.events.count("late_job_events")
            return
        job = cast("Any", doing.job)
        kind = JobChunk if chunk else JobUpdate
        try:
            data = self._decoded(payload)
        except Undecodable as error:
            self._broken(doing, error)
            raise
        doing.put(kind(job.worker, data))

    def _broken(self, doing: RemoteJob, error: Undecodable) -> None:
        """End a job of which an event cannot be read: a hole in a stream is a silent loss."""
        doing.withdraw(str(error))
        self._settle(doing.job, None, error)

    def _sink(self, id: str, act: Callable[[RemoteSink], object]) -> None:
        sink = self._line.serving.get(id)
        if sink is None:
            self._runtime.events.count("late_job_cancels")
        else:
            act(sink)

    def _settle(self, answer: Answer | None, value: object, error: BaseException | None) -> None:
        """Give the outcome to who asked; nobody did, or has left: count it."""
        if answer is None:
            self._runtime.events.count("late_job_answers")
        elif not answer.done or error is None:
            answer.settle(value, error)
        else:
            self._runtime.late()

    @staticmethod
    def _refuse(answer: Answer | None, error: CallboardError | None) -> None:
        if answer is not None:
            answer.settle(None, error)

    def _decoded(self, payload: bytes) -> object:
        value = self._line.codec.decode(payload, self._runtime.ref)
        if isinstance(value, LocalMessage):
            raise Undecodable(f"{type(value).__name__} is local: it may not cross", "local_only")
        return value

    def _error(self, facts: list[Any]) -> CallboardError:
        try:
            return error_of(facts, self._line.node)
        except (ValueError, TypeError) as error:
            return Undecodable(f"an error of node {self._line.node!r} cannot be read: {error}")

    def _target(self, name: str) -> Delivery:
        known = self._runtime.registry.here(name)
        actor = getattr(known.target, "actor", None) if known is not None else None
        told = actor is None or actor.announced  # supervisors and transports are nobody else's
        if known is None or not known.public or not told:
            raise NoActor(f"no public worker of {self._runtime.name!r} is called {name!r}", name)
        return known.target

    def _source(self, name: str | None) -> WorkerRef | None:
        return self._runtime.ref(name) if name is not None else None

    def _deadline(self, left: float | None) -> float | None:
        return None if left is None else self._runtime.loop.time() + left


def _asker(doing: RemoteJob | None) -> Answer | None:
    return doing.job if doing is not None else None


def _lane_of(message: object, lane: int) -> int:
    """Return the lane of a message that came in; what it may not ask for, it does not get.

    Raises:
        Undecodable: it asks for a lane that is none, or is not for it.

    """
    try:
        return lane_for(message, Lane(lane))
    except (LaneReserved, ValueError) as error:
        raise Undecodable(f"a message asks for lane {lane}", "lane") from error
