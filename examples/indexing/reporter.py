"""The reporter: shows what goes on while it goes on, and at the end the result and its proof."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from callboard import Admin, LocalMessage, NoActor, Node, Worker, WorkerSnapshot, on
from callboard.examples.indexing.chaos import Enough
from callboard.examples.indexing.drawing import Row, Snapshot
from callboard.examples.indexing.facts import Entry
from callboard.examples.indexing.index import Index
from callboard.examples.indexing.keeper import Whole
from callboard.examples.indexing.news import (
    Complete,
    Found,
    Indexed,
    Progressed,
    Struck,
    Troubled,
    Witnessed,
)
from callboard.examples.indexing.plain import prove
from callboard.examples.indexing.progress import Progress
from callboard.examples.indexing.report import Result, counted, render, result_of

LOOK_EVERY = 0.1
"""Seconds between two looks at the tree."""

DONE_IN_TIME = frozenset({"walker", "witness", "chaos", "trouble"})
"""The workers that end when their work is done; the others are there to the end."""


class Unproven(Exception):
    """The index of the company is not the one that the plain loop has found."""


class Look(LocalMessage):
    """Look at the tree and show it."""


class Reporter(Worker):
    """Shows the progress, then the result; with its end, the company ends.

    It is never killed on purpose: whoever should survive its own death would have to be watched by
    another, and here is where that chain ends. Its failure is the failure of the whole company.
    """

    interruptible = True  # a stop need not wait for the next look
    directives = {Exception: "escalate"}

    def __init__(
        self,
        root: Path,
        headline: str,
        seed: int | None,
        stream: TextIO,
        on_result: Callable[[Result], object] | None = None,
        *,
        trouble: bool = False,
    ) -> None:
        super().__init__()
        self._trouble = trouble
        self._root = root
        self._headline = headline
        self._seed = seed
        self._stream = stream
        self._on_result = on_result
        self._progress = Progress(stream)
        self._done = 0
        self._total: int | None = None
        self._kills = 0
        self._troubles: list[str] = []
        self._started = 0.0
        self._seconds: float | None = None  # until all was in the index
        self._witnessed: Witnessed | None = None
        self._finished = False
        self.note = ""

    def on_start(self) -> None:
        self._started = self._now()
        self._progress.say(f"Indexing {self._root}")
        self._progress.say(f"with {self._headline}")
        self.tell(self.actor_ref, Look())

    def on_stop(self) -> None:
        if not self._finished:
            self._progress.finish(self._look(), self._now())
            self._progress.say("Stopped before the end.")

    # -- what the others tell ----

    @on(Found)
    def found(self, news: Found) -> None:
        self._total = news.total
        self._tell_trouble()

    @on(Indexed)
    def indexed(self, news: Indexed) -> None:
        self._done = news.done
        self._tell_trouble()

    @on(Struck)
    def struck(self, news: Struck) -> None:
        self._kills = news.kills

    @on(Troubled)
    def troubled(self, news: Troubled) -> None:
        self._troubles.append(f"{news.what} after {counted(news.done, 'file')}")
        self._progress.say(self._troubles[-1])

    @on(Complete)
    def complete(self, _: Complete) -> None:
        if self._seconds is None:
            self._seconds = self._now() - self._started
            if self._seed is not None:
                self.tell("chaos", Enough())

    @on(Witnessed)
    def witnessed(self, news: Witnessed) -> None:
        self._witnessed = news

    # -- looking ----

    @on(Look)
    async def look(self, _: Look) -> None:
        self._progress.update(self._look(), self._now())
        if self._seconds is not None and self._witnessed is not None and self._settled():
            await self._finish(self._seconds, self._witnessed)
            return
        await asyncio.sleep(LOOK_EVERY)
        self.tell(self.actor_ref, Look())

    async def _finish(self, seconds: float, witnessed: Witnessed) -> None:
        entries: list[Entry] = await self.ask("index", Whole())
        restarts = {worker.name: worker.restarts for worker in self._workers()}
        index = Index(entries)

        def conclude() -> Result:
            return result_of(
                index,
                prove(index, witnessed.index),
                root=str(self._root),
                seconds=seconds,
                plain_seconds=witnessed.seconds,
                restarts=restarts,
                kills=self._kills if self._seed is not None else None,
                seed=self._seed,
                troubles=tuple(self._troubles),
            )

        result = await asyncio.to_thread(conclude)
        self._finished = True
        self._progress.finish(self._look(), self._now())
        self._progress.say("")
        self._stream.write(render(result))
        self._stream.flush()
        if self._on_result is not None:
            self._on_result(result)
        if not result.proof.equal:
            raise Unproven(f"{len(result.proof.differing)} entries differ")
        self.stop()

    def _tell_trouble(self) -> None:
        if self._trouble and self._total is not None:
            self.tell("trouble", Progressed(self._done, self._total))

    def _settled(self) -> bool:
        """Says whether all that was killed has been repaired, and all that ends has ended."""
        return all(
            worker.state == ("stopped" if worker.name in DONE_IN_TIME else "running")
            for worker in self._workers()
        )

    def _look(self) -> Snapshot:
        workers = self._workers()
        restarts = sum(worker.restarts for worker in workers)
        return Snapshot(self._done, self._total, restarts, [self._row(each) for each in workers])

    def _workers(self) -> tuple[WorkerSnapshot, ...]:
        node = self.node
        assert isinstance(node, Node)
        return node.snapshot().workers

    def _row(self, worker: WorkerSnapshot) -> Row:
        note = worker.note or self._note_of(worker.name)
        restarts = counted(worker.restarts, "restart") if worker.restarts else ""
        return Row(worker.depth, worker.name, worker.state, f"{restarts:<12}{note}".rstrip())

    def _note_of(self, name: str) -> str:
        assert self.parent is not None, "a reporter has a supervisor"
        try:
            return str(Admin(self.parent).get_state(name).get("note", ""))
        except NoActor:
            return ""

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
