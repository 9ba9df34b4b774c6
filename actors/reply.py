"""The waiting side of an ask: a Pykka future that can also be awaited."""

from __future__ import annotations

import asyncio
import functools
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from threading import get_ident
from types import TracebackType
from typing import Any, TypeVar, cast

import pykka

from .delivery import Post
from .errors import WouldBlock

__all__ = ["Reply", "as_awaitable"]

T = TypeVar("T")
J = TypeVar("J")
R = TypeVar("R")

LOOK_UP = 0.1
"""Seconds that a thread blocks for a future of Pykka's before it looks whether to go on."""

ExceptionInfo = tuple[type[BaseException] | None, BaseException | None, TracebackType | None]


class Reply(pykka.Future[Any]):
    """The answer to one ask, now or later.

    `await reply` suspends a coroutine on any event loop; `reply.get(timeout=…)` blocks a thread,
    and raises `WouldBlock` on a thread that runs an event loop. The first outcome is final.
    """

    # Defaults on the class: one reply is made for every ask, and most need none of these.
    _get_hook: Callable[[float | None], Any] | None = None
    _done: bool = False
    _value: Any = None
    _error: BaseException | None = None
    _event: threading.Event | None = None
    _waiter: asyncio.Future[None] | None = None
    _thread: int = 0
    """The thread of the waiter's loop."""
    _more: list[tuple[asyncio.Future[None], int]] | None = None
    """Those who wait besides the first one."""
    _timer: asyncio.TimerHandle | None = None
    _sources: tuple[pykka.Future[Any], ...] = ()
    _forward: pykka.Future[Any] | None = None

    def __init__(self, post: Post | None = None) -> None:
        """Make a reply without an outcome; `post` is the node of the worker that is asked."""
        self._post = post

    def __repr__(self) -> str:
        """Show whether there is an outcome."""
        return f"<Reply {'done' if self._done else 'waiting'}>"

    @property
    def done(self) -> bool:
        """Whether there is an outcome."""
        return self._done

    def settle(self, value: object, error: BaseException | None = None) -> bool:
        """Set the outcome, unless there is one already; return whether it was taken."""
        if self._done:
            if self._post is not None:
                self._post.late()
            return False
        self._value = value
        self._error = error
        self._done = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        # A thread in get() makes its event first and looks at _done after: no order loses it.
        if self._event is not None:
            self._event.set()
        waiter = self._waiter
        if waiter is not None:
            self._wake(waiter, self._thread)
            if self._more is not None:
                for each, thread in self._more:
                    self._wake(each, thread)
        if self._forward is not None:
            if error is None:
                self._forward.set(value)
            else:
                self._forward.set_exception((type(error), error, error.__traceback__))
        return True

    def expire_at(self, timer: asyncio.TimerHandle) -> None:
        """Keep the timer of the ask's timeout; an outcome cancels it."""
        if self._done:
            timer.cancel()
        else:
            self._timer = timer

    def set(self, value: Any = None) -> None:
        """Set the value, as in Pykka.

        Raises:
            RuntimeError: there is an outcome already.

        """
        if self._done or self._get_hook is not None:
            raise RuntimeError("the reply has an outcome already: it is set once")
        self.settle(value)

    def set_exception(self, exc_info: ExceptionInfo | None = None) -> None:
        """Set the exception, that of `sys.exc_info()` unless one is given, as in Pykka.

        Raises:
            RuntimeError: there is an outcome already, or no exception.

        """
        error = (exc_info or sys.exc_info())[1]
        if error is None:
            raise RuntimeError("no exception to set: call it from an except block")
        if self._done or self._get_hook is not None:
            raise RuntimeError("the reply has an outcome already: it is set once")
        self.settle(None, error)

    def set_get_hook(self, func: Callable[[float | None], Any]) -> None:
        """Have `func` make the value when it is asked for, as in Pykka."""
        if self._done:
            raise RuntimeError("the reply has an outcome already: a hook comes too late")
        self._get_hook = func

    def get(self, *, timeout: float | None = None) -> Any:
        """Return the value or raise the error, blocking this thread until there is one.

        `timeout` is in seconds; without it there is no limit.

        Raises:
            pykka.Timeout: there was no outcome in time.
            WouldBlock: this thread runs an event loop: write `await reply`.

        """
        if self._get_hook is not None and not self._done:
            value = self._get_hook(timeout)
            self._value, self._done = value, True  # as in Pykka it is made once
        if not self._done:
            if asyncio._get_running_loop() is not None:  # pyright: ignore[reportPrivateUsage]
                raise WouldBlock(
                    "a blocking get() on the event loop's thread would wait for itself: "
                    "write 'await reply'"
                )
            if self._event is None:
                self._event = threading.Event()
            if not self._done and not self._event.wait(timeout) and not self._done:
                raise pykka.Timeout(f"no answer within {timeout} seconds")
        return self._outcome()

    def __await__(self) -> Generator[Any, None, Any]:
        """Suspend until there is an outcome; return the value or raise the error."""
        if self._get_hook is not None:
            yield from self._wait()
            return self.get()
        if not self._done:
            yield from self._new_waiter()
        if self._error is not None:
            raise self._error
        return self._value

    __iter__ = __await__

    def map(self, func: Callable[[Any], T]) -> pykka.Future[T]:
        """Return a future of `func(value)`, as in Pykka; it can be awaited too."""
        return self.derive(lambda timeout: func(self.get(timeout=timeout)))

    def filter(self, func: Callable[[J], bool]) -> pykka.Future[Iterable[J]]:
        """Return a future of the items for which `func` is true, as in Pykka."""
        return self.derive(lambda timeout: [x for x in self.get(timeout=timeout) if func(x)])

    def join(self, *futures: pykka.Future[Any]) -> pykka.Future[Iterable[Any]]:
        """Return a future of a list of the values of all futures, as in Pykka."""
        everything: tuple[pykka.Future[Any], ...] = (self, *futures)
        return self.derive(
            lambda timeout: [future.get(timeout=timeout) for future in everything], everything
        )

    def reduce(self, func: Callable[[R, J], R], *args: R) -> pykka.Future[R]:
        """Return a future of the items reduced to one value, as in Pykka."""
        return self.derive(lambda timeout: functools.reduce(func, self.get(timeout=timeout), *args))

    def derive(
        self, hook: Callable[[float | None], Any], sources: tuple[pykka.Future[Any], ...] = ()
    ) -> Reply:
        """Return a reply whose value `hook` makes once this one (or `sources`) has its outcome."""
        reply = Reply()
        reply.set_get_hook(hook)
        reply._sources = sources or (self,)
        return reply

    def forward(self, future: pykka.Future[Any]) -> None:
        """Give the outcome, when it comes, to a future of Pykka's own kind as well."""
        self._forward = future

    def _wait(self) -> Generator[Any, None, None]:
        """Suspend until there is an outcome, or all that it is made from has one."""
        if self._done:
            return
        if self._get_hook is None:
            yield from self._new_waiter()
            return
        for source in self._sources:
            if isinstance(source, Reply):
                yield from source._wait()
            else:
                with suppress(Exception):  # the hook meets it again, and may raise it
                    yield from as_awaitable(source).__await__()

    def _new_waiter(self) -> asyncio.Future[None]:
        """Return a future of the running loop that is done once there is an outcome."""
        thread = get_ident()
        post = self._post
        here = post is not None and thread == post.thread
        loop = post.loop if here and post is not None else asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()
        if self._waiter is None:
            self._waiter, self._thread = waiter, thread
        elif self._more is None:
            self._more = [(waiter, thread)]
        else:
            self._more.append((waiter, thread))
        if self._done:  # settled by another thread in between
            self._wake(waiter, thread)
        return waiter

    def _outcome(self) -> Any:
        if self._error is not None:
            raise self._error
        return self._value

    @staticmethod
    def _wake(waiter: asyncio.Future[None], thread: int) -> None:
        if thread == get_ident():
            if not waiter.done():
                waiter.set_result(None)
        else:
            loop = waiter.get_loop()
            with suppress(RuntimeError):  # that loop has ended, and the waiter with it
                loop.call_soon_threadsafe(_finish, waiter)


