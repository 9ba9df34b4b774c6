"""Pykka's proxies on our actors: attributes, methods, properties, nested objects, errors."""

# The base class is a parameter of each test: nothing is known of what it has.
# pyright: reportUnknownMemberType=false, reportUnknownLambdaType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportAttributeAccessIssue=false

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any, cast

import pykka
import pytest

from callboard import Child, Node, Supervisor, ThreadWorker, Worker

pytestmark = pytest.mark.check("M15")


@pytest.fixture(autouse=True)
def _nobody_stays() -> Iterator[None]:
    yield
    pykka.ActorRegistry.stop_all(timeout=5)


class Inner:
    pykka_traversable = True

    def __init__(self) -> None:
        self.inner = "inner"

    def where(self) -> int:
        return threading.get_ident()


class Hidden:
    def __init__(self) -> None:
        self.inner = "hidden"


def rich(base: Any) -> Any:
    class Rich(base):  # type: ignore[misc]
        class_attribute = "of the class"

        def __init__(self, failed: threading.Event | None = None) -> None:
            super().__init__()
            self.attribute = "of the instance"
            self._private = "private"
            self.nested = Inner()
            self.marked = pykka.traversable(Hidden())
            self.hidden = Hidden()
            self.value = 1
            self.reads = 0
            self.failed = failed

        @property
        def read_only(self) -> int:
            self.reads += 1
            return self.value

        @property
        def writable(self) -> int:
            return self.value

        @writable.setter
        def writable(self, value: int) -> None:
            self.where_set = threading.get_ident()
            self.value = value

        def greet(self, name: str, *, mark: str = "!") -> str:
            return f"Hello, {name}{mark}"

        def set_value(self, value: int) -> None:
            self.value = value

        def where(self) -> int:
            return threading.get_ident()

        def boom(self) -> None:
            raise KeyError("boom")

        def add_method(self, name: str) -> None:
            setattr(self, name, lambda: f"returned by {name}")

        def later(self) -> Any:
            return self.actor_ref.proxy().greet("from the future")

        def on_failure(self, *_: Any) -> None:
            if self.failed is not None:
                self.failed.set()

    return Rich


