"""Node: an event loop's company. A root supervisor, a registry, and what runs around them."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import secrets as randomness
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from ..actors import lifecycle
from ..actors.cancelling import force_out
from ..actors.cell import Cell
from ..actors.errors import CallboardError, NotStarted, StartFailed
from ..actors.message import LocalMessage
from ..actors.reason import Failed, Reason, Shutdown
from ..actors.ref import CURRENT, WorkerRef
from ..actors.runtime import Runtime
from ..actors.worker import Worker
from ..transports.codec import Codec
from ..transports.liveness import BEAT, DOWN_AFTER
from ..transports.transport import Transport
from .broadcast import DrainAsked, spread
from .drain import finish_work
from .family import family_of
from .front import Front
from .incarnations import next_incarnation
from .network import Network
from .seen import Seen
from .signals import Signals
from .snapshot import walk
from .tree import Tree, supervisor_of
from .watchdog import Watchdog

__all__ = ["Node"]

DRAIN_WITHIN = 30.0
STOP_WITHIN = 30.0
"""Seconds that a whole node may take to stop, after which everything is killed."""


class Node(Front, Seen):
    """Hosts a tree: `async with Node(Tree) as node:`, or `await node.run()` until it has ended.

    A node lives on the event loop on which it is started, once. What it offers from outside its
    workers (`tell`, `ask`, `request`, `job` …) is what a worker has.
    """

    def __init__(
        self,
        tree: Tree,
        *,
        name: str | None = None,
        transports: Sequence[Transport] = (),
        codec: Codec | None = None,
        secrets: Mapping[str, str | bytes] | None = None,
        beat: float = BEAT,
        down_after: float = DOWN_AFTER,
        watchdog: bool = True,
        handle_signals: bool = True,
        drain_within: float = DRAIN_WITHIN,
        stop_within: float = STOP_WITHIN,
    ) -> None:
        """Prepare a node; nothing runs before it is entered.

        `name` is unique in a fleet; without one it is `node-` and 8 hex digits. Times in seconds.
        The transports join it to other nodes: it sends a heartbeat each `beat`, and one that is
        silent for `down_after` is down. `codec` turns messages into bytes (JSON without one).
        `secrets` (id and secret) sign what is sent, the first of them, and all are accepted.
        """
        self._make_root = supervisor_of(tree)
        self.name = name or f"node-{randomness.token_hex(4)}"
        self.incarnation = next_incarnation(self.name)
        self._watchdog_wanted = watchdog
        self._handle_signals = handle_signals
        self._make_network = functools.partial(
            Network,
            transports=tuple(transports),
            codec=codec,
            beat=beat,
            down_after=down_after,
            secrets=secrets,
        )
        self._joined = bool(transports)
        self._drain_within = drain_within
        self._stop_within = stop_within
        self._watchdog: Watchdog | None = None
        self._ended: asyncio.Future[Reason] | None = None
        self._stopping: asyncio.Task[None] | None = None
        self._interruption: BaseException | None = None
        self._told = False
        """Whether somebody has told it to end."""
        self._killed = False
        self._kill_timer: asyncio.TimerHandle | None = None
        self._hurry: asyncio.Event | None = None
        self.drained: bool | None = None
        """Whether a drain finished all work in time; None where there was none, or not yet."""

    def __repr__(self) -> str:
        """Show name and state."""
        return f"<Node {self.name} {self.state}>"

    # -- life ----

    async def __aenter__(self) -> Self:
        """Start the tree; when the block begins, every `on_start` has ended."""
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the tree in reverse order.

        Raises:
            KeyboardInterrupt, SystemExit: a worker raised it, and the block did not raise.

        """
        await self.stop("the node was left")
        if self._interruption is not None and error is None:
            raise self._interruption

    async def start(self) -> None:
        """Start the tree, each child in order.

        Raises:
            StartFailed: a child did not start; all that had started was stopped.
            SpecError: the tree is declared wrongly; nothing was built.

        """
        if self.state != "new":
            raise NotStarted(f"the node {self.name!r} is {self.state}: a node is started once")
        loop = asyncio.get_running_loop()
        runtime = self._runtime = Runtime(loop, self.name, self.incarnation)
        runtime.node = self
        runtime.family = family_of
        runtime.interrupt = self._interrupt
        self._ended = loop.create_future()
        self._hurry = asyncio.Event()
        self.state = "starting"
        if self._watchdog_wanted and not hasattr(loop, "hold"):
            self._watchdog = Watchdog(runtime)
            self._watchdog.start()
        front = Cell(runtime, self.name, Worker, public=False)
        root = self._root = Cell(runtime, "root", self._make_root, owner=self)
        runtime.registry.declare(root.ref, root)
        try:
            await lifecycle.start(front)
            self._front = front
            if self._joined:
                self._network = self._make_network(runtime)
                await self._network.start()
            await lifecycle.start(root)
        except BaseException as error:
            await self._end(Failed(error))
            if self._interruption is not None:
                raise self._interruption from error
            if isinstance(error, StartFailed) and isinstance(error.__cause__, CallboardError):
                raise error.__cause__ from error.__cause__.__cause__
            raise
        self.state = "running"
        runtime.emit("node_ready", self.name, self.incarnation)

    async def run(self) -> None:
        """Run until the tree has ended or the node is told to stop, also by a signal.

        Raises:
            Exceeded: the root supervisor spent its restart budget; the last failure is chained.
            KeyboardInterrupt, SystemExit: a worker raised it; the tree was stopped in order.
            StartFailed, SpecError: it did not start.

        """
        with Signals(self, enabled=self._handle_signals):
            try:
                if self.state == "new":
                    await self.start()
                assert self._ended is not None, "a started node has an end to wait for"
                reason = await asyncio.shield(self._ended)
            except asyncio.CancelledError:
                await self.stop("run() was cancelled")
                raise
            except CallboardError as error:
                if not self._told:
                    raise
                reason = Shutdown(str(error))  # told to stop while it started
        if self._interruption is not None:
            raise self._interruption
        if isinstance(reason, Failed):
            raise reason.cause

    async def stop(self, reason: str = "told to stop", *, within: float | None = None) -> None:
        """Stop everything in reverse order; return when all has ended.

        What is not done `within` seconds is killed. A stop cuts a drain short; asked again, or
        from inside a worker while one is under way, it is the same stop.
        """
        if self.state == "new":
            self.state = "stopped"
        if self._runtime is None or self.state == "stopped":
            return
        self._told = True
        self._kill_within(self._stop_within if within is None else within)
        if self._hurry is not None:
            self._hurry.set()
        await self._end(Shutdown(reason))

    async def drain(
        self, reason: str = "drained", *, within: float | None = None, everywhere: bool = False
    ) -> None:
        """Take no new work, finish what was taken, then stop.

        What is not done `within` seconds is stopped as by a plain stop. From inside a worker the
        drain goes on after this returns, since it waits for that worker too.

        `everywhere`: all other nodes that are known drain too, each for as long as it is set to;
        those behind a proxy do not. For one that cannot be told it is a dead letter.
        """
        if self._runtime is None or self.state == "stopped":
            return
        self._told = True
        if everywhere and self._network is not None:
            self._network.router.broadcast(DrainAsked(reason), CURRENT.get())
        await self._end(Shutdown(reason), self._drain_within if within is None else within)

    def kill(self) -> None:
        """End everything now, without stop hooks; nothing is waited for, `run` returns after it."""
        if self._runtime is None or self._hurry is None or self.state == "stopped":
            return
        self._told = self._killed = True
        self._hurry.set()
        self._begin_end(Shutdown("the node was killed"), None)
        self._kill_within(0)

    async def _end(self, reason: Reason, drain: float | None = None) -> None:
        """End everything, drained for so many seconds first; asked again, it is the same end."""
        stopping = self._begin_end(reason, drain)
        # The end waits for the worker that asks for it, which so cannot wait for the end.
        if not self._asked_from_inside():
            await asyncio.shield(stopping)

    def _begin_end(self, reason: Reason, drain: float | None) -> asyncio.Task[None]:
        if self._stopping is None:
            self.state = "draining" if drain is not None else "stopping"
            # In a context of its own: a worker that asks for it is not the source of what it does.
            self._stopping = self.runtime.loop.create_task(
                self._end_all(reason, drain), context=contextvars.Context()
            )
        return self._stopping

    async def _end_all(self, reason: Reason, drain: float | None) -> None:
        root = self._root
        assert root is not None and self._hurry is not None
        if drain is not None:
            self.runtime.draining = True
            if self._network is not None:
                self._network.drain()
            self.drained = await finish_work(
                self.runtime, lambda: [cell for _, cell, _ in walk(root)], drain, self._hurry
            )
            self.state = "stopping"
        if self._kill_timer is None:
            self._kill_within(self._stop_within)
        final = await lifecycle.stop(root, reason, None)
        if self._kill_timer is not None:
            self._kill_timer.cancel()
        if self._network is not None:
            await self._network.stop(final, farewell=not self._killed)
        await self._close(final)

    def _kill_within(self, seconds: float) -> None:
        """Have everything killed then, or earlier where that was said already."""
        loop, root, timer = self.runtime.loop, self._root, self._kill_timer
        due = loop.time() + seconds
        if root is None or root.closed or (timer is not None and timer.when() <= due):
            return
        if timer is not None:
            timer.cancel()
        self._kill_timer = loop.call_at(due, lifecycle.kill, root, "the node was killed")

    async def _close(self, reason: Reason) -> None:
        runtime, root = self._runtime, self._root
        assert runtime is not None and root is not None
        root.close(reason)
        if self._asked is not None:
            self._asked.leave(f"the node {self.name!r} ended")
        if self._front is not None:
            await lifecycle.stop(self._front, reason, None)
            self._front.close(reason)
        if self._watchdog is not None:
            self._watchdog.stop()
        self.state = "stopped"
        runtime.emit("node_stopped", self.name, self.incarnation, reason)
        await runtime.close()
        mine = asyncio.current_task()
        force_out(task for task in {*runtime.tasks, *runtime.scheduler.tasks} if task is not mine)
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(reason)

    def _asked_from_inside(self) -> bool:
        """Whether one of this node's own workers asks: the end waits for it, so it cannot wait."""
        source = CURRENT.get()
        return source is not None and getattr(source.target, "runtime", None) is self._runtime

    def ended(self, cell: Cell, reason: Reason, directive: Any) -> None:
        """Take note that the root ended by itself; see `cell.Owner`."""
        self._begin_end(reason, None)

    def _interrupt(self, error: BaseException) -> None:
        """Stop in order because a worker raised KeyboardInterrupt or SystemExit."""
        self._told = True
        if self._interruption is None:
            self._interruption = error
        text = f"{type(error).__name__} in a worker"
        runtime = self.runtime
        runtime.emit("interrupted", self.name, self.incarnation, text=text)
        runtime.call_from_thread(lambda: runtime.spawn(self.stop(text)))

    # -- others ----

    async def attach(self, transport: Transport) -> WorkerRef:
        """Join a running node to others by one more transport; return the ref of its worker.

        Stopping that worker for good (`node.admin("transports").terminate_child(ref.name)`) ends
        it: the nodes behind it hear a goodbye. The network's settings are those that the node was
        made with.

        Raises:
            NotStarted: the node was not started, or is ending.

        """
        if self.state not in ("starting", "running"):
            raise NotStarted(f"the node {self.name!r} is {self.state}: a running one is joined")
        if self._network is None:
            self._network = self._make_network(self.runtime)
            await self._network.start()
        return await self._network.attach(transport)

    def broadcast(self, message: Any) -> int:
        """Send the message to each running worker that handles its type; return how many here.

        The other nodes get it too, unless it is a `LocalMessage`. For a worker whose mailbox is
        full it is a dead letter.

        Raises:
            NotCarried: there are other nodes, and the message cannot cross.

        """
        if self._network is not None and not isinstance(message, LocalMessage):
            self._network.router.broadcast(message, CURRENT.get())
        return self.broadcast_here(message)

    def broadcast_here(self, message: Any) -> int:
        """Send the message to the workers of this node only; return how many got it."""
        assert self._root is not None
        if isinstance(message, DrainAsked):
            self._told = True
            self._begin_end(Shutdown(message.reason), self._drain_within)
            return 0
        return spread(self._root, message)
