"""A fleet at a hub, when the hub or a node goes: who is declared down, and who waits."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from callboard import JobError, NodeDown
from callboard.actors.testing import eventually
from callboard.examples.servers.server import free_port
from callboard.transports.websocket.client import WebSocketTransport
from callboard.transports.websocket.server import WebSocketHub
from tests.servers.chaos import ChaosProxy
from tests.transports.contract_cast import Give, Log, Question
from tests.transports.contract_stage import is_ready
from tests.transports.websocket.proxies import company

pytestmark = pytest.mark.realtime

QUICK = {"beat": 0.3, "down_after": 1.0}


async def test_a_hub_that_is_gone_is_down_in_time_and_those_behind_it_are_waited_for() -> None:
    log, port = Log(), free_port()
    async with AsyncExitStack() as stack:
        way = await stack.enter_async_context(ChaosProxy(port))
        hub = company(log, "h", name="hub", transports=[WebSocketHub("127.0.0.1", port)], **QUICK)
        await stack.enter_async_context(hub)
        url = f"ws://127.0.0.1:{way.port}"
        a, b = (
            company(log, name, name=name.upper(), transports=[WebSocketTransport(url)], **QUICK)
            for name in ("a", "b")
        )
        for node in (a, b):
            await stack.enter_async_context(node)
        await eventually(lambda: is_ready(a, "b") and is_ready(a, "h"), within=20)
        job = asyncio.ensure_future(a.request("h", "wait", "long"))
        await eventually(lambda: log.of("h", "waits"), within=20)
        # All that a and b see of it is that their connections have gone.
        await way.refuse()
        with pytest.raises((JobError, NodeDown), match="hub"):
            await asyncio.wait_for(job, 20)
        assert a.ref("h") is None
        assert is_ready(a, "b")
        a.tell("a", Give("b", 100))
        await way.listen()
        await eventually(lambda: len(log.of("b", "note")) == 100, within=20)
        assert log.of("b", "note") == list(range(100))
        await eventually(lambda: is_ready(a, "h"), within=20)
        assert await a.ask("h", Question("again")) == "again"
        assert a.events.counts["node_down"] == 1
