"""What a supervisor does when a child has ended: restart it, and who goes with it, or give up.

Who goes with it is decided in `strategy.py`, when and how often in `restarts.py`.
"""

from __future__ import annotations

import random

from ..actors import lifecycle
from ..actors.cancelling import strip
from ..actors.cell import Cell, Directive
from ..actors.errors import Exceeded, NameTaken, StartDeclined, StartFailed
from ..actors.reason import Failed, Reason, Shutdown, note_context
from .children import Children
from .record import ChildRecord, RestartDue
from .restarts import Backoff, RestartBudget, Restarts
from .strategy import AutoShutdown, Strategy, affected, calls_for_restart

__all__ = ["Repair"]


class Repair:
    """Repairs the failures of one supervisor's children, one at a time."""

    def __init__(
        self,
        supervisor: Cell,
        children: Children,
        strategy: Strategy,
        policy: Restarts,
        auto_shutdown: AutoShutdown,
    ) -> None:
        """Begin with the whole budget."""
        self._supervisor = supervisor
        self._children = children
        self._strategy: Strategy = strategy
        self._policy = policy
        self._auto_shutdown = auto_shutdown
        self._budget = RestartBudget(policy)
        self._random = random.Random()

    async def child_ended(
        self, record: ChildRecord, reason: Reason, directive: Directive | None
    ) -> None:
        """Do what the end of this child calls for."""
        record.ended_for = reason
        record.crash = reason.error
        if directive == "escalate":
            record.cell.close(reason)
            lifecycle.end(self._supervisor, reason)
        elif calls_for_restart(record.spec.restart, reason, directive):
            await self._restart(record, reason)
        else:
            self._children.leave_stopped(record, reason)
            self._end_with_significant(record)

    async def start_group(self, record: ChildRecord) -> None:
        """Start a record whose wait is over, and those that wait with it, in order."""
        members = [record]
        if self._strategy != "one_for_one":
            records = self._children.records.values()
            members = [each for each in records if each.waiting or each is record]
        for each in members:
            each.cancel_timer()
            each.pending = True
        started: list[ChildRecord] = []
        for each in members:
            try:
                if each.cell.closed:
                    self._children.reopen(each)
                await lifecycle.start(each.cell, each.spec.start_budget)
            except StartDeclined as declined:
                self._children.leave_stopped(each, Shutdown(f"it declined to start: {declined}"))
            except (StartFailed, NameTaken) as error:
                await self._failed_again(each, error, started)
                return
            else:
                each.pending = False
                each.restarts += 1
                started.append(each)

    def drop_out(self, record: ChildRecord) -> None:
        """Take a child out of a restart that is due; those that wait for it start all the same."""
        due = record.due
        record.cancel_timer()
        if due is None:
            return
        heir = next((each for each in self._children.records.values() if each.pending), None)
        if heir is not None and heir.timer is None:
            self._start_at(heir, due)

    async def _restart(self, record: ChildRecord, reason: Reason) -> None:
        """Plan the restart of a child that ended, and of those that go with it."""
        if not self._spend(record, reason):
            return
        group = self._group(record)
        for each in group:
            each.cancel_timer()
        lifecycle.rest(record.cell)
        await self._stop_group([each for each in group if each is not record])
        await self._wait_or_start(record, reason)

    def _spend(self, record: ChildRecord, reason: Reason) -> bool:
        """Count a restart against the budget; end the supervisor if it is one too many."""
        cell = record.cell
        now = cell.runtime.loop.time()
        if record.attempt and cell.ran_for(now) >= self._backoff(record).reset_after:
            record.attempt = 0
        record.attempt += 1
        if cell.repeated or self._budget.spend(now):
            return True
        policy = self._policy
        path = self._supervisor.path
        exceeded = Exceeded(path, record.spec.name, policy.intensity or 0, policy.period)
        exceeded.__cause__ = reason.error
        cell.close(reason)
        lifecycle.end(self._supervisor, Failed(exceeded))
        return False

    def _group(self, record: ChildRecord) -> list[ChildRecord]:
        """Return the records that restart with this one, itself included, in start order.

        A child that was stopped on purpose stays stopped.
        """
        if self._strategy == "one_for_one":
            return [record]
        records = self._children.records
        names = affected(self._strategy, list(records), record.spec.name)
        return [records[name] for name in names if not records[name].deliberate]

    async def _stop_group(self, records: list[ChildRecord]) -> None:
        """Stop the running members of a group, the last first, to be started with it.

        A finished one runs again unless its spec says not to. One that has ended by itself, just
        now, is a member too: its end is not another failure.
        """
        asked = Shutdown("its group is restarted")
        for record in reversed(records):
            if record.alive:
                record.ended_for = await lifecycle.stop(record.cell, asked, record.stop_budget)
            spec, reason = record.spec, record.ended_for or asked
            done = spec.restart == "transient" and not reason.abnormal and reason != asked
            finished = record.cell.closed or done
            if spec.restart == "temporary" or (finished and not spec.rerun):
                self._children.leave_stopped(record, reason)
                continue
            if not record.cell.closed:
                lifecycle.rest(record.cell)
            record.pending = True

    async def _wait_or_start(
        self, record: ChildRecord, reason: Reason, *, again: bool = False
    ) -> None:
        """Start the group of this record, now or after its delay; `again` never from in here."""
        delay = self._backoff(record).delay(record.attempt, self._random.random())
        cell = record.cell
        cell.emit("waiting", reason, text=f"restart {record.attempt} in {delay:.3g} s")
        if delay == 0 and not again:
            await self.start_group(record)
        else:
            self._start_at(record, cell.runtime.loop.time() + delay)

    def _start_at(self, record: ChildRecord, due: float) -> None:
        """Have the supervisor told when the wait of this record and its group is over."""
        told = RestartDue(record, record.cell.incarnation)
        record.due = due
        record.timer = record.cell.runtime.loop.call_at(due, self._supervisor.ref.tell, told)

    async def _failed_again(
        self, record: ChildRecord, error: Exception, started: list[ChildRecord]
    ) -> None:
        """Take a failed restart as another failure: it counts, and both causes are kept."""
        cause = error.__cause__ or error
        # The failure that began it, not the last attempt: a chain of all of them has no end.
        note_context(cause, record.crash)
        reason = Failed(cause)
        record.ended_for = reason
        record.cell.emit("failed", reason)
        strip(cause, None)  # or it keeps what failed alive
        if not self._spend(record, reason):
            return
        lifecycle.rest(record.cell)
        if self._strategy == "one_for_all":
            await self._stop_group(started)
        await self._wait_or_start(record, reason, again=True)

    def _end_with_significant(self, record: ChildRecord) -> None:
        """End the supervisor if the end of this significant child says so."""
        if not record.spec.significant or self._auto_shutdown == "never":
            return
        if self._auto_shutdown == "all_significant" and any(
            each.spec.significant and (each.cell.actor is not None or each.waiting)
            for each in self._children.records.values()
        ):
            return
        ended = Shutdown(f"its significant child {record.spec.name!r} ended")
        lifecycle.end(self._supervisor, ended)

    def _backoff(self, record: ChildRecord) -> Backoff:
        return record.spec.backoff or self._policy.backoff
