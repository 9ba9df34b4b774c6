"""Workers that take frames from bridges and give frames to them."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, ClassVar, cast

from ..activation import Activation
from ..delivery import NEVER_REFUSED
from ..dispatch import fail
from ..errors import ActorFailed, CallboardError, NotStarted, SpecError
from ..handlers import runtime_handler
from ..message import LocalMessage, SystemMessage, lane_for
from ..monitor import Monitor, WorkerDown, monitored, monitors_of
from ..reason import Failed, Reason, in_words
from ..ref import WorkerRef
from ..registry import Registration, WorkerReady
from ..scheduler import Step
from ..worker import Worker
from .bridge import Bridge, BridgeEnd
from .frame import (
    CancelFrame,
    Direction,
    EndFrame,
    Frame,
    InterruptionFrame,
    LifecycleFrame,
    StartFrame,
)
from .membership import Membership, say
from .messages import (
    BridgeEmptied,
    BridgeJoin,
    BridgeLeave,
    BridgeOffer,
    BridgeProbe,
    BridgeQuiet,
    BridgeReturn,
    BridgeYield,
    FrameMessage,
)
from .pipeline import Pipeline, Stage

__all__ = ["FrameWorker", "PipelineWorker"]


class BridgedGone(LocalMessage):
    """A worker on a bridge is gone for good; in line behind the frames that it had sent."""

    worker: str
    end: BridgeEnd


NEVER_REFUSED.add(BridgedGone)


class FrameWorker(Worker):
    """A worker on bridges: while it is active it takes frames from them, and gives them frames.

    `bridged` names the bridges it is on: `("voice",)` those of that name, `()` all, None no one.
    """

    bridged: ClassVar[tuple[str, ...] | None] = None

    _membership: Membership | None = None
    _ends: tuple[BridgeEnd, ...] = ()
    """The bridges that it owns."""

    async def on_frame(self, frame: Frame, direction: Direction) -> None:
        """Take a frame that comes from a bridge, while active; without an override it is lost."""

    async def on_floor_changed(self, bridge: str | None, worker: str | None) -> None:
        """Take note that another worker is heard on an exclusive bridge of this one's pipeline."""

    async def push_frame(self, frame: Frame, direction: Direction = Direction.DOWN) -> None:
        """Give a frame to the bridges that this worker is on.

        It is kept, up to a bound, until one is offered; where `bridged` is None nobody gets it. The
        frames of a worker that is not active are not taken.
        """
        if self.bridged is not None:
            await self._bridges.give(frame, direction)

    # -- a worker on a bridge: the runtime's side ----

    @property
    def _bridges(self) -> Membership:
        if self._membership is None:
            self._membership = Membership(self)
        return self._membership

    @property
    def activation(self) -> Activation:
        """Whether it is active, and since which activation; for the bridges."""
        return self._activation

    @runtime_handler(BridgeOffer)
    async def _bridge_offered(self, offer: BridgeOffer) -> None:
        await self._bridges.offered(offer)

    @runtime_handler(BridgeYield)
    async def _bridge_yielded(self, message: BridgeYield) -> None:
        if self.active and self.activation.stamp == message.activation:
            await self._activation.deactivate()

    @runtime_handler(FrameMessage)
    async def _frame_came(self, message: FrameMessage) -> None:
        sender = self._sender
        if message.owner == self.name:
            end = next((each for each in self._ends if each.name == message.bridge), None)
            if end is not None and sender and sender != self.name:
                await end.came(sender, message.frame, message.direction)
            else:
                self.count_lost()
        elif sender == self.name or not self._is_on(message.bridge):
            self.count_lost()
        elif not self._bridges.takes(message):
            if not self._bridges.return_frame(message):
                self.count_lost()
        else:
            try:
                await self.on_frame(message.frame, message.direction)
            finally:
                if isinstance(message.frame, InterruptionFrame):
                    self._bridges.quiet()

    @runtime_handler(BridgeProbe)
    async def _bridge_probed(self, probe: BridgeProbe) -> None:
        emptied = BridgeEmptied(probe.offer, probe.turn, probe.interruption)
        self.tell_member(self.ref(self._sender), emptied)

    async def call_hook(self, hook: str, *arguments: Any) -> None:
        """Call a hook: on the bridges before it is active, and until after its last word."""
        if hook == "on_activated":
            self._bridges.join()
            try:
                await super().call_hook(hook, *arguments)
            except BaseException:
                self._bridges.leave()
                raise
            if not self.active:  # its time had run out, whatever the hook made of that
                self._bridges.leave()
            return
        if hook != "on_deactivated":
            await super().call_hook(hook, *arguments)
            return
        self._bridges.part()
        try:
            await self._fall_silent()
            await super().call_hook(hook, *arguments)
        except BaseException:
            self._bridges.part_not()
            raise
        self._bridges.leave()

    async def _fall_silent(self) -> None:
        """Cease to speak, before the hook of its deactivation."""

    def leave(self, reason: Reason) -> list[Step]:
        """Offer its bridges no more; for the runtime."""
        for end in self._ends:
            self._runtime.registry.unwatch(end)
            end.close()
        return super().leave(reason)

    def release(self) -> None:
        """Leave the bridges after the last hook; for the runtime."""
        super().release()
        if self._membership is not None:
            self._membership.leave(ended=True)

    def _is_on(self, bridge: str | None) -> bool:
        return self.bridged is not None and (not self.bridged or bridge in self.bridged)

    @property
    def _sender(self) -> str:
        source = self._entry[1]
        return cast("WorkerRef", source).name if source is not None else ""

    # -- the owner of bridges ----

    def open_bridge(
        self, end: BridgeEnd, take: Callable[[Frame, Direction], Coroutine[Any, Any, None]]
    ) -> None:
        """Offer a bridge from now on; `take` lets what comes over it into the pipeline.

        For those who build a kind of pipeline: a `Bridge` in a `Pipeline` is opened by itself.

        Raises:
            SpecError: another bridge of this worker has the same name.

        """
        if any(each.name == end.name for each in self._ends):
            raise SpecError(
                self.name, "bridge", f"two bridges are called {end.name!r}: name one of them"
            )
        cell, runtime = self._place, self._runtime
        life = f"{runtime.name}.{runtime.incarnation}.{cell.name}.{cell.incarnation}"
        self._ends = (*self._ends, end)
        end.open(self, f"{life}/{len(self._ends)}", take)

    def watch_bridged(self, end: BridgeEnd, ready: Callable[[WorkerReady], None]) -> None:
        """Have `ready` called for each worker that is on any bridge; for the bridges."""
        self._runtime.registry.watch_bridged(end, ready)

    def registered(self, worker: str) -> Registration | None:
        """Return what the registry knows of a worker; for the bridges."""
        return self._runtime.registry.find(worker)

    def tell_when_gone(self, known: Registration, end: BridgeEnd) -> None:
        """Tell the end when a worker is gone for good, in line with its frames; for the bridges."""
        place = monitored(known.target)
        if place is None:
            return
        watching = self._watching = set() if self._watching is None else self._watching
        monitors, mine, name = monitors_of(place), self.actor_ref, known.ref.name

        def notify(fact: SystemMessage) -> None:
            if isinstance(fact, WorkerDown):
                watching.discard(monitor)
                with suppress(CallboardError):
                    mine.tell(BridgedGone(name, end))

        def cancel(monitor: Monitor) -> None:
            watching.discard(monitor)
            monitors.remove(monitor)

        monitor = Monitor(known.ref, notify, cancel)
        monitors.add(monitor)
        watching.add(monitor)

    def tell_member(self, ref: WorkerRef, message: Any) -> None:
        """Tell in this worker's name, whoever calls; for the bridges."""
        try:
            say(self, ref, message)
        except CallboardError as error:
            self.refused(ref, message, error)

    def refused(self, ref: WorkerRef, message: Any, error: CallboardError) -> None:
        """Keep what could not be sent as a dead letter; for the bridges."""
        entry = (message, self.actor_ref, lane_for(message, None), None, None, None)
        self._runtime.dead(ref, entry, error)

    def let_in(self, worker: str) -> None:
        """Take in what that worker waits to send here, over the bound; for the bridges."""
        ref = self.ref(worker)
        self._place.mailbox.let_in(lambda entry: entry[1] == ref)

    def count_lost(self) -> None:
        """Count a frame that nobody took; for the bridges."""
        self._runtime.events.count("frames_lost")

    @runtime_handler(BridgeJoin)
    async def _bridge_joined(self, message: BridgeJoin) -> None:
        self.activation.note(message.activation[0])
        for end in self._ends:
            await end.joined(self._sender, message)

    @runtime_handler(BridgeLeave)
    async def _bridge_left(self, message: BridgeLeave) -> None:
        for end in self._ends:
            await end.left(self._sender, message)

    @runtime_handler(BridgeReturn)
    async def _bridge_returned(self, message: BridgeReturn) -> None:
        for end in self._ends:
            await end.returned(self._sender, message)

    @runtime_handler(BridgeEmptied)
    async def _bridge_emptied(self, message: BridgeEmptied) -> None:
        for end in self._ends:
            await end.emptied(self._sender, message)

    @runtime_handler(BridgeQuiet)
    async def _bridge_quiet(self, message: BridgeQuiet) -> None:
        for end in self._ends:
            end.quiet(self._sender, message)

    @runtime_handler(BridgedGone)
    async def _bridged_gone(self, message: BridgedGone) -> None:
        await message.end.ended(message.worker)


