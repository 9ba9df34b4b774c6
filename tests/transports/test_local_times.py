"""When things happen between nodes, to the tenth of a second: on virtual time."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callboard import JobTimeout, NotReady, Supervisor, WorkerReady
from callboard import Node as NodeOf
from callboard.actors.cell import Cell
from callboard.transports.local import LocalBus, LocalTransport
from callboard.transports.packet import Kind
from tests.transports.contract import Stage, Trouble
from tests.transports.contract_cast import Give, Log, Note, Question, Watch, player
from tests.transports.contract_stage import is_ready
from tests.transports.test_local_contract import LocalNetwork


@pytest.mark.check("M61")
async def test_a_silent_node_is_up_after_5_9_seconds_and_down_after_6() -> None:
    async with Stage(LocalNetwork()) as stage:
        a, _ = await stage.pair()
        await a.ask("a", Watch(monitor=("b",)))
        await asyncio.sleep(5.3)  # any place between two beats
        await a.ask("b", Question("its last sign of life"))
        stage.network.silence("B")
        await asyncio.sleep(5.9)
        assert is_ready(a, "b")
        assert stage.log.of("a", "down") == []
        await asyncio.sleep(0.11)
        assert a.ref("b") is None
        assert len(stage.log.of("a", "down")) == 1


@pytest.mark.check("M61")
async def test_a_node_that_says_nothing_but_beats_stays_up_for_ever() -> None:
    async with Stage(LocalNetwork()) as stage:
        nodes = [await stage.node(name, name.lower()) for name in "ABCDE"]
        await asyncio.sleep(3600)
        for node in nodes:
            assert all(is_ready(node, name) for name in "abcde")
            assert stage.counted(node, "node_down") == 0


@pytest.mark.check("M67")
async def test_a_job_without_a_timeout_waits_30_seconds_for_its_worker_to_be_known() -> None:
    async with Stage(LocalNetwork()) as stage:
        a = await stage.node("A", "a")
        loop = asyncio.get_running_loop()
        began = loop.time()
        late = a.start_job("b", "echo", "late")
        with pytest.raises(NotReady, match=r"'nobody'.*30 s"):
            await a.request("nobody", "echo")
        assert loop.time() - began == pytest.approx(30.0)
        with pytest.raises(NotReady):
            await late
        early = a.start_job("b", "echo", "early")
        await asyncio.sleep(29)
        await stage.node("B", "b")
        assert await early == "early"


@pytest.mark.check("M68")
async def test_a_job_elsewhere_times_out_to_the_millisecond() -> None:
    async with Stage(LocalNetwork()) as stage:
        a, _ = await stage.pair()
        loop = asyncio.get_running_loop()
        began = loop.time()
        with pytest.raises(JobTimeout):
            await a.request("b", "wait", timeout=0.05)
        assert loop.time() - began == pytest.approx(0.05)


@pytest.mark.check("M16")
async def test_of_a_thousand_workers_on_two_nodes_only_the_one_that_is_told_has_work() -> None:
    async with Stage(LocalNetwork()) as stage:
        names = [f"w{number}" for number in range(1000)]
        a = await stage.node("A", *names[:500])
        b = await stage.node("B", *names[500:])
        await stage.know(a, *names)
        await stage.know(b, *names)

        def handled() -> dict[str, int]:
            known = [node.registry.here(name) for node in (a, b) for name in names]
            cells = [each.target for each in known if each is not None]
            return {cell.name: cell.handled for cell in cells if isinstance(cell, Cell)}

        before = handled()
        assert len(before) == 1000
        tasks = len(asyncio.all_tasks())
        a.tell("w777", Note(1))
        await stage.noted("w777", "note")
        assert len(asyncio.all_tasks()) <= tasks + 1, "the run queue of its node, at most"
        after = handled()
        assert {
            name: after[name] - before[name] for name in names if after[name] != before[name]
        } == {"w777": 1}
        assert stage.log.entries[-1] == ("w777", "note", 1)
        assert {what for _, what, _ in stage.log.entries[:-1]} == {"activated"}, "as they started"


@pytest.mark.check("M59", "M61")
async def test_a_newcomer_costs_one_snapshot_of_each_and_beats_grow_with_the_nodes() -> None:
    network = LocalNetwork()
    async with Stage(network) as stage:
        nodes = [await stage.node(f"N{n}", f"w{n}") for n in range(50)]
        for node in nodes:
            await stage.know(node, *(f"w{n}" for n in range(50)))
        await asyncio.sleep(20)
        since = len(network.came)
        last = await stage.node("new", "new")
        for node in nodes:
            await stage.know(node, "new")
        await stage.know(last, *(f"w{n}" for n in range(50)))
        kinds = Counter(seen.kind for seen in network.came[since:])
        assert kinds[Kind.HELLO] == kinds[Kind.SNAPSHOT] == 50
        assert sum(kinds.values()) <= 7 * 50, "so many for each node, and a round of beats"
        await asyncio.sleep(20)
        since = len(network.sent)
        await asyncio.sleep(20)  # ten rounds
        quiet = Counter(seen.kind for seen in network.sent[since:])
        assert set(quiet) == {Kind.BEAT}
        assert quiet[Kind.BEAT] <= 10 * 3 * 51
        assert [stage.counted(node, "node_down") for node in nodes] == [0] * 50


@settings(max_examples=15)
@given(
    seed=st.integers(0, 2**32),
    loss=st.sampled_from([0.0, 0.05, 0.2]),
    repeat=st.sampled_from([0.0, 0.3]),
    delay=st.sampled_from([0.0, 0.1, 0.4]),
)
@pytest.mark.check("M63")
async def test_any_trouble_that_lets_something_through_costs_time_and_no_message(
    seed: int, loss: float, repeat: float, delay: float
) -> None:
    async with Stage(LocalNetwork()) as stage:
        # Only the links are tried here: with this much loss a node might be taken for dead.
        a, b = [await stage.node(n, n.lower(), down_after=10_000) for n in "AB"]
        await stage.know(a, "b")
        await stage.know(b, "a")
        stage.network.disturb(Trouble(seed, loss, repeat, delay))
        for number in range(10):
            a.tell("a", Give("b", 20))
            b.tell("b", Give("a", 20))
            assert await a.ask("b", Question(str(number))) == str(number)
        for name in "ab":
            assert await stage.noted(name, "note", count=200) == [*range(20)] * 10
        assert await b.request("a", "updates", [1, 2]) == "updated"
        stage.network.disturb(None)
        await stage.until(lambda: stage.open_with_others(a) == stage.open_with_others(b) == 0)
        assert len(stage.log.of("b", "note")) == len(stage.log.of("a", "note")) == 200


class AnHourAhead(asyncio.SelectorEventLoop):
    """A loop whose clock is an hour ahead."""

    def time(self) -> float:
        return super().time() + 3600


@pytest.mark.check("M23")
@pytest.mark.realtime
async def test_clocks_an_hour_apart_change_nothing() -> None:
    bus, log, ended = LocalBus(), Log(), threading.Event()
    started = threading.Event()

    async def host() -> None:
        tree = Supervisor([player("b", log)])
        b = NodeOf(tree, name="B", transports=[LocalTransport(bus)], handle_signals=False)
        async with b:
            started.set()
            await asyncio.to_thread(ended.wait)

    def run() -> None:
        with asyncio.Runner(loop_factory=AnHourAhead) as runner:
            runner.run(host())

    thread = threading.Thread(target=run)
    thread.start()
    try:
        await asyncio.to_thread(started.wait)
        ready: asyncio.Future[WorkerReady] = asyncio.get_running_loop().create_future()
        tree = Supervisor([player("a", log)])
        a = NodeOf(tree, name="A", transports=[LocalTransport(bus)], handle_signals=False)
        async with a:
            a.registry.watch("b", "test", ready.set_result)
            assert (await ready).node == "B"
            assert await a.ask("b", Question("in time"), timeout=20) == "in time"
            left = await a.request("b", "deadline", timeout=20)
            assert 0 < left <= 20
            with pytest.raises(JobTimeout):
                await a.request("b", "wait", timeout=0.1)
            a.registry.unwatch("test")
    finally:
        ended.set()
        await asyncio.to_thread(thread.join)
    assert log.of("b", "cancelled") == ["timeout"]
