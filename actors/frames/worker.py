"""Workers that take frames from bridges and give frames to them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, ClassVar, cast

from ..activation import Activation
from ..delivery import NEVER_REFUSED
from ..errors import CallboardError, SpecError
from ..handlers import runtime_handler
from ..message import LocalMessage, SystemMessage, lane_for
from ..monitor import Monitor, WorkerDown, monitored, monitors_of
from ..reason import Reason
from ..ref import WorkerRef
from ..registry import Registration, WorkerReady
from ..scheduler import Step
from ..worker import Worker
from .bridge import BridgeEnd
from .frame import (
    Direction,
    Frame,
    InterruptionFrame,
)
from .membership import Membership, is_on, say
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

__all__ = ["FrameWorker"]


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

    def __init_subclass__(cls, **keywords: Any) -> None:
        """Refuse a text in place of names: its letters would be taken for them.

        Raises:
            SpecError: `bridged` is neither None nor a tuple of names.

        """
        super().__init_subclass__(**keywords)
        names: Any = cls.bridged
        named = isinstance(names, tuple | list) and all(
            isinstance(each, str) for each in cast("list[object]", names)
        )
        if names is not None and not named:
            raise SpecError(
                cls.__qualname__, "bridged", f"is {names!r}: write ('voice',), () for all, or None"
            )

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
        elif sender == self.name or not is_on(self.bridged, message.bridge):
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
