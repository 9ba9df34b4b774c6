"""What the log says of a broker that is not there: that it is gone, and that it is back."""

from __future__ import annotations

import logging

import pytest

from tests.transports.contract import Stage
from tests.transports.contract_network import Network
from tests.transports.test_local_contract import LocalNetwork


def lines(caplog: pytest.LogCaptureFixture, least: int) -> list[tuple[int, str]]:
    """What was logged of A's transport, as level and event."""
    return [
        (record.levelno, str(vars(record)["event"]))
        for record in caplog.records
        if record.levelno >= least and "transport-local" in str(vars(record).get("path"))
    ]


async def out(stage: Stage, network: Network, times: int) -> None:
    """Have A's connection gone for so many failed attempts."""
    (a, *_) = stage.nodes
    failed = stage.counted(a, "failed")
    connected = stage.counted(a, "connected")
    await network.cut("A")
    await stage.until(lambda: stage.counted(a, "failed") >= failed + times)
    await network.heal("A")
    await stage.until(lambda: stage.counted(a, "connected") > connected)


@pytest.mark.check("M105")
async def test_an_outage_is_one_warning_and_its_end_one_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "callboard")
    async with Stage(LocalNetwork()) as stage:
        a, b = await stage.pair()
        for _ in range(2):
            caplog.clear()
            failed, waited = stage.counted(a, "failed"), stage.counted(a, "waiting")
            subscription = a.events.subscribe()
            await out(stage, stage.network, 8)
            # The cut, and what is said to who tries to connect: each reason once.
            assert lines(caplog, logging.INFO) == [
                (logging.WARNING, "failed"),
                (logging.INFO, "disconnected"),
                (logging.WARNING, "failed"),
                (logging.INFO, "connected"),
            ]
            assert not any(record.exc_info for record in caplog.records)
            attempts = stage.counted(a, "failed") - failed
            assert attempts >= 8
            assert stage.counted(a, "waiting") - waited == attempts, "the supervisor counts all"
            seen = [event.kind for event in subscription.take()]
            assert seen.count("failed") == attempts
            assert f"after {attempts} failures" in caplog.text
            subscription.close()
        assert stage.counted(b, "failed") == 0


async def test_the_failure_of_a_worker_is_an_error_with_its_traceback_all_the_same(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with Stage(LocalNetwork()) as stage:
        a, _ = await stage.pair()
        await out(stage, stage.network, 3)
        caplog.clear()
        known = a.registry.here("a")
        assert known is not None
        a.runtime.emit("failed", "root/transports/x")
        (record,) = caplog.records
        assert record.levelno == logging.ERROR