def _finish(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


async def as_awaitable(future: pykka.Future[T], timeout: float | None = None) -> T:
    """Await a future of Pykka's own without blocking the event loop.

    Its blocking `get()` runs in the loop's thread pool, and holds a thread of it until there is an
    outcome or nobody waits any more. A `Reply` is awaited as it is.

    Raises:
        pykka.Timeout: there was no outcome within `timeout` seconds.

    """
    if isinstance(future, Reply):
        limit = asyncio.timeout(timeout)
        try:
            async with limit:
                return cast("T", await future)
        except TimeoutError:
            if limit.expired():
                raise pykka.Timeout(f"no answer within {timeout} seconds") from None
            raise
    left = threading.Event()
    try:
        return await asyncio.to_thread(_get, future, timeout, left)
    finally:
        left.set()


def _get(future: pykka.Future[T], timeout: float | None, left: threading.Event) -> T:
    """Block this thread for the future, looking up now and then whether anybody still waits."""
    end = time.monotonic() + timeout if timeout is not None else None
    while True:
        begun = time.monotonic()
        part = LOOK_UP if end is None else max(0.0, min(LOOK_UP, end - begun))
        try:
            return future.get(timeout=part)
        except pykka.Timeout:
            now = time.monotonic()
            answered = now - begun < part  # the timeout is not ours: it is the outcome
            if answered or left.is_set() or (end is not None and now >= end):
                raise
