"""Names that several nodes claim: whatever comes in whatever order, the earliest owns each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from callboard.actors.delivery import Entry
from callboard.actors.ref import WorkerRef
from callboard.actors.registry import Registration, Registry, WorkerReady

HERE, OTHERS = "A", ("B", "C")
NAMES = st.sampled_from("xyz")
NODES = st.sampled_from((HERE, *OTHERS))

POST = cast("Any", None)  # a ref that is only compared needs no node


class Place:
    """A worker somewhere."""

    path = "a place"

    def deliver(self, entry: Entry, /) -> None:
        raise AssertionError("nothing is sent here")

    async def deliver_waiting(self, entry: Entry, /) -> None:
        raise AssertionError("nothing is sent here")


@dataclass
class Claim:
    """What the model knows of a node's claim to a name."""

    since: int
    place: Place
    ready: bool = False
    incarnation: int = 0


class ClaimsMachine(RuleBasedStateMachine):
    """Compares the registry of A with a list of claims."""

    def __init__(self) -> None:
        super().__init__()
        self.registry = Registry(HERE, self.never)
        self.claims: dict[str, dict[str, Claim]] = {name: {} for name in "xyz"}
        self.calls: list[tuple[str, str, int]] = []
        self.expected: list[tuple[str, str, int]] = []
        self.clashes: list[tuple[str, frozenset[str]]] = []
        self.expected_clashes: list[tuple[str, frozenset[str]]] = []
        self.registry.clashed = self.clashed
        for name in "xyz":
            self.registry.watch(name, "watcher", self.watcher)

    def never(self, text: str, error: BaseException) -> None:
        raise AssertionError(text) from error

    def watcher(self, fact: WorkerReady) -> None:
        self.calls.append((fact.worker, fact.node, fact.incarnation))

    def clashed(self, owner: Registration, rival: Registration) -> None:
        assert owner.order < rival.order
        self.clashes.append((owner.ref.name, frozenset({owner.node, rival.node})))

    def owner(self, name: str) -> str | None:
        claims = self.claims[name]
        return min(claims, key=lambda node: (claims[node].since, node), default=None)

    @rule(name=NAMES)
    def declare(self, name: str) -> None:
        claims = self.claims[name]
        if HERE in claims:
            return
        self.claim(name, HERE)
        made = self.registry.declare(self.ref(name), claims[HERE].place)
        claims[HERE].since = made.since

    @rule(name=NAMES, node=st.sampled_from(OTHERS), since=st.integers(1, 4) | st.just(10**13))
    def learn(self, name: str, node: str, since: int) -> None:
        if node in self.claims[name]:
            return
        self.claim(name, node, since)
        place = self.claims[name][node].place
        self.registry.learn(Registration(self.ref(name), place, node, since=since))

    def claim(self, name: str, node: str, since: int = 0) -> None:
        owner = self.owner(name)
        if owner is not None and HERE in (owner, node):
            self.expected_clashes.append((name, frozenset({owner, node})))
        self.claims[name][node] = Claim(since, Place())

    @rule(name=NAMES, node=NODES, incarnation=st.integers(1, 4))
    def ready(self, name: str, node: str, incarnation: int) -> None:
        self.registry.ready(name, incarnation, node)
        claim = self.claims[name].get(node)
        if claim is None or (claim.ready and claim.incarnation >= incarnation):
            return
        claim.ready, claim.incarnation = True, incarnation
        if self.owner(name) == node:
            self.expected.append((name, node, incarnation))

    @rule(name=NAMES, node=NODES)
    def unready(self, name: str, node: str) -> None:
        self.registry.unready(name, node)
        if node in self.claims[name]:
            self.claims[name][node].ready = False

    @rule(name=NAMES, node=NODES)
    def gone(self, name: str, node: str) -> None:
        owner, claim = self.owner(name), self.claims[name].pop(node, None)
        self.registry.gone(name, claim.place if claim is not None else Place())
        heir = self.owner(name)
        if claim is not None and owner == node and heir is not None:
            left = self.claims[name][heir]
            if left.ready:
                self.expected.append((name, heir, left.incarnation))

    @invariant()
    def each_name_belongs_to_its_earliest_claim(self) -> None:
        for name, claims in self.claims.items():
            owner, found = self.owner(name), self.registry.find(name)
            assert (found.node if found is not None else None) == owner
            if found is not None and owner is not None:
                claim = claims[owner]
                assert found.target is claim.place
                assert found.ready == claim.ready
            here = self.registry.here(name)
            assert (here is not None) == (HERE in claims)
        local = [each for each in self.claims.values() if HERE in each]
        assert len(self.registry.local()) == len(local)

    @invariant()
    def watchers_and_clashes_are_told_once(self) -> None:
        assert self.calls == self.expected
        assert self.clashes == self.expected_clashes

    @staticmethod
    def ref(name: str) -> WorkerRef:
        return WorkerRef(name, POST)


@pytest.mark.check("M51", "M56")
def test_a_registry_with_claims_of_other_nodes_does_what_its_model_does() -> None:
    run_state_machine_as_test(
        ClaimsMachine, settings=settings(max_examples=100, stateful_step_count=30, deadline=None)
    )
