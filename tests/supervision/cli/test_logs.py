"""What is written to stderr: of a broker that is not there, no more than is worth reading."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest

from callboard.supervision.cli.logs import Console

LOST = ConnectionRefusedError("nobody there")


@pytest.fixture
def log() -> Iterator[tuple[logging.Logger, io.StringIO]]:
    """A logger below ours, whose records come to a console."""
    stream = io.StringIO()
    logger = logging.getLogger("callboard.test-console")
    console = Console(stream)
    logger.addHandler(console)
    logger.setLevel(logging.INFO)
    logging.getLogger("callboard").setLevel(logging.INFO)
    yield logger, stream
    logger.removeHandler(console)
    logging.getLogger("callboard").setLevel(logging.NOTSET)


def fail(logger: logging.Logger, path: str, reason: str = "lost") -> None:
    facts = {"event": "failed", "path": path, "reason": reason}
    logger.error("%s failed: %s", path, reason, exc_info=LOST, extra=facts)


def test_the_same_failure_of_a_transport_is_written_ever_more_rarely(
    log: tuple[logging.Logger, io.StringIO],
) -> None:
    logger, stream = log
    for _ in range(100):
        fail(logger, "transports/transport-redis")
    assert stream.getvalue() == "transports/transport-redis failed: lost\n" * 7


def test_another_reason_or_transport_or_a_connection_between_is_news(
    log: tuple[logging.Logger, io.StringIO],
) -> None:
    logger, stream = log
    for path in ("transports/transport-redis", "transports/transport-pgmq"):
        for reason in ("lost", "lost", "refused"):
            fail(logger, path, reason)
    assert len(stream.getvalue().splitlines()) == 6
    logger.info("up", extra={"event": "connected", "path": "transport-redis"})
    for path in ("transports/transport-redis", "transports/transport-pgmq"):
        fail(logger, path)
    assert stream.getvalue().splitlines()[6:] == ["up", "transports/transport-redis failed: lost"]


def test_a_worker_that_fails_is_written_each_time_with_its_traceback(
    log: tuple[logging.Logger, io.StringIO],
) -> None:
    logger, stream = log
    for _ in range(3):
        fail(logger, "root/greeter")
    assert stream.getvalue().count("ConnectionRefusedError: nobody there") == 3


def test_whoever_wants_to_know_everything_gets_the_traceback_of_a_transport_too(
    log: tuple[logging.Logger, io.StringIO],
) -> None:
    logger, stream = log
    fail(logger, "transports/transport-redis")
    assert "nobody there" not in stream.getvalue()
    logging.getLogger("callboard").setLevel(logging.DEBUG)
    fail(logger, "transports/transport-redis")
    assert "ConnectionRefusedError: nobody there" in stream.getvalue()
