"""What a supervisor is declared with: refused by name before anything is built."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from callboard import Backoff, Child, Node, Restarts, SpecError, Supervisor, Worker
from tests.supervision.company import Script, company, fail, settle


class Idle(Worker):
    """Does nothing."""


BAD_SPECS: dict[str, tuple[Any, str, str]] = {
    "no id": ({"factory": Idle}, "child None", "name"),
    "empty id": ({"name": "", "factory": Idle}, "child ''", "name"),
    "no factory": ({"name": "bad"}, "child 'bad'", "factory"),
    "factory not callable": ({"name": "bad", "factory": 3}, "child 'bad'", "factory"),
    "unknown restart": (
        {"name": "bad", "factory": Idle, "restart": "always"},
        "child 'bad'",
        "restart",
    ),
    "unknown key": ({"name": "bad", "factory": Idle, "restrat": 1}, "child 'bad'", "restrat"),
    "negative budget": (
        {"name": "bad", "factory": Idle, "shutdown": -1},
        "child 'bad'",
        "shutdown",
    ),
    "significant and permanent": (
        {"name": "bad", "factory": Idle, "significant": True},
        "child 'bad'",
        "significant",
    ),
    "significant under never": (
        {"name": "bad", "factory": Idle, "significant": True, "restart": "transient"},
        "child 'bad'",
        "significant",
    ),
    "duplicate id": ({"name": "good", "factory": Idle}, "child 'good'", "name"),
    "no mapping": (7, "child 7", "type"),
}


@pytest.mark.check("S6")
@pytest.mark.parametrize("case", BAD_SPECS)
async def test_one_bad_spec_is_refused_by_id_and_field_and_nothing_is_built(case: str) -> None:
    spec, subject, field = BAD_SPECS[case]
    script = Script()
    with pytest.raises(SpecError) as refusal:
        await Node(lambda: Supervisor([script.child("good"), spec])).start()
    assert (refusal.value.subject, refusal.value.field) == (subject, field)
    assert not script.built


@pytest.mark.check("S6")
async def test_an_unknown_key_is_answered_with_the_one_that_was_meant() -> None:
    with pytest.raises(SpecError, match="did you mean 'restart'"):
        Child.of({"name": "a", "factory": Idle, "restrat": "permanent"})


@pytest.mark.check("S6")
async def test_a_bad_spec_is_refused_while_the_supervisor_runs_and_harms_nothing() -> None:
    script = Script()
    significant = Child("late", Idle, restart="transient", significant=True)
    async with company(script.child("good")) as node:
        for spec in (significant, {"name": "late"}):
            with pytest.raises(SpecError, match="'late'"):
                await node.admin().start_child(spec)
        assert [info.name for info in await node.admin().which_children()] == ["good"]
        assert len(script.built["good"]) == 1


class Forgetful(Supervisor):
    def children(self) -> None:
        """Returns no list."""


BAD_FLAGS: dict[str, tuple[Callable[[], Any], str]] = {
    "strategy": (lambda: Supervisor([], strategy="one_for_none"), "strategy"),  # type: ignore[arg-type]
    "auto_shutdown": (lambda: Supervisor([], auto_shutdown="always"), "auto_shutdown"),  # type: ignore[arg-type]
    "negative intensity": (lambda: Restarts(intensity=-1), "intensity"),
    "broken intensity": (lambda: Restarts(intensity=1.5), "intensity"),  # type: ignore[arg-type]
    "intensity that is a truth": (lambda: Restarts(intensity=True), "intensity"),
    "period of zero": (lambda: Restarts(period=0), "period"),
    "negative period": (lambda: Restarts(period=-1.0), "period"),
    "period that is no number": (lambda: Restarts(period=float("nan")), "period"),
    "policy of another kind": (lambda: Supervisor([], restarts=3), "restarts"),  # type: ignore[arg-type]
    "max_children": (lambda: Supervisor([], max_children=-1), "max_children"),
    "children": (lambda: Forgetful(), "children"),
}


@pytest.mark.check("S7")
@pytest.mark.parametrize("case", BAD_FLAGS)
async def test_a_bad_flag_is_refused_by_name(case: str) -> None:
    make, field = BAD_FLAGS[case]
    with pytest.raises(SpecError) as refusal:
        await Node(lambda: make()).start()
    assert refusal.value.field == field


@pytest.mark.check("S7")
async def test_an_intensity_of_zero_is_legal_and_stays_zero() -> None:
    script = Script()
    node = company(script.child("a"), restarts=Restarts(intensity=0))
    await node.start()
    fail(node, "a")
    await settle()
    assert node.state == "stopped"
    assert len(script.built["a"]) == 1


@pytest.mark.check("S8")
def test_a_spec_of_id_and_factory_is_permanent_with_the_default_budgets() -> None:
    worker = Child("a", Idle)
    assert (worker.restart, worker.stop_budget) == ("permanent", 5.0)
    assert Child.of({"name": "a", "factory": Idle}) == worker
    supervisor = Child("b", Supervisor)
    assert (supervisor.restart, supervisor.stop_budget) == ("permanent", None)
    assert supervisor.start_budget is None


@pytest.mark.check("S8")
async def test_a_supervisor_has_no_stop_limit_whatever_its_factory_looks_like() -> None:
    script = Script()
    script.stop_takes["slow"] = 20.0
    child = script.child("slow", shutdown=None)
    inner = Child("inner", lambda: Supervisor([child]))
    async with company(inner) as node:
        await node.admin().terminate_child("inner")
        assert script.log[-1] == "stopped slow"


def test_the_backoff_of_a_spec_is_checked() -> None:
    with pytest.raises(SpecError, match="backoff"):
        Child("a", Idle, backoff=0.5)  # type: ignore[arg-type]
    with pytest.raises(SpecError, match="max"):
        Backoff(min=3, max=2)
