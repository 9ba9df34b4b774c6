"""Runners: which processes of theirs are on the channel, and with which workers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Protocol

from ...actors.reason import Normal, Reason
from ...actors.registry import Registration
from ..announcement import is_announceable
from ..carried_errors import node_down
from ..errors import NodeDown
from .guest import Guest
from .messages import Entry, Listing, Ready
from .outlet import Outlet, Runner

__all__ = ["MISSED", "Host", "Runners"]

MISSED = 3
"""Questions in a row that a runner may leave unanswered; then it is gone."""

MOST_RUNNERS = 1000
MOST_WORKERS = 10_000
"""Of these no more are known, whatever is said on the channel."""


class Host(Outlet, Protocol):
    """What is needed of the gateway."""

    def guest_lost(self, guest: Guest, /) -> None:
        """Take note that a worker of theirs is gone for good."""
        ...

    def may_welcome(self, name: str, /) -> bool:
        """Whether a worker of theirs may have the name."""
        ...

    def runner_lost(self, runner: Runner, /) -> None:
        """Take note that a process of theirs is gone."""
        ...


class Runners:
    """All runners that are known, their workers in this node's registry."""

    def __init__(self, host: Host, every: float) -> None:
        """Know nobody; a runner is asked for a sign of life after `every` seconds without one."""
        self._host = host
        self._every = every
        self._runners: dict[str, Runner] = {}
        self._guests: dict[str, Guest] = {}
        """By name: on this channel a name is one address, whoever else may have it."""
        self._lives: dict[str, int] = {}
        """The last incarnation of each name."""
        self._ended: dict[str, float] = {}
        """When those had started that were seen to end: their runner goes on listing them."""

    def __iter__(self) -> Iterator[Runner]:
        """Go over the runners."""
        return iter(list(self._runners.values()))

    def __len__(self) -> int:
        """Runners that are known."""
        return len(self._runners)

    @property
    def guests(self) -> list[Guest]:
        """The workers that are known."""
        return list(self._guests.values())

    def guest(self, name: str) -> Guest | None:
        """Return the worker of this name."""
        return self._guests.get(name)

    def entry(self, name: str) -> Entry | None:
        """Return what a runner has told of a worker, also of one that is nobody's guest."""
        runner = self.of(name)
        return runner.entries.get(name) if runner is not None else None

    def of(self, worker: str) -> Runner | None:
        """Return the runner that has a worker of this name."""
        guest = self._guests.get(worker)
        if guest is not None:
            return guest.runner
        return next((each for each in self._runners.values() if worker in each.entries), None)

    # -- what is heard ----

    def listed(self, listing: Listing) -> bool:
        """Take in what a runner tells of its workers; return whether the runner is new."""
        runner = self._runners.get(listing.runner)
        new = runner is None
        if runner is None:
            if not is_announceable(listing.runner) or len(self._runners) >= MOST_RUNNERS:
                return False
            runner = self._runners[listing.runner] = Runner(listing.runner, self._now)
            self._host.runtime.emit("node_up", runner.name)
        self.sign(runner)
        runner.entries = {each.name: each for each in listing.workers[:MOST_WORKERS]}
        for guest in self.guests:
            if guest.runner is runner and guest.name not in runner.entries:
                self._gone(guest, Normal())
        for entry in runner.entries.values():
            self._learn(runner, entry)
        return new

    def ready(self, message: Ready) -> None:
        """Take in that one worker of a runner has started."""
        runner = self._runners.get(message.runner)
        if runner is not None:
            entry = Entry(
                message.source, message.parent, message.active, message.bridged, message.started_at
            )
            self.sign(runner)
            runner.entries[entry.name] = entry
            self._learn(runner, entry)

    def sign(self, runner: Runner) -> None:
        """Take note that a runner lives; what has waited for that goes out."""
        runner.last = self._now
        if runner.confirmed:
            return
        runner.confirmed = True
        while runner.kept:
            self._host.send(runner.kept.popleft(), runner)

    def ending(self, name: str) -> None:
        """Take note that a worker of theirs is told to end."""
        guest = self._guests.get(name)
        if guest is not None:
            self._ended[name] = guest.started_at
            self._gone(guest, Normal())

    # -- time ----

    def disconnected(self) -> None:
        """Take note that nothing can be heard: what is sent now waits."""
        for runner in self._runners.values():
            runner.confirmed = False

    def reconnected(self) -> None:
        """Count the silence from now on."""
        for runner in self._runners.values():
            runner.last = self._now

    def silent(self) -> bool:
        """Declare down who has been silent for too long; return whether somebody is to be asked."""
        ask = False
        for runner in self:
            silence = self._now - runner.last
            if silence > (MISSED + 0.5) * self._every:
                self.down(runner, f"nothing was heard of it for {silence:.1f} s")
            elif silence > 0.9 * self._every or not runner.confirmed:
                ask = True
        return ask

    def down(self, runner: Runner, why: str) -> None:
        """Forget a runner: its workers are gone, and what is open with them ends."""
        if self._runners.pop(runner.name, None) is None:
            return
        self._host.runtime.emit("node_down", runner.name, text=why)
        for guest in self.guests:
            if guest.runner is runner:
                self._gone(guest, node_down(runner.name, why))
        self._end_with(runner, why)
        self._host.runner_lost(runner)

    def all_down(self, why: str) -> None:
        """Forget all."""
        for runner in self:
            self.down(runner, why)

    # -- inside ----

    @property
    def _now(self) -> float:
        loop: asyncio.AbstractEventLoop = self._host.runtime.loop
        return loop.time()

    def _learn(self, runner: Runner, entry: Entry) -> None:
        """Take in one worker: those that are nobody's child, and have started."""
        if entry.parent is not None or entry.started_at is None or not is_announceable(entry.name):
            return
        if self._ended.get(entry.name, -1.0) >= entry.started_at:
            return
        guest = self._guests.get(entry.name)
        if guest is None:
            if len(self._guests) < MOST_WORKERS and self._host.may_welcome(entry.name):
                self._welcome(runner, entry)
        elif guest.runner is runner:
            if guest.started_at < entry.started_at:
                guest.started(entry)
                self._lives[guest.name] = guest.incarnation
                self._ready(guest)
            else:
                self._host.crossing.listed(guest, active=entry.active)
        elif guest.started_at < entry.started_at:
            # A name is one address here: who has started last is who it is.
            self._gone(guest, node_down(guest.node, f"{runner.name!r} has started it anew"))
            self._end_with(guest.runner, f"{runner.name!r} has started it anew", guest.name)
            self._welcome(runner, entry)

    def _welcome(self, runner: Runner, entry: Entry) -> None:
        incarnation = self._lives.get(entry.name, 0) + 1
        if len(self._lives) > 10 * MOST_WORKERS:
            self._lives.clear()
            self._ended.clear()
        self._lives[entry.name] = incarnation
        guest = self._guests[entry.name] = Guest(self._host, runner, entry, incarnation)
        # One behind, so that who is known by another way as well goes first.
        since = int(guest.started_at * 1000) + 1
        registry = self._host.runtime.registry
        registry.learn(Registration(guest.ref, guest, runner.name, since=since))
        self._ready(guest)

    def _ready(self, guest: Guest) -> None:
        self._host.runtime.registry.ready(guest.name, guest.incarnation, guest.node)

    def _gone(self, guest: Guest, reason: Reason) -> None:
        if self._guests.get(guest.name) is guest:
            del self._guests[guest.name]
        self._host.runtime.registry.gone(guest.name, guest, reason)
        guest.close(reason)
        self._host.guest_lost(guest)

    def _end_with(self, runner: Runner, why: str, name: str | None = None) -> None:
        """End the jobs that are open with a runner, or with one worker of it."""
        host = self._host
        for asked in list(host.asked.values()):
            if asked.runner is runner and name in (None, asked.worker):
                asked.end(None, NodeDown(runner.name, why, asked.worker))
        if name is None:
            for served in list(host.served.values()):
                if served.requester in runner.entries:
                    served.withdraw(f"its caller's process {runner.name!r} is gone")
