"""The walker: finds the files, hands them to the parsers, and brings the answers to the index."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from callboard import JobError, LocalMessage, ReplyError, Stopped, Worker, on
from callboard.examples.indexing.facts import Entry, FileProblem
from callboard.examples.indexing.files import find_files
from callboard.examples.indexing.keeper import Add, Known
from callboard.examples.indexing.news import Complete, Found
from callboard.examples.indexing.parser import Parse

AHEAD = 2
"""Files on their way for each parser: one is parsed, one waits so that the thread never does."""

TRIES = 20
"""How often a file is parsed anew because its parser died, before it is the file's own fault."""

BATCH = 100
"""Files that are looked up on the disk in one go."""


class Walk(LocalMessage):
    """Go through the whole tree of files."""


class Walker(Worker):
    """Finds the files and follows each one until the index has confirmed it.

    What is on its way is limited: the search waits for the parsers, the parsers for the index. A
    dead parser or keeper is seen here as a request that failed, and it is made again: of the next
    parser, or of the keeper's successor. Whether they are on this node is nowhere to be seen.
    A dead walker forgets everything; its successor asks the index what is done and goes on.
    """

    interruptible = True  # a stop need not wait for the whole walk

    def __init__(self, root: Path, skip: frozenset[str], parsers: Sequence[str]) -> None:
        super().__init__()
        self._root = root
        self._skip = skip
        self._parsers = parsers
        self.note = ""

    def on_start(self) -> None:
        self.tell(self.actor_ref, Walk())

    @on(Walk)
    async def walk(self, _: Walk) -> None:
        known: frozenset[str] = await self._ask_index(Known())
        found = await self._search()
        self.tell("reporter", Found(len(found)))
        lanes = [parser for parser in self._parsers for _ in range(AHEAD)]
        waiting: asyncio.Queue[str | FileProblem | None] = asyncio.Queue(len(lanes))
        async with asyncio.TaskGroup() as group:
            for parser in lanes:
                group.create_task(self._lane(parser, waiting))
            for item in found:
                if (item.path if isinstance(item, FileProblem) else item) not in known:
                    await waiting.put(item)
            for _lane in lanes:
                await waiting.put(None)
        self.tell("reporter", Complete())
        self.stop()

    async def _search(self) -> list[str | FileProblem]:
        """Looks for all the files, in a thread: the disk may be slow."""
        search = find_files(self._root, self._skip)
        found: list[str | FileProblem] = []
        while batch := await asyncio.to_thread(lambda: list(islice(search, BATCH))):
            found += batch
            self.note = f"{len(found):,} files found"
        return found

    async def _lane(self, parser: str, waiting: asyncio.Queue[str | FileProblem | None]) -> None:
        """Brings one item after the other into the index, by this parser."""
        while (item := await waiting.get()) is not None:
            entry = item if isinstance(item, FileProblem) else await self._parse(parser, item)
            await self._ask_index(Add(entry))

    async def _parse(self, parser: str, path: str) -> Entry:
        for number in range(TRIES - 1):
            try:
                return await self.request(self._after(parser, number), Parse(path))
            except JobError:
                continue  # it died over the job, or its node did; the next one may be elsewhere
        return await self.request(parser, Parse(path))

    def _after(self, parser: str, number: int) -> str:
        """Gives the parser that stands so many places after this one; after the last, the first."""
        first = self._parsers.index(parser)
        return self._parsers[(first + number) % len(self._parsers)]

    async def _ask_index(self, message: LocalMessage) -> Any:
        """Asks until there is an answer: one that died may have taken the message along."""
        while True:
            try:
                return await self.ask("index", message)
            except (ReplyError, Stopped):
                continue
