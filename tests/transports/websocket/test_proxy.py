"""What crosses a proxy, and what does not: two workers, both ways, and nothing else."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from callboard import (
    ActorFailed,
    JobCancelled,
    JobCrashed,
    JobError,
    JobFailed,
    JobTimeout,
    LocalOnly,
    NoActor,
)
from callboard.actors.testing import eventually
from callboard.examples.servers.server import free_port
from callboard.transports.errors import NotCarried
from callboard.transports.websocket.gate import TwoWorkers
from tests.servers.chaos import ChaosProxy
from tests.transports.contract_cast import (
    Add,
    Cry,
    Fail,
    Give,
    Home,
    Note,
    Player,
    Question,
    player,
)
from tests.transports.contract_stage import is_ready
from tests.transports.websocket.proxies import Proxied, inside, server_of

pytestmark = pytest.mark.realtime

QUESTION = Question("?")
AUDIO = bytes(range(256)) * 75
"""As much as 200 ms of speech."""


class Telling(TwoWorkers):
    """A gate that lets all names out."""

    def may_announce(self, worker: str, /) -> bool:
        return True


class Open(Telling):
    """A gate that keeps nothing back: the other side's has to."""

    def may_learn(self, worker: str, /) -> bool:
        return True

    def may_send(self, source: str | None, target: str | None, wire_name: str | None, /) -> None:
        return None

    def may_take(self, source: str | None, target: str | None, wire_name: str | None, /) -> None:
        return None


@pytest.mark.check("M121")
async def test_what_the_two_workers_send_each_other_crosses_both_ways() -> None:
    async with Proxied() as two:
        assert await two.main(lambda it: it.ask("assistant", Question("there?"))) == "there?"
        assert await two.assistant(lambda it: it.ask("main", Question("here?"))) == "here?"
        two.here.tell("main", Give("assistant", 100))
        assert await two.noted("assistant", "note", count=100) == list(range(100))
        two.there.tell("assistant", Give("main", 100))
        assert await two.noted("main", "note", count=100) == list(range(100))
        assert await two.main(lambda it: it.request("assistant", "echo", AUDIO)) == AUDIO


@pytest.mark.check("M121")
async def test_what_others_send_does_not_cross_and_neither_does_a_broadcast() -> None:
    async with Proxied() as two:
        for refused in (
            inside(two.here, "stranger-here", lambda it: it.ask("assistant", Question("?"))),
            inside(two.there, "stranger-there", lambda it: it.ask("main", Question("?"))),
            two.here.ask("assistant", Question("from no worker")),
        ):
            with pytest.raises((NotCarried, ActorFailed)) as caught:
                await refused
            assert "does not cross this proxy" in str(caught.value)
        with pytest.raises(JobCrashed, match="does not cross this proxy") as crashed:
            await two.here.request("assistant", "echo", "from no worker")
        assert isinstance(crashed.value.__cause__, NotCarried)
        for node, name in ((two.here, "stranger-there"), (two.there, "stranger-here")):
            with pytest.raises(NoActor):
                await node.ask(name, Question("?"))
        await two.main(lambda it: it.broadcast(Cry("to all")))
        assert await two.noted("stranger-here", "cry") == ["to all"]
        with pytest.raises(LocalOnly):
            await two.main(lambda it: it.tell("assistant", Home("mine")))
        # Whatever was sent before this has come before it.
        await two.main(lambda it: it.ask("assistant", Question("last")))
        for name in ("assistant", "stranger-there"):
            assert two.log.of(name, "cry", "home", "note") == []
        assert two.log.of("assistant", "question") == ["last"]


@pytest.mark.check("M121")
async def test_a_gate_holds_while_the_connection_is_gone() -> None:
    port = free_port()
    async with (
        ChaosProxy(port) as way,
        Proxied(server=server_of(port=port), port=way.port) as two,
    ):
        await way.refuse()
        await eventually(lambda: two.here.events.counts["disconnected"] == 1)
        with pytest.raises(NotCarried, match="does not cross this proxy"):
            await inside(two.here, "stranger-here", lambda it: it.tell("assistant", Note(1)))
        await two.main(lambda it: it.tell("assistant", Note(2)))
        await way.listen()
        assert await two.noted("assistant", "note") == [2]


@pytest.mark.check("M122")
async def test_what_a_client_sends_all_the_same_is_dropped_counted_and_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "callboard")
    server = server_of()
    server.gate = Telling("assistant", "main")
    # The client keeps nothing back and the server tells it all names: and still takes nothing.
    async with Proxied(server=server, gate=Open("main", "assistant")) as two:
        await eventually(lambda: is_ready(two.here, "stranger-there"))
        assert two.there.ref("stranger-here") is None
        for source, target in (
            ("stranger-here", "assistant"),
            ("main", "stranger-there"),
            ("stranger-here", "stranger-there"),
        ):
            with pytest.raises(NoActor, match="takes no such message"):
                await inside(two.here, source, partial(Player.ask, worker=target, message=QUESTION))
            with pytest.raises(JobError):
                await inside(two.here, source, partial(Player.request, worker=target, job="echo"))
            await inside(two.here, source, partial(Player.tell, worker=target, message=Note(1)))
        with pytest.raises(NoActor):
            await two.here.ask("assistant", Question("from no worker"))
        await two.main(lambda it: it.ask("assistant", Question("last")))
        assert two.log.of("assistant", "note", "question", "job") == ["last"]
        assert two.log.of("stranger-there", "note", "question", "job") == []
        assert two.there.events.counts["rejected_gate_in"] == 10
        assert sum("gate_in" in record.getMessage() for record in caplog.records) == 1


