"""Two Pipecat processes and two nodes of ours on one channel: one conversation among them all."""

from __future__ import annotations

import asyncio
import itertools
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from callboard import Backoff, Child, Node, Restarts, Supervisor
from callboard.examples.servers.redis_server import RedisServer
from callboard.transports.pipecat.transport import PipecatRedisTransport
from tests.transports.pipecat.cast import Log, is_ready, ours, until
from tests.transports.pipecat.test_frames import Ear, came
from tests.transports.pipecat.theirs import Theirs

pytestmark = pytest.mark.realtime


class Conversation:
    """A user at a pipeline of theirs: each word is answered by one worker, once."""

    def __init__(self, theirs: Theirs) -> None:
        self._theirs = theirs
        self._words = itertools.count(1)
        self.answered = 0

    async def say(self) -> str:
        word = f"word {next(self._words)}"
        await self._theirs.do(
            "push", worker="main", **{"class": "TextFrame", "fields": {"text": word}}
        )
        return word

    async def hear(self, answer: str, of: int = 1) -> None:
        """Wait for an answer, one of so many that are open."""
        frame = {"class": "TextFrame", "text": answer}
        await until(lambda: frame in came(self._theirs, "main after"))
        said = [each for each in came(self._theirs, "main after") if "text" in each]
        assert said.count(frame) == 1
        assert len(said) <= self.answered + of

    async def answered_by(self, worker: str) -> None:
        word = await self.say()
        theirs = worker in ("kid", "twin")
        await self.hear(f"{worker}: {word.upper()}" if theirs else f"{worker} heard {word}")
        self.answered += 1


@pytest.mark.check("M141")
async def test_all_hand_over_to_each_other_and_a_killed_worker_costs_only_its_restart(
    redis_server: RedisServer, channel: str
) -> None:
    url, log = redis_server.url, Log()

    def node(name: str, worker: str, helper: str) -> Node:
        children = [Child(worker, partial(Ear, log, active=False)), ours(helper, log)]
        transport = PipecatRedisTransport(url, channel=channel)
        # Down for so long that all that is said meanwhile comes while it is.
        slowly = Supervisor(children, restarts=Restarts(1000, backoff=Backoff(min=1)))
        return Node(slowly, name=name, transports=[transport])

    with (
        Theirs(redis=url, channel=channel, doers=["doer"], mains={"main": None}) as first,
        Theirs(redis=url, channel=channel, children={"kid": []}) as second,
    ):
        async with node("a", "ear", "clerk") as a, node("b", "mouth", "scribe") as b:
            await first.ready()
            await second.ready()
            for each in (a, b):
                for name in ("doer", "main", "kid"):
                    await until(partial(is_ready, each, name))
            await until(lambda: is_ready(a, "mouth") and is_ready(b, "ear"))
            for process in (first, second):
                await process.knows("ear", "mouth", "clerk", "scribe")

            # Each runs jobs on each.
            for asker in (a, b):
                for worker in ("doer", "clerk", "scribe"):
                    found = await asker.request(worker, "echo", {"by": asker.name}, timeout=60)
                    assert found == {"echo": {"by": asker.name}}
            for worker in ("clerk", "scribe"):
                found = await first.do("job", by="doer", worker=worker, name="steps")
                assert found["response"] == {"steps": 3}

            # The conversation begins with a worker of theirs, and comes to one of ours.
            talk = Conversation(first)
            await first.do("activate", by="doer", worker="kid", args={})
            await second.until("activated", worker="kid")
            await talk.answered_by("kid")
            await second.do("activate", by="kid", worker="ear", args={}, deactivate_self=True)
            await until(lambda: ("activated", ("ear", {})) in log)
            await talk.answered_by("ear")

            # It is killed in the middle; whoever speaks to it notices nothing.
            started = log.count(("started", "ear"))
            a.admin().kill("ear", "in mid-conversation")
            words = [await talk.say() for _ in range(3)]
            for word in words:
                await talk.hear(f"ear heard {word}", of=len(words))
            talk.answered += len(words)
            await talk.answered_by("ear")
            await until(lambda: log.count(("started", "ear")) == started + 1)
            found = await first.do("job", by="doer", worker="ear", name="echo")
            assert found["response"] == {"echo": None}

            # On to the other node, to theirs, and back.
            await a.request("ear", "activate", ("mouth", {"turn": 1}, True), timeout=60)
            await until(lambda: ("activated", ("mouth", {"turn": 1})) in log)
            await talk.answered_by("mouth")
            await b.request("mouth", "activate", ("kid", {"turn": 2}, True), timeout=60)
            await second.until("activated", worker="kid", args={"turn": 2})
            await talk.answered_by("kid")
            await second.do("activate", by="kid", worker="mouth", args={}, deactivate_self=True)
            await until(lambda: log.count(("activated", ("mouth", {}))) == 1)
            await talk.answered_by("mouth")
            for each in (a, b):
                counts = each.events.counts
                assert not [kind for kind in counts if kind.startswith(("rejected", "frames_lost"))]


@pytest.mark.check("M141")
async def test_the_command_line_joins_a_channel_without_pipecat(
    redis_server: RedisServer, channel: str
) -> None:
    """`callboard run`, in a process that has no Pipecat to import."""
    url = f"{redis_server.url}?channel={channel}&format=pipecat"
    script = (
        "import sys; sys.modules['pipecat'] = None\n"
        "from callboard.supervision.cli import main\n"
        "sys.argv[0] = 'callboard'; main()\n"
    )
    run = [sys.executable, "-c", script, "run", "house:tree", "--transport", url]
    with Theirs(redis=redis_server.url, channel=channel, doers=["doer"]) as theirs:
        process = await asyncio.to_thread(subprocess.Popen, run, cwd=Path(__file__).parent)
        try:
            await theirs.ready()
            await theirs.knows("usher")
            found = await theirs.do("job", by="doer", worker="usher", name="seat")
            assert found["response"] == {"row": 7}
        finally:
            process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(process.wait, 30) == 0
