"""What the settings of the long poll lead to, where notifications do not come."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from callboard.actors.testing import eventually
from callboard.transports.pgmq.transport import PgmqTransport
from tests.transports.pgmq.backends import Noting
from tests.transports.pgmq.ends import End

pytestmark = pytest.mark.realtime


@pytest.mark.check("M111")
async def test_a_reader_looks_for_the_longest_poll_and_then_again(
    noting: Callable[..., Noting], channel: str
) -> None:
    backend = noting()
    backend.hears = False
    transport = PgmqTransport(backend=backend, channel=channel, max_poll_seconds=0.2)
    async with End("a", transport) as a:
        await a.opened()

        def empty() -> list[float]:
            return [reading.wait for reading, found in backend.looks if reading.wait and not found]

        # Each has come back to the reader, with nothing: none of them blocks for ever.
        await eventually(lambda: len(empty()) >= 3, within=30)
        assert set(empty()) == {0.2}
