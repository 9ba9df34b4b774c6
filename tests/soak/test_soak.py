"""A soak: random crashes, cancels, timeouts and floods, and at the end every one accounted for.

It runs for `CALLBOARD_SOAK_SECONDS` (default 6; `make soak` takes ten minutes).
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
from collections import Counter

import pytest

from callboard import CallboardError, Child, DeadLetter, JobError, MailboxFull, Node
from callboard.actors.testing import LeakCheck
from tests.soak.company import HANDLED, Blow, Company, Server, Shake

logger = logging.getLogger(__name__)

SECONDS = float(os.environ.get("CALLBOARD_SOAK_SECONDS", "6"))
SEED = int(os.environ.get("CALLBOARD_SOAK_SEED", str(random.randrange(1_000_000))))

SERVERS = ["server-0", "server-1", "server-2", "server-3", "fragile"]
JOBS = ["quick", "slow", "in_turn", "stream", "fail", "raise", "later", "nested", "unknown"]


class Account:
    """What was begun, and how each of it ended."""

    def __init__(self) -> None:
        self.begun: Counter[str] = Counter()
        self.ended: Counter[str] = Counter()
        self.how: Counter[str] = Counter()

    def begin(self, kind: str) -> None:
        self.begun[kind] += 1

    def end(self, kind: str, how: str) -> None:
        self.ended[kind] += 1
        self.how[f"{kind} {how}"] += 1


async def ask_for_jobs(node: Node, account: Account, chance: random.Random, until: float) -> None:
    """Ask for one job after another; some are cancelled, some left, some time out."""
    loop = asyncio.get_running_loop()
    while loop.time() < until:
        worker = chance.choice([*SERVERS, "blocking", "passing-7", "nobody"])
        name = "quick" if worker == "blocking" else chance.choice(JOBS)
        timeout = chance.choice([0.01, 0.05, 2.0])
        account.begin("job")
        try:
            if chance.random() < 0.2:
                handle = node.start_job(worker, name, 1, timeout=timeout)
                loop.call_later(chance.uniform(0, 0.03), handle.cancel)
                await handle
            elif chance.random() < 0.3:
                async with node.job(worker, name, 1, timeout=timeout) as streamed:
                    async for _ in streamed:
                        if chance.random() < 0.1:
                            break
            else:
                await node.request(worker, name, 1, timeout=timeout)
        except JobError as error:
            account.end("job", type(error).__name__)
        else:
            account.end("job", "completed")


async def ask_in_groups(node: Node, account: Account, chance: random.Random, until: float) -> None:
    """Ask several at once."""
    loop = asyncio.get_running_loop()
    while loop.time() < until:
        members = chance.sample(SERVERS, 3)
        account.begin("group")
        try:
            async with node.job_group(
                *members,
                job=chance.choice(JOBS),
                timeout=0.1,
                cancel_on_error=chance.random() < 0.5,
            ):
                pass
        except JobError as error:
            account.end("group", type(error).__name__)
        else:
            account.end("group", "completed")


async def flood(node: Node, basin: str, account: Account, chance: random.Random) -> None:
    """Send a thousand messages at once; each is taken, refused or waits for room."""
    for _ in range(1000):
        account.begin(basin)
        message = Blow(crash=chance.random() < 0.001)
        try:
            if basin == "basin-wait":
                await node.send(basin, message)
            else:
                node.tell(basin, message)
        except MailboxFull:
            account.end(basin, "refused")


async def make_waves(node: Node, account: Account, chance: random.Random, until: float) -> None:
    """Flood every basin, again and again."""
    while asyncio.get_running_loop().time() < until:
        for basin in ("basin-reject", "basin-oldest", "basin-newest", "basin-wait"):
            await flood(node, basin, account, chance)
        await asyncio.sleep(0.05)


async def shake(node: Node, chance: random.Random, until: float) -> None:
    """Crash a worker at random, and let passing ones come and go."""
    pool = node.admin("passing")
    number = 0
    while asyncio.get_running_loop().time() < until:
        await asyncio.sleep(0.01)
        victim = chance.choice([*SERVERS, "blocking", "basin-reject", "basin-wait"])
        node.tell(victim, Shake())
        name = f"passing-{number % 10}"
        number += 1
        try:
            await pool.start_child(Child(name, Server))
        except CallboardError:
            await pool.terminate_child(name)
            await pool.delete_child(name)


@pytest.mark.soak
@pytest.mark.realtime(patience=SECONDS + 60)
@pytest.mark.check("M82", "S60", "M37")
async def test_after_random_trouble_nothing_is_left_and_everything_is_accounted_for() -> None:
    logger.info("soak: %g s, seed %d", SECONDS, SEED)
    chance, account, leaks = random.Random(SEED), Account(), LeakCheck()
    HANDLED.clear()
    async with Node(Company) as node:
        dropped: Counter[str] = Counter()
        add = node.dead_letters.add

        def count_and_add(letter: DeadLetter) -> None:
            if isinstance(letter.envelope.message, Blow):
                dropped[letter.envelope.target.name] += 1
            add(letter)

        node.dead_letters.add = count_and_add  # type: ignore[method-assign]
        until = asyncio.get_running_loop().time() + SECONDS
        callers = [ask_for_jobs(node, account, chance, until) for _ in range(30)]
        groups = [ask_in_groups(node, account, chance, until) for _ in range(5)]
        trouble = [make_waves(node, account, chance, until), shake(node, chance, until)]
        await asyncio.gather(*callers, *groups, *trouble)
        await node.drain()
    await leaks.verify()
    assert account.begun["job"] == account.ended["job"] > 0
    assert account.begun["group"] == account.ended["group"] > 0
    for basin in ("basin-reject", "basin-oldest", "basin-newest", "basin-wait"):
        refused = account.how[f"{basin} refused"]
        assert account.begun[basin] == HANDLED[basin] + refused + dropped[basin], (basin, SEED)
    logger.info("soak: %s", sorted(account.how.items()))
