"""Replies are Pykka futures: got by threads, awaited by coroutines, mapped, joined and reduced."""

# Futures of values of any type: nothing is known of what the functions are given.
# pyright: reportUnknownLambdaType=false, reportUnknownArgumentType=false

from __future__ import annotations

import asyncio
import threading
import traceback
from collections.abc import Callable
from typing import Any

import pykka
import pytest

from callboard import Child, Node, Reply, Supervisor, Worker, WouldBlock, as_awaitable
from callboard.actors.testing import eventually

pytestmark = pytest.mark.check("M15")

KINDS: list[Callable[[], pykka.Future[Any]]] = [pykka.ThreadingFuture, Reply]


@pytest.fixture(params=KINDS, ids=["ThreadingFuture", "Reply"])
def make(request: pytest.FixtureRequest) -> Any:
    return request.param


# -- what holds for Pykka's and ours ----


def test_get_returns_the_value_as_often_as_it_is_called(make: Any) -> None:
    future = make()
    future.set({"the": "value"})
    assert future.get() == {"the": "value"}
    assert future.get(timeout=0) == {"the": "value"}


def test_get_blocks_until_another_thread_sets_it(make: Any) -> None:
    future = make()
    got: list[object] = []
    thread = threading.Thread(target=lambda: got.append(future.get(timeout=5)))
    thread.start()
    future.set(1)
    thread.join(timeout=5)
    assert got == [1]


def test_get_times_out_and_may_be_tried_again(make: Any) -> None:
    future = make()
    for _ in range(2):
        with pytest.raises(pykka.Timeout):
            future.get(timeout=0.01)
    future.set("late")
    assert future.get(timeout=0.01) == "late"


def test_an_outcome_is_set_once(make: Any) -> None:
    for first in ("set", "set_exception", "set_get_hook"):
        future = make()
        if first == "set":
            future.set(1)
        elif first == "set_exception":
            future.set_exception((ValueError, ValueError("boom"), None))
        else:
            future.set_get_hook(lambda timeout: 1)
        with pytest.raises(Exception):  # noqa: B017 - Pykka promises no more
            future.set(2)
        with pytest.raises(Exception):  # noqa: B017
            future.set_exception((ValueError, ValueError("again"), None))


def test_an_exception_is_raised_by_get_with_its_traceback(make: Any) -> None:
    def deep() -> None:
        raise ValueError("boom")

    future = make()
    try:
        deep()
    except ValueError:
        future.set_exception()
    with pytest.raises(ValueError, match="boom") as failure:
        future.get()
    assert "deep" in [frame.name for frame in traceback.extract_tb(failure.value.__traceback__)]


def test_a_hook_makes_the_value_once(make: Any) -> None:
    calls: list[float | None] = []
    future = make()
    future.set_get_hook(lambda timeout: calls.append(timeout))
    assert future.get(timeout=3) is None
    assert future.get(timeout=4) is None
    assert calls == [3]


def test_map_filter_and_reduce_make_futures_of_the_value(make: Any) -> None:
    future = make()
    mapped = future.map(lambda items: len(items))
    filtered = future.filter(lambda item: item > 1)
    reduced = future.reduce(lambda one, two: one + two)
    with_start = future.reduce(lambda one, two: one + two, 10)
    chained = filtered.map(sum).map(str)
    future.set([1, 2, 3])
    assert mapped.get(timeout=5) == 3
    assert filtered.get(timeout=5) == [2, 3]
    assert reduced.get(timeout=5) == 6
    assert with_start.get(timeout=5) == 16
    assert chained.get(timeout=5) == "5"


def test_what_a_function_cannot_do_is_raised_by_get(make: Any) -> None:
    future = make()
    future.set(1)
    with pytest.raises(TypeError):
        future.filter(bool).get(timeout=5)
    with pytest.raises(TypeError):
        future.reduce(max).get(timeout=5)
    with pytest.raises(ZeroDivisionError):
        future.map(lambda value: value / 0).get(timeout=5)


def test_a_timeout_is_passed_on_to_what_a_future_is_made_of(make: Any) -> None:
    future = make()
    for made in (future.map(str), future.filter(bool), future.reduce(max), future.join(make())):
        with pytest.raises(pykka.Timeout):
            made.get(timeout=0.01)


def test_join_and_get_all_take_futures_of_both_kinds() -> None:
    ours, theirs = Reply(), pykka.ThreadingFuture[int]()
    joined, turned = ours.join(theirs), theirs.join(ours)
    ours.set(1)
    theirs.set(2)
    assert joined.get(timeout=5) == [1, 2]
    assert turned.get(timeout=5) == [2, 1]
    assert pykka.get_all([ours, theirs], timeout=5) == [1, 2]


# -- what ours add: awaiting without blocking the loop ----


async def test_a_reply_is_awaited_by_several_and_as_often_as_they_like() -> None:
    reply = Reply()
    waiting = [asyncio.ensure_future(_value(reply)) for _ in range(3)]
    await asyncio.sleep(1)
    reply.set("value")
    assert await asyncio.gather(*waiting) == ["value"] * 3
    assert await reply == "value"