@pytest.fixture(params=[pykka.ThreadingActor, ThreadWorker, Worker], ids=lambda base: base.__name__)
def base(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def proxy(base: Any) -> Any:
    return rich(base).start().proxy()


def test_attributes_are_read_as_futures(proxy: Any) -> None:
    assert proxy.attribute.get() == "of the instance"
    assert proxy.class_attribute.get() == "of the class"


def test_attributes_are_set_when_the_assignment_returns(proxy: Any) -> None:
    proxy.attribute = "new"
    assert proxy.attribute.get() == "new"


def test_private_and_missing_attributes_are_attribute_errors(proxy: Any) -> None:
    with pytest.raises(AttributeError, match="has no attribute '_private'"):
        _ = proxy._private
    with pytest.raises(AttributeError, match="has no attribute 'missing'"):
        _ = proxy.missing
    with pytest.raises(AttributeError, match="has no attribute 'missing'"):
        proxy.missing()
    assert proxy.actor_ref.is_alive()


def test_properties_are_read_and_set_in_the_actor(proxy: Any) -> None:
    assert proxy.reads.get() == 0, "making a proxy reads no property"
    assert proxy.read_only.get() == 1
    assert proxy.reads.get() == 1
    proxy.writable = 5
    assert proxy.read_only.get() == 5
    assert proxy.where_set.get() == proxy.where().get() != threading.get_ident()


def test_a_property_that_cannot_be_set_raises_at_the_caller(proxy: Any) -> None:
    with pytest.raises(AttributeError):
        proxy.read_only = 2
    assert proxy.read_only.get() == 1, "the actor lives"


def test_methods_are_called_with_arguments_in_the_actor(proxy: Any) -> None:
    assert proxy.greet("Ada").get() == "Hello, Ada!"
    assert proxy.greet("Ada", mark="?").get() == "Hello, Ada?"
    assert proxy.where().get() != threading.get_ident()
    assert proxy.set_value(7).get() is None
    assert proxy.value.get() == 7


def test_a_deferred_call_gives_nothing_back_and_is_done(proxy: Any) -> None:
    assert proxy.set_value.defer(8) is None
    assert proxy.value.get() == 8


def test_what_a_called_method_raises_is_the_callers_and_the_actor_lives(base: Any) -> None:
    failed = threading.Event()
    proxy = rich(base).start(failed).proxy()
    with pytest.raises(KeyError, match="boom"):
        proxy.boom().get()
    assert proxy.greet("still here").get() == "Hello, still here!"
    assert not failed.is_set()


def test_what_a_deferred_method_raises_ends_the_actor(base: Any) -> None:
    failed = threading.Event()
    ref = rich(base).start(failed)
    ref.proxy().boom.defer()
    assert failed.wait(5)
    assert ref.actor_stopped.wait(5)
    assert not ref.is_alive()


def test_marked_objects_are_reached_through_and_others_are_not(proxy: Any) -> None:
    assert proxy.nested.inner.get() == "inner"
    assert proxy.nested.where().get() == proxy.where().get()
    proxy.nested.inner = "changed"
    assert proxy.nested.inner.get() == "changed"
    assert proxy.marked.inner.get() == "hidden"
    with pytest.raises(AttributeError):
        _ = proxy.hidden.inner


def test_a_method_that_is_added_at_run_time_can_be_called(proxy: Any) -> None:
    proxy.add_method("added").get()
    assert proxy.added().get() == "returned by added"


def test_a_future_that_a_method_returns_is_the_answer(proxy: Any) -> None:
    inner = proxy.later().get(timeout=5)
    assert isinstance(inner, pykka.Future)
    assert cast("Any", inner).get(timeout=5) == "Hello, from the future!"


def test_a_future_of_another_actor_is_not_waited_for(base: Any) -> None:
    class Returning(base):  # type: ignore[misc]
        def __init__(self, future: pykka.Future[Any]) -> None:
            super().__init__()
            self.kept = future

        def give(self) -> pykka.Future[Any]:
            return self.kept

    future: pykka.Future[Any] = pykka.ThreadingFuture()
    proxy = Returning.start(future).proxy()
    assert proxy.give().get(timeout=5) is future
    assert proxy.kept.get(timeout=5) is future


def test_proxies_of_one_actor_are_equal(proxy: Any) -> None:
    another = proxy.actor_ref.proxy()
    assert proxy == another
    assert hash(proxy) == hash(another)
    assert proxy != proxy.nested
    assert "attribute" in dir(proxy)
    assert "greet" in dir(proxy)


def test_a_proxy_of_the_dead_keeps_the_ref_and_its_calls_fail(proxy: Any) -> None:
    proxy.stop().get()
    assert proxy.actor_ref.actor_stopped.wait(5)
    with pytest.raises(pykka.ActorDeadError):
        proxy.greet("nobody").get()
    with pytest.raises(pykka.ActorDeadError):
        pykka.ActorProxy(actor_ref=proxy.actor_ref)


# -- what ours add ----


async def test_a_proxy_is_awaited_on_a_loop_and_its_coroutines_run_there() -> None:
    class Waiting(Worker):
        async def twice(self, number: int) -> int:
            return number * 2

        async def boom(self) -> None:
            raise KeyError("boom")

    async with Node(Supervisor([Child("b", Waiting)])) as node:
        ref = node.ref("b")
        assert ref is not None
        proxy: Any = ref.proxy()
        assert await proxy.twice(21) == 42
        with pytest.raises(KeyError, match="boom"):
            await proxy.boom()
        assert await proxy.incarnation == 1


async def test_on_a_loop_a_failing_read_or_write_is_the_callers_too() -> None:
    async with Node(Supervisor([Child("b", rich(Worker))])) as node:
        ref = node.ref("b")
        assert ref is not None
        proxy: Any = ref.proxy()
        proxy.writable = 3  # nothing blocks here: what comes next is handled after it
        assert await proxy.value == 3
        proxy.read_only = 4
        assert await proxy.value == 3
        assert await proxy.incarnation == 1
