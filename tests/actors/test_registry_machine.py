"""The registry against a model: who is known and ready, and who was to be called for what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from callboard import NameTaken, Registry, WorkerReady, WorkerRef

NAMES = st.sampled_from(["a", "b", "c"])
KEYS = st.sampled_from(["k", "l", "raises", "once", "takes back l"])

POST = cast("Any", None)  # a ref that is only compared needs no node


class Place:
    """A worker's place, as far as a registry looks at it."""

    def __init__(self, name: str, number: int) -> None:
        self.ref = WorkerRef(name, POST)
        self.path = f"root/{name}-{number}"

    def deliver(self, entry: Any, /) -> None:
        raise NotImplementedError

    async def deliver_waiting(self, entry: Any, /) -> None:
        raise NotImplementedError


@dataclass
class Known:
    place: Place
    incarnation: int = 0
    ready: bool = False


class RegistryMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.reported: list[str] = []
        self.registry = Registry("A", lambda text, error: self.reported.append(text))
        self.places = {(name, number): Place(name, number) for name in "abc" for number in range(2)}
        self.known: dict[str, Known] = {}
        self.watches: list[tuple[str, str]] = []
        """Name and key, in the order of setting."""
        self.calls: list[tuple[str, WorkerReady]] = []

    # -- what watchers do, in the registry and in the model ----

    def watcher(self, key: str) -> Any:
        def call(fact: WorkerReady) -> None:
            self.calls.append((key, fact))
            if key == "raises":
                raise ValueError(key)
            if key == "once":
                self.registry.unwatch(key)
            if key == "takes back l":
                self.registry.unwatch("l", fact.worker)

        return call

    def expect_calls(self, name: str, keys: list[str]) -> None:
        """Check the calls since the last check: these keys were called for this name, in turn."""
        known = self.known[name]
        fact = WorkerReady(name, "A", known.incarnation)
        expected: list[tuple[str, WorkerReady]] = []
        for key in keys:
            if (name, key) not in self.watches:
                continue  # taken back by a watcher before it
            expected.append((key, fact))
            if key == "once":
                self.watches = [each for each in self.watches if each[1] != key]
            if key == "takes back l" and (name, "l") in self.watches:
                self.watches.remove((name, "l"))
        assert self.calls == expected
        assert len(self.reported) == sum(1 for key, _ in expected if key == "raises")
        self.calls.clear()
        self.reported.clear()

    # -- rules ----

    @rule(name=NAMES, number=st.integers(0, 1))
    def declare(self, name: str, number: int) -> None:
        place = self.places[name, number]
        known = self.known.get(name)
        if known is not None and known.place is not place:
            with pytest.raises(NameTaken, match=f"{known.place.path}.*{place.path}"):
                self.registry.declare(place.ref, place)
        else:
            self.registry.declare(place.ref, place)
            self.known[name] = Known(place)

    @rule(name=NAMES, incarnation=st.integers(1, 4))
    def ready(self, name: str, incarnation: int) -> None:
        self.registry.ready(name, incarnation)
        known = self.known.get(name)
        if known is None or (known.ready and known.incarnation >= incarnation):
            assert self.calls == []
            return
        known.ready, known.incarnation = True, incarnation
        self.expect_calls(name, [key for watched, key in self.watches if watched == name])

    @rule(name=NAMES)
    def unready(self, name: str) -> None:
        self.registry.unready(name)
        if name in self.known:
            self.known[name].ready = False

    @rule(name=NAMES, number=st.integers(0, 1))
    def gone(self, name: str, number: int) -> None:
        place = self.places[name, number]
        self.registry.gone(name, place)
        if name in self.known and self.known[name].place is place:
            del self.known[name]

    @rule(name=NAMES, key=KEYS)
    def watch(self, name: str, key: str) -> None:
        self.registry.watch(name, key, self.watcher(key))
        if (name, key) in self.watches:
            assert self.calls == []
            return
        self.watches.append((name, key))
        if name in self.known and self.known[name].ready:
            self.expect_calls(name, [key])

    @rule(name=NAMES, key=KEYS)
    def unwatch_one(self, name: str, key: str) -> None:
        self.registry.unwatch(key, name)
        self.watches = [each for each in self.watches if each != (name, key)]

    @precondition(lambda self: self.watches)
    @rule(key=KEYS)
    def unwatch_all(self, key: str) -> None:
        self.registry.unwatch(key)
        self.watches = [each for each in self.watches if each[1] != key]

    @invariant()
    def knows_what_the_model_knows(self) -> None:
        assert set(self.registry.names()) == set(self.known)
        assert self.registry.names(local=True) == self.registry.names()
        assert self.registry.names(local=False) == []
        assert len(self.registry) == len(self.known)
        for name in "abc":
            found = self.registry.find(name)
            expected = self.known.get(name)
            if expected is None:
                assert found is None
            else:
                assert found is not None
                assert found.target is expected.place
                assert (found.ready, found.incarnation) == (expected.ready, expected.incarnation)

    @invariant()
    def keeps_the_watches_that_are_set_and_no_other(self) -> None:
        assert self.registry.watches == len(self.watches)
        names = [name for name, _ in self.watches]
        assert self.registry.watched() == {name: names.count(name) for name in names}
        assert self.calls == []
        # Nothing is kept of a watcher whose watches were all taken back.
        watching = self.registry._watching  # pyright: ignore[reportPrivateUsage]
        assert set(watching) == {key for _, key in self.watches}


@pytest.mark.check("M51", "M52", "M53")
def test_a_registry_does_what_its_model_does() -> None:
    run_state_machine_as_test(
        RegistryMachine, settings=settings(max_examples=80, stateful_step_count=30, deadline=None)
    )
