"""A codec handed to a transport over Postgres is what turns messages into the rows' bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from callboard import Child, Node, Supervisor
from callboard.actors.testing import eventually
from callboard.transports.pgmq.transport import PgmqTransport
from tests.transports.codec.test_transports import Greet, Greeter, Turned

pytestmark = pytest.mark.realtime


@pytest.mark.check("M98")
async def test_messages_pass_postgres_in_the_codec_that_was_handed_over(
    made: Callable[..., PgmqTransport],
) -> None:
    codec = Turned()
    there = Node(Supervisor([Child("greeter", Greeter)]), transports=[made(codec=codec)])
    here = Node(Supervisor, transports=[made(codec=codec)])
    async with there, here:
        await eventually(lambda: here.ref("greeter") is not None, within=30)
        ref = here.ref("greeter")
        assert ref is not None
        assert await asyncio.wait_for(ref.ask(Greet("Ada")), 30) == Greet("ADA")
    assert codec.encoded == codec.decoded == [Greet("Ada"), Greet("ADA")]
