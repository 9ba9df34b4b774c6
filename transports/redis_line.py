"""One connection to Redis that is read all the time, and whose silence is noticed.

Nothing waits for the answer to a command before the next one is sent: answers are counted. A line
that owes an answer, or is pinged because nothing came for a while, and then stays silent is lost:
that is how a cable that was pulled out shows, which ends no connection. A slow line is not silent:
each piece of an answer counts, and much that was sent may take its time.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections import deque
from collections.abc import Callable, Sequence
from typing import cast

from redis.exceptions import NoPermissionError, RedisError

from ..actors.errors import CallboardError
from .redis_address import RedisConnection, packed

__all__ = ["BYTES_A_ROUND", "ROUNDS", "Line", "RedisLost", "disconnect"]

ROUNDS = 4
"""In so many equal parts of the silence that is allowed, a line is looked at."""

BYTES_A_ROUND = 32_768
"""For so many bytes that were sent and not answered, a line has one round more: Redis answers a
command when it has all of it, and nobody can tell how much of it is still on the way."""

UNPAUSED = (3, 12) <= sys.version_info < (3, 12, 9) or (3, 13) <= sys.version_info < (3, 13, 2)
"""Whether `writelines` of this Python lets its buffer grow without end (CVE-2024-12254)."""


class RedisLost(CallboardError, ConnectionError):
    """Redis cannot be reached, has ended the connection, refuses what is needed, or is silent."""

    def __init__(self, shown: str, why: str) -> None:
        """Say which Redis, without its secrets, and why."""
        super().__init__(f"{shown}: {why}")
        self.shown = shown

    @classmethod
    def of(cls, shown: str, error: BaseException) -> RedisLost:
        """Return what stands for an error of the client library's."""
        if isinstance(error, cls):
            return error
        why = str(error) or type(error).__name__
        if isinstance(error, NoPermissionError):
            why += "; 'callboard redis acl node' prints what the user has to be allowed"
        lost = cls(shown, why)
        lost.__cause__ = error
        return lost


PING = packed("PING")


class Line:
    """A connection, its reader, and how many answers it owes."""

    __slots__ = (
        "_answered",
        "_closing",
        "_connection",
        "_expected",
        "_heard",
        "_large",
        "_quiet",
        "_reader",
        "_shown",
        "_take",
        "error",
        "owed",
    )

    def __init__(
        self, connection: RedisConnection, shown: str, take: Callable[[object], bool | None]
    ) -> None:
        """Prepare one; `take` is called with each answer: true, if that was much for one turn."""
        self._connection = connection
        self._shown = shown
        self._take = take
        self._reader: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None
        self._heard = False
        self._quiet = 0
        self._expected = 0
        self._large: deque[tuple[int, int]] = deque()
        """Of what was sent and is large: the number of its last answer, and its bytes."""
        self._answered: asyncio.Future[None] | None = None
        self.owed = 0
        """Answers that have not come yet."""
        self.error: RedisLost | None = None
        """Why nothing can be sent any more."""

    async def open(self, *commands: bytes) -> None:
        """Connect, and send commands of which each is answered once.

        Raises:
            RedisError, OSError: it cannot be reached, or refuses one of them.

        """
        connection = self._connection
        await connection.connect()
        self._watch()
        await connection.send_packed_command(b"".join(commands), check_health=False)
        for _ in commands:
            await connection.read_response(disable_decoding=True)

    def read(self, lost: Callable[[RedisLost], object]) -> None:
        """Begin to read; `lost` is called when that has ended, unless it was closed."""
        self._reader = asyncio.create_task(self._read(lost))

    async def send(self, command: bytes | Sequence[bytes], answers: int) -> None:
        """Send commands that are answered so many times; waits where Redis does not take them.

        Raises:
            RedisLost: the connection has gone.

        """
        if self.error is not None:
            raise self.error
        self.owed += answers
        self._expected += answers
        size = len(command) if isinstance(command, bytes) else sum(map(len, command))
        if size >= BYTES_A_ROUND:
            self._large.append((self._expected, size))
        try:
            await self._connection.send_packed_command(command, check_health=False)
            if UNPAUSED:
                await self._taken()
        except (RedisError, OSError) as error:
            raise self._lost(error) from error
        except asyncio.CancelledError:
            # Half a command may have gone out. Without this, the next one would connect anew.
            self._lost(ConnectionAbortedError("was given up while it took nothing"))
            raise

    def look(self) -> RedisLost | None:
        """Return why it is to be given up, if so; called `ROUNDS` times in the silence allowed.

        Rounds are counted and no time is measured: while the loop is blocked there are none.
        """
        large, answered = self._large, self._expected - self.owed
        while large and large[0][0] <= answered:
            large.popleft()
        if self.error is not None or self._heard:
            self._heard = False
            self._quiet = 0
            return self.error
        self._quiet += 1
        if self._quiet >= ROUNDS - 1 + sum(size for _, size in large) // BYTES_A_ROUND:
            return self._lost(TimeoutError("does not answer, and has not ended the connection"))
        return None

    @property
    def wants_ping(self) -> bool:
        """Whether nothing has come since the last round but one, and nothing has to come."""
        return self._quiet > 0 and not self.owed

    async def ping(self) -> None:
        """Have it owe an answer. It waits for nothing: where none was owed, all was taken."""
        await self.send(PING, 1)

    async def settled(self) -> None:
        """Wait until no answer is owed; forever, if none comes."""
        while self.owed and self.error is None:
            self._answered = asyncio.get_running_loop().create_future()
            await self._answered

    def close(self) -> asyncio.Task[None]:
        """Disconnect, in a task that ends within a second or so, also when nobody waits for it."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close())
        return self._closing

    async def _close(self) -> None:
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.wait([self._reader])
        await disconnect(self._connection)

    async def _read(self, lost: Callable[[RedisLost], object]) -> None:
        read, take = self._connection.read_response, self._take
        try:
            while True:
                answer = await read(disable_decoding=True)
                self._heard = True  # also where no piece could be watched
                if take(answer):
                    await asyncio.sleep(0)
        except Exception as error:
            lost(self._lost(error))

    def answer_came(self) -> None:
        """Count one answer: called by who takes them, and knows which they are."""
        self.owed -= 1
        if not self.owed and self._answered is not None:
            _done(self._answered)

    def _watch(self) -> None:
        """Hear each piece that comes in: a large answer comes in many, over seconds."""
        stream = cast("asyncio.StreamReader | None", getattr(self._connection, "_reader", None))
        if stream is None:
            return
        feed = stream.feed_data

        def hear(data: bytes) -> None:
            self._heard = True
            feed(data)

        vars(stream)["feed_data"] = hear

    async def _taken(self) -> None:
        """Wait where too much waits to be taken: to set the limits anew is to look at them."""
        writer = cast("asyncio.StreamWriter | None", getattr(self._connection, "_writer", None))
        if writer is not None:
            writer.transport.set_write_buffer_limits()
            await writer.drain()

    def _lost(self, error: BaseException) -> RedisLost:
        if self.error is None:
            self.error = RedisLost.of(self._shown, error)
        if self._answered is not None:
            _done(self._answered)
        return self.error


async def disconnect(connection: RedisConnection) -> None:
    """Disconnect; waits a second at most for what is on its way out."""
    with contextlib.suppress(RedisError, OSError):
        async with asyncio.timeout(1.0):
            await connection.disconnect()


def _done(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