async def test_an_exception_is_raised_where_it_is_awaited() -> None:
    reply = Reply()
    waiting = asyncio.ensure_future(_value(reply))
    await asyncio.sleep(1)
    reply.settle(None, KeyError("boom"))
    for each in (waiting, _value(reply)):
        with pytest.raises(KeyError):
            await each


async def test_the_first_outcome_is_final() -> None:
    reply = Reply()
    assert reply.settle(1) is True
    assert reply.settle(2) is False
    assert reply.settle(None, ValueError()) is False
    assert await reply == 1


async def test_futures_made_of_replies_are_awaited_too() -> None:
    first, second = Reply(), Reply()
    made: list[Any] = [
        first.map(list),
        first.filter(bool),
        first.reduce(max),
        first.join(second),
        first.join(second).map(list).map(str),
    ]
    waiting = [asyncio.ensure_future(_value(each)) for each in made]
    await asyncio.sleep(1)
    assert not any(each.done() for each in waiting)
    first.set([0, 1])
    await asyncio.sleep(1)
    assert [each.done() for each in waiting] == [True, True, True, False, False]
    second.set("second")
    assert await asyncio.gather(*waiting) == [
        [0, 1],
        [1],
        1,
        [[0, 1], "second"],
        "[[0, 1], 'second']",
    ]


@pytest.mark.realtime
async def test_a_join_with_pykkas_own_future_does_not_block_the_loop() -> None:
    ours, theirs = Reply(), pykka.ThreadingFuture[int]()
    joined: Any = ours.join(theirs)
    waiting = asyncio.ensure_future(_value(joined))
    ours.set(1)
    await asyncio.sleep(0.01)  # the loop goes on: otherwise nobody sets the other one
    theirs.set(2)
    assert await waiting == [1, 2]


async def test_a_waiter_that_is_cancelled_takes_nothing_from_the_others() -> None:
    reply = Reply()
    one, two = (asyncio.ensure_future(_value(reply)) for _ in range(2))
    await asyncio.sleep(1)
    one.cancel()
    await asyncio.sleep(1)
    reply.set("value")
    assert await two == "value"
    assert one.cancelled()


@pytest.mark.realtime
async def test_a_reply_is_awaited_on_another_threads_loop() -> None:
    reply = Reply()
    got: list[Any] = []
    waiting = threading.Event()

    async def wait_there() -> None:
        asyncio.get_running_loop().call_soon(waiting.set)
        got.append(await reply)

    thread = threading.Thread(target=lambda: asyncio.run(wait_there()))
    thread.start()
    await asyncio.to_thread(waiting.wait, 5)
    reply.set("from here")
    await eventually(lambda: not thread.is_alive())
    assert got == ["from here"]


async def test_a_blocking_get_on_the_loop_is_refused_and_says_what_to_write() -> None:
    class Slow(Worker):
        async def on_receive(self, message: Any) -> Any:
            await asyncio.sleep(1)
            return message

    async with Node(Supervisor([Child("b", Slow)])) as node:
        asked = node.ask("b", "hello")
        with pytest.raises(WouldBlock, match="await reply"):
            asked.get()
        with pytest.raises(WouldBlock):
            asked.map(str).get()
        assert await asked == "hello"
        assert asked.get() == "hello", "an outcome that is there blocks nobody"


# -- Pykka's own futures, awaited ----


@pytest.mark.realtime
async def test_pykkas_future_is_awaited_without_blocking_the_loop() -> None:
    future = pykka.ThreadingFuture[str]()
    waiting = asyncio.ensure_future(as_awaitable(future))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    future.set("value")
    assert await waiting == "value"
    failing = pykka.ThreadingFuture[str]()
    failing.set_exception((KeyError, KeyError("boom"), None))
    with pytest.raises(KeyError):
        await as_awaitable(failing)


@pytest.mark.realtime
@pytest.mark.parametrize("kind", KINDS)
async def test_waiting_for_a_future_has_a_limit(kind: Any) -> None:
    with pytest.raises(pykka.Timeout):
        await as_awaitable(kind(), timeout=0.02)
    future = kind()
    future.set(1)
    assert await as_awaitable(future, timeout=5) == 1


@pytest.mark.realtime
@pytest.mark.parametrize("kind", KINDS)
async def test_a_timeout_that_is_the_outcome_is_raised_as_it_is(kind: Any) -> None:
    error = pykka.Timeout("of the actor")
    future = kind()
    future.set_exception((pykka.Timeout, error, None))
    with pytest.raises(pykka.Timeout) as failure:
        await as_awaitable(future)
    assert failure.value is error


@pytest.mark.realtime
async def test_who_waits_no_more_holds_no_thread() -> None:
    looked: list[float | None] = []

    class Watched(pykka.ThreadingFuture[str]):
        def get(self, *, timeout: float | None = None) -> Any:
            looked.append(timeout)
            return super().get(timeout=timeout)

    waiting = asyncio.ensure_future(as_awaitable(Watched()))
    await eventually(lambda: looked)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    # The pool's threads are joined when the loop ends: it would not end if one were held.
    await asyncio.wait_for(asyncio.get_running_loop().shutdown_default_executor(), 5)


async def _value(future: Any) -> Any:
    return await future
