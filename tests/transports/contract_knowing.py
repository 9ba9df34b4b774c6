"""What every transport must let nodes do: know each other, and each other's public workers."""

from __future__ import annotations

import logging

import pytest

from callboard import Child, Node, Worker, WorkerReady, worker_ready
from callboard.actors.testing import Probe
from callboard.transports.packet import Kind
from tests.transports.contract_cast import Fail, Log, Question, Take, Watch, player
from tests.transports.contract_stage import Stage, Staged

__all__ = ["Knowing"]


class Waiter(Worker):
    """Says on its class whom it waits for."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self.log = log

    @worker_ready("b")
    async def b_is_ready(self, data: WorkerReady) -> None:
        self.log.add(self.name, "handler", data.worker, data.node, data.incarnation)

    def on_worker_ready(self, data: WorkerReady) -> None:
        self.log.add(self.name, "hook", data.worker, data.node, data.incarnation)


class Knowing(Staged):
    """Discovery."""

    @pytest.mark.check("M58")
    @pytest.mark.parametrize("order", ["AB", "BA"])
    async def test_two_nodes_know_each_others_workers_whoever_is_first(
        self, stage: Stage, order: str
    ) -> None:
        async with stage:
            nodes = {name: await stage.node(name, f"{name}1", f"{name}2") for name in order}
            await stage.know(nodes["A"], "B1", "B2")
            await stage.know(nodes["B"], "A1", "A2")
            for name, other in ("AB", "BA"):
                registry = nodes[name].registry
                assert {f"{other}1", f"{other}2"} == set(registry.names(local=False))
                assert {f"{name}1", f"{name}2"} <= set(registry.names(local=True))
                known = registry.find(f"{other}1")
                assert known is not None
                assert (known.node, known.incarnation) == (other, 1)

    @pytest.mark.check("M58")
    async def test_an_announcement_of_its_own_that_comes_back_changes_nothing(
        self, stage: Stage
    ) -> None:
        async with stage:
            a, _ = await stage.pair()
            network = stage.network
            mine = [seen for seen in network.sent if seen.node == "A"]
            assert {Kind.HELLO} <= {seen.kind for seen in mine}
            names, events = a.registry.names(), a.events.subscribe()
            for seen in mine:
                network.inject("A", seen.data)
            await a.ask("b", Question("?"))
            assert a.registry.names() == names
            assert [event.kind for event in events.take()] == []
            assert a.ref("a") is not None

    @pytest.mark.check("M59")
    async def test_a_newcomer_gets_one_snapshot_from_each_and_then_only_changes_travel(
        self, stage: Stage
    ) -> None:
        async with stage:
            names = ["A", "B", "C", "D"]
            nodes = [await stage.node(name, name.lower()) for name in names]
            for node in nodes:
                await stage.know(node, *"abcd")
            network = stage.network
            before = len(network.came)
            new = await stage.node("N", "n")
            nodes.append(new)
            await stage.know(new, *"abcd")
            for node in nodes:
                await stage.know(node, "n")
            told = network.told(Kind.SNAPSHOT, "N", since=before)
            assert sorted(seen.header.node for seen in told if seen.header) == names
            since = len(network.came)
            await nodes[0].admin().start_child(player("late", stage.log))
            for node in nodes:
                await stage.know(node, "late")
            kinds = {seen.kind for seen in network.came[since:]}
            assert Kind.CHANGE in kinds
            assert not kinds & {Kind.HELLO, Kind.SNAPSHOT, Kind.WANT, Kind.DATA}

    @pytest.mark.check("M59")
    async def test_a_watch_that_was_set_before_there_was_a_worker_is_called_once(
        self, stage: Stage
    ) -> None:
        async with stage:
            a = await stage.node("A", "a")
            await a.ask("a", Watch(ready=("late", "b")))
            b = await stage.node("B", "b")
            await stage.noted("a", "ready")
            await b.admin().start_child(player("late", stage.log))
            await stage.noted("a", "ready", count=2)
            await a.ask("late", Question("?"))
            assert stage.log.of("a", "ready") == [("b", "B", 1), ("late", "B", 1)]

    @pytest.mark.check("M51", "M52")
    async def test_a_worker_elsewhere_restarts_ends_and_is_watched_all_the_way(
        self, stage: Stage
    ) -> None:
        async with stage:
            a, b = await stage.pair()
            await a.ask("a", Watch(ready=("b",)))
            a.tell("b", Fail("again"))
            heard = await stage.noted("a", "ready", count=2)
            assert heard == [("b", "B", 1), ("b", "B", 2)]
            await b.admin().terminate_child("b")
            await stage.forget(a, "b")
            assert a.registry.names(local=False) == []
            await b.admin().restart_child("b")
            await stage.noted("a", "ready", count=3)
            assert stage.log.of("a", "ready")[2][:2] == ("b", "B")

    @pytest.mark.check("M54")
    @pytest.mark.parametrize("order", ["AB", "BA"])
    async def test_a_declared_watch_runs_its_handler_then_the_hook_whichever_node_is_first(
        self, stage: Stage, order: str
    ) -> None:
        async with stage:
            children: dict[str, Child] = {
                "A": Child("waiter", lambda: Waiter(stage.log)),
                "B": player("b", stage.log),
            }
            for name in order:
                await stage.node(name, children[name])
            await stage.noted("waiter", "hook")
            assert stage.log.of("waiter", "handler") == [("b", "B", 1)]
            assert stage.log.of("waiter", "hook") == [("b", "B", 1)]
            kinds = [entry[1] for entry in stage.log.entries if entry[0] == "waiter"]
            assert kinds == ["handler", "hook"]

    @pytest.mark.check("M48")
    async def test_the_children_of_a_worker_are_known_to_no_other_node(self, stage: Stage) -> None:
        async with stage:
            b = await stage.node("B", "b")
            await b.ask("b", Take(lambda me: me.spawn(player("kid-before", stage.log))))
            a = await stage.node("A", "a")
            await stage.know(a, "b")
            await a.ask("a", Watch(ready=("kid-before", "kid-after")))
            await b.ask("b", Take(lambda me: me.spawn(player("kid-after", stage.log))))
            await b.admin().start_child(player("public", stage.log))
            await stage.know(a, "public")
            assert a.registry.names(local=False) == ["b", "public"]
            assert stage.log.of("a", "ready") == []
            assert not any(b"kid-" in seen.data for seen in stage.network.sent)
            b.tell("kid-before", "here it is known")

    @pytest.mark.check("M56")
    async def test_of_two_workers_of_one_name_the_earlier_is_everybodys_and_both_are_warned(
        self, stage: Stage, caplog: pytest.LogCaptureFixture
    ) -> None:
        earlier, later = Probe(), Probe()
        async with stage:
            a = await stage.node("A", "a", Child("same", earlier))
            c = await stage.node("C", "c")
            events = {"A": a.events.subscribe()}
            with caplog.at_level(logging.WARNING, logger="callboard"):
                b = await stage.node("B", "b", Child("same", later))
                events["B"] = b.events.subscribe()
                for node in (a, b, c):
                    await stage.know(node, *{"a", "b", "c"} - {node.name.lower()})
                await stage.until(lambda: stage.counted(a, "name_clash"))
                await stage.until(lambda: stage.counted(b, "name_clash"))
                for number, node in enumerate((a, b, c)):
                    await node.ask("same", number)
            assert earlier.received == [0, 1, 2]
            assert later.received == []
            assert [stage.counted(node, "name_clash") for node in (a, b, c)] == [1, 1, 0]
            warned = [text for text in caplog.messages if "name_clash" in text]
            assert len(warned) == 2
            assert all("'A'" in text and "'B'" in text for text in warned)
            await a.stop()
            for node in (b, c):
                await stage.until(lambda node=node: owner(node, "same") == "B")  # type: ignore[misc]
                await node.ask("same", node.name)
            assert later.received == ["B", "C"]
            assert earlier.received == [0, 1, 2]


def owner(node: Node, name: str) -> str | None:
    """Which node has the name, as this one sees it."""
    known = node.registry.find(name)
    return known.node if known is not None else None