@pytest.mark.check("M123")
async def test_readiness_is_known_on_both_sides_and_no_other_name_ever() -> None:
    async with Proxied() as two:
        await inside(two.here, "stranger-here", lambda it: it.watch_workers("assistant"))
        await inside(two.there, "stranger-there", lambda it: it.watch_workers("main"))
        # It was ready before the watch was set, and is ready again after a restart.
        assert (await two.noted("stranger-here", "ready"))[0][:2] == ("assistant", "there")
        assert (await two.noted("stranger-there", "ready"))[0][:2] == ("main", "here")
        with pytest.raises(ActorFailed):
            await two.there.ask("assistant", Fail("again"))
        lives = await two.noted("stranger-here", "ready", count=2)
        assert lives == [("assistant", "there", 1), ("assistant", "there", 2)]
        await two.there.admin().start_child(player("later", two.log))
        await two.main(lambda it: it.ask("assistant", Question("after that")))
        assert two.here.registry.names(local=False) == ["assistant"]
        assert two.there.registry.names(local=False) == ["main"]


@pytest.mark.check("M123")
async def test_watches_set_before_anything_is_connected_fire_when_it_is() -> None:
    async with Proxied(active=False) as two:
        await inside(two.here, "main", lambda it: it.watch_workers("assistant"))
        await inside(two.there, "assistant", lambda it: it.watch_workers("main"))
        await two.here.activate("transport-websocketproxyclient")
        assert (await two.noted("main", "ready"))[0][:2] == ("assistant", "there")
        assert (await two.noted("assistant", "ready"))[0][:2] == ("main", "here")


@pytest.mark.check("M124")
async def test_jobs_streams_and_errors_are_as_between_nodes() -> None:
    async with Proxied() as two:

        async def ask_for(it: Player) -> list[Any]:
            events: list[Any] = []
            assert await it.request("assistant", Add([1, 2, 3])) == 6
            assert await it.request("assistant", "deferred", None) == {"deferred": None}
            async with it.job("assistant", "updates", [25, 75]) as job:
                events += [event.data async for event in job]
            assert job.response == "updated"
            async with it.job("assistant", "stream", 5) as stream:
                events += [event.data async for event in stream]
            with pytest.raises(JobFailed, match="not today"):
                await it.request("assistant", "failed")
            with pytest.raises(JobCrashed, match="in a job"):
                await it.request("assistant", "crash")
            with pytest.raises(JobTimeout):
                await it.request("assistant", "wait", "long", timeout=0.05)
            return events

        assert await two.main(ask_for) == [25, 75, 0, 1, 2, 3, 4]
        assert await two.noted("assistant", "cancelled") == ["timeout"]
        with pytest.raises(ActorFailed):
            await two.main(lambda it: it.ask("assistant", Fail("on purpose")))


@pytest.mark.check("M124")
async def test_a_cancel_crosses() -> None:
    async with Proxied() as two:

        async def leave(it: Player) -> None:
            job = it.start_job("assistant", "wait", "long")
            await two.noted("assistant", "waits")
            job.cancel("enough")
            with pytest.raises(JobCancelled):
                await job

        await two.main(leave)
        assert await two.noted("assistant", "cancelled") == ["enough"]


@pytest.mark.check("M124")
async def test_activation_and_hand_over_cross() -> None:
    async with Proxied() as two:
        await two.main(lambda it: it.deactivate("assistant"))
        await two.main(lambda it: it.activate("assistant", {"topic": "tea"}, deactivate_self=True))
        assert two.log.of("assistant", "activated") == [None, {"topic": "tea"}]
        assert two.log.of("main", "deactivated") == [""]
        await two.assistant(lambda it: it.activate("main", "back", deactivate_self=True))
        assert two.log.of("main", "activated") == [None, "back"]
        assert two.log.of("assistant", "deactivated") == ["", ""]


@pytest.mark.check("M121")
async def test_only_the_types_that_are_named_cross_where_some_are() -> None:
    async with Proxied(server=server_of(forward=(Question, "contract.add"))) as two:
        # The client lets all types out; the server takes and lets out only those it names.
        assert await two.main(lambda it: it.ask("assistant", Question("named"))) == "named"
        assert await two.main(lambda it: it.request("assistant", Add([1]))) == 1
        assert await two.main(lambda it: it.request("assistant", "echo", "a plain value")) == (
            "a plain value"
        )
        await two.main(lambda it: it.deactivate("assistant"))
        await two.main(lambda it: it.activate("assistant", "again"))
        await two.main(lambda it: it.tell("assistant", Note(1)))
        with pytest.raises((NoActor, ActorFailed)):
            await two.main(lambda it: it.ask("assistant", Cry("not named")))
        with pytest.raises((NotCarried, ActorFailed), match="forward="):
            await two.assistant(lambda it: it.tell("main", Note(1)))
        assert two.log.of("assistant", "note", "cry") == []
        assert two.there.events.counts["rejected_gate_in"] == 2