class PipelineWorker(FrameWorker):
    """A worker with a pipeline of its own, built anew in each incarnation.

    It is ready once the start frame has reached the end of the pipeline. An orderly stop lets the
    end frame through first. If it is on a bridge, what comes from there enters its pipeline, at the
    start or, upwards, at the end; and what leaves it goes to the bridge.
    """

    _pipeline: Pipeline | None = None
    _passed: dict[type[Frame], Future[None]] | None = None
    """The lifecycle frames that are waited for at the end of the pipeline."""

    def build_pipeline(self) -> Pipeline | Sequence[Stage]:
        """Return the stages, new ones each time; called after `on_start`. Without any: none."""
        return ()

    async def queue_frame(self, frame: Frame, direction: Direction = Direction.DOWN) -> None:
        """Let a frame into the pipeline, and return once it is through.

        It enters at the start or, upwards, at the end.

        Raises:
            ActorFailed: a stage raised, which has failed the worker; the cause is chained.
            NotStarted: the worker has no pipeline yet.

        """
        try:
            await self._enter(frame, direction)
        except NotStarted:
            raise
        except Exception as error:
            fail(self._place, error)
            text = f"{self.name!r} failed: {in_words(error)}"
            raise ActorFailed(text, self.name) from error

    async def push_frame(self, frame: Frame, direction: Direction = Direction.DOWN) -> None:
        """Let a frame of the worker's own through its pipeline, and out to its bridges."""
        await self.queue_frame(frame, direction)

    async def on_frame(self, frame: Frame, direction: Direction) -> None:
        """Let a frame that comes from a bridge into the pipeline."""
        await self._enter(frame, direction)

    async def _enter(self, frame: Frame, direction: Direction) -> None:
        if self._pipeline is None:
            raise NotStarted(f"{self.name!r} has no pipeline yet: one is built when it starts")
        await self._pipeline.enter(frame, direction)

    # -- the runtime's side ----

    def _before_activation(self) -> Coroutine[Any, Any, None] | None:
        return self._begin_pipeline(super()._before_activation())

    async def _begin_pipeline(self, first: Coroutine[Any, Any, None] | None) -> None:
        if first is not None:
            await first
        built = self.build_pipeline()
        self._pipeline = pipeline = built if isinstance(built, Pipeline) else Pipeline(built)
        pipeline.belong(self, self._left_pipeline)
        await self._pass(pipeline, StartFrame())
        for stage in pipeline.stages:
            if isinstance(stage, Bridge):
                self.open_bridge(stage.end, stage.push)

    def end_hook_name(self, reason: Reason) -> str | None:
        """Return the name of the hook for this end; for the runtime."""
        hook = super().end_hook_name(reason)
        if hook is None and self._pipeline is not None:
            hook = "on_failure" if isinstance(reason, Failed) else "on_stop"
        return hook

    def end_hook(self, reason: Reason) -> Coroutine[Any, Any, None]:
        """Return the end of the pipeline and the hook, to be run; for the runtime."""
        return self._end_pipeline(reason)

    async def _end_pipeline(self, reason: Reason) -> None:
        pipeline = self._pipeline
        if pipeline is not None and isinstance(reason, Failed):
            with suppress(Exception):  # it may be what has failed
                await pipeline.enter(CancelFrame(str(reason)))
        elif pipeline is not None:
            try:
                await self._pass(pipeline, EndFrame(str(reason)))
            except Exception:
                await self._run_end_hook(reason)
                raise
        await self._run_end_hook(reason)

    async def _run_end_hook(self, reason: Reason) -> None:
        if super().end_hook_name(reason) is not None:
            await super().end_hook(reason)

    async def _pass(self, pipeline: Pipeline, frame: LifecycleFrame) -> None:
        """Let a lifecycle frame in; return once it has reached the end."""
        passed = self._passed = {} if self._passed is None else self._passed
        reached = passed[type(frame)] = self._runtime.loop.create_future()
        try:
            await pipeline.enter(frame)
            await reached
        finally:
            passed.pop(type(frame), None)

    async def _left_pipeline(self, frame: Frame, direction: Direction) -> None:
        """Take what leaves the pipeline, at either end."""
        if not isinstance(frame, LifecycleFrame):
            await super().push_frame(frame, direction)
        elif self._passed is not None and direction is Direction.DOWN:
            reached = self._passed.get(type(frame))
            if reached is not None and not reached.done():
                reached.set_result(None)
