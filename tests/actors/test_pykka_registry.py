"""Pykka's registry holds our actors that were started bare, from their start to their end."""

# The base class is a parameter of each test: nothing is known of what it has.
# pyright: reportUnknownMemberType=false, reportUnknownLambdaType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pykka
import pytest

from callboard import Child, Node, Supervisor, ThreadWorker, Worker

pytestmark = pytest.mark.check("M15")


@pytest.fixture(autouse=True)
def _nobody_stays() -> Iterator[None]:
    yield
    pykka.ActorRegistry.stop_all(timeout=5)


@pytest.fixture(params=[pykka.ThreadingActor, ThreadWorker, Worker], ids=lambda base: base.__name__)
def base(request: pytest.FixtureRequest) -> Any:
    return request.param


def receiving(base: Any) -> Any:
    class Receiving(base):  # type: ignore[misc]
        def __init__(self, stopped: list[str] | None = None) -> None:
            super().__init__()
            self.received: list[object] = []
            self.stopped = stopped

        def on_receive(self, message: Any) -> None:
            self.received.append(message)

        def on_stop(self) -> None:
            if self.stopped is not None:
                self.stopped.append(self.actor_urn)

    return Receiving


def test_an_actor_is_registered_from_its_start_to_its_end(base: Any) -> None:
    ref = receiving(base).start()
    assert ref in pykka.ActorRegistry.get_all()
    ref.stop()
    assert ref not in pykka.ActorRegistry.get_all()


def test_it_is_found_by_class_name_and_urn(base: Any) -> None:
    first = receiving(base)

    class Second(first):  # type: ignore[misc, valid-type]
        pass

    one, two = first.start(), Second.start()
    assert pykka.ActorRegistry.get_by_class(first) == [one, two]
    assert pykka.ActorRegistry.get_by_class(Second) == [two]
    assert pykka.ActorRegistry.get_by_class_name("Second") == [two]
    assert pykka.ActorRegistry.get_by_urn(one.actor_urn) == one
    assert one.actor_urn != two.actor_urn
    one.stop()
    assert pykka.ActorRegistry.get_by_urn(one.actor_urn) is None
    assert pykka.ActorRegistry.get_by_class(first) == [two]


def test_a_broadcast_reaches_the_class_that_is_named(base: Any) -> None:
    first = receiving(base)

    class Second(first):  # type: ignore[misc, valid-type]
        pass

    one, two = first.start(), Second.start()
    pykka.ActorRegistry.broadcast("to all")
    pykka.ActorRegistry.broadcast("to second", target_class=Second)
    pykka.ActorRegistry.broadcast("by name", target_class="Second")
    assert one.proxy().received.get() == ["to all"]
    assert two.proxy().received.get() == ["to all", "to second", "by name"]


def test_stop_all_stops_the_last_started_first(base: Any) -> None:
    stopped: list[str] = []
    refs = [receiving(base).start(stopped) for _ in range(5)]
    assert pykka.ActorRegistry.stop_all() == [True] * 5
    assert stopped == [ref.actor_urn for ref in reversed(refs)]
    assert pykka.ActorRegistry.get_all() == []
    assert not any(ref.is_alive() for ref in refs)


def test_stop_all_without_blocking_gives_futures(base: Any) -> None:
    for _ in range(3):
        receiving(base).start()
    futures = pykka.ActorRegistry.stop_all(block=False)
    assert pykka.get_all(futures, timeout=5) == [True] * 3


def test_it_may_be_unregistered_twice_and_registered_again(base: Any) -> None:
    ref = receiving(base).start()
    pykka.ActorRegistry.unregister(ref)
    pykka.ActorRegistry.unregister(ref)
    assert ref not in pykka.ActorRegistry.get_all()
    pykka.ActorRegistry.register(ref)
    assert ref in pykka.ActorRegistry.get_all()


def test_a_threaded_worker_ends_with_its_thread() -> None:
    kind = receiving(ThreadWorker)

    class Telling(kind):  # type: ignore[misc, valid-type]
        def where(self) -> threading.Thread:
            return threading.current_thread()

    ref = Telling.start()
    thread: threading.Thread = ref.proxy().where().get()
    assert thread.is_alive()
    ref.stop()
    thread.join(timeout=5)
    assert not thread.is_alive()


async def test_on_a_loop_a_bare_actor_leaves_nothing_behind() -> None:
    """The leak check of the test says so."""
    ref = receiving(Worker).start()
    ref.tell("hello")
    assert await ref.proxy().received == ["hello"]
    assert await ref.stop() is True
    assert ref not in pykka.ActorRegistry.get_all()


async def test_a_supervised_worker_is_its_supervisors_and_not_in_the_registry() -> None:
    async with Node(Supervisor([Child("b", receiving(Worker))])) as node:
        assert node.ref("b") is not None
        assert pykka.ActorRegistry.get_all() == []
