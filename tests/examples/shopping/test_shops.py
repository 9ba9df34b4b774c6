"""The workers behind the clerk, each asked by jobs."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from callboard import Child, JobCancelled, JobFailed, JobUpdate, Node, Supervisor
from callboard.actors.testing import eventually
from callboard.examples.shopping.catalogue import SHOPS
from callboard.examples.shopping.shops import Comparer, Shop, Till

TREE = Supervisor(
    [
        *(Child(name, partial(Shop, name, 1.0)) for name in SHOPS),
        Child("comparer", Comparer),
        Child("till", Till),
    ]
)


async def test_the_cheapest_of_all_shops_is_found_and_each_price_told() -> None:
    async with Node(TREE) as node:
        async with node.job("comparer", "compare", "milk") as job:
            told = [event.data async for event in job if isinstance(event, JobUpdate)]
        assert job.response == "€1.08 at the supermarket"
        assert told[0] == {"text": "asking 3 shops", "part": 0.0}
        assert {each["text"] for each in told[1:]} == {
            "market: €1.38",
            "corner shop: €1.20",
            "supermarket: €1.08",
        }
        assert [each["part"] for each in told] == [0.0, 1 / 3, 2 / 3, 1.0]


async def test_what_nobody_sells_is_a_failure_that_says_so() -> None:
    async with Node(TREE) as node:
        with pytest.raises(JobFailed, match="no shop sells unicorns"):
            await node.request("comparer", "compare", "unicorns")


async def test_shops_are_asked_at_once_for_all_things() -> None:
    async with Node(TREE) as node:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        asked = [node.request("comparer", "compare", name) for name in ("milk", "tea", "bread")]
        assert len(await asyncio.gather(*asked)) == 3
        assert loop.time() - begun < 1.5


def busy(node: Node) -> list[str]:
    """The workers that do a job now."""
    return sorted(each.name for each in node.snapshot().workers if each.jobs)


async def test_a_comparison_that_is_cancelled_has_the_shops_stop_too() -> None:
    async with Node(TREE) as node:
        job = node.start_job("comparer", "compare", "milk")
        await eventually(lambda: busy(node) == sorted(["comparer", *SHOPS]))
        job.cancel("the user has cancelled it")
        await eventually(lambda: busy(node) == [])
        with pytest.raises(JobCancelled):
            await job


async def test_a_shop_that_is_lost_costs_its_price_alone() -> None:
    async with Node(TREE) as node:
        job = node.start_job("comparer", "compare", "milk")
        await eventually(lambda: "supermarket" in busy(node))
        await node.admin().terminate_child("supermarket")
        assert await job == "€1.20 at the corner shop"


async def test_the_till_takes_whole_orders_and_numbers_them() -> None:
    async with Node(TREE) as node:
        whole = {"items": ["1 bread"], "missing": []}
        assert await node.request("till", "order", whole) == 1
        with pytest.raises(JobFailed, match="this is missing: the day"):
            await node.request("till", "order", {"items": [], "missing": ["the day"]})
        assert await node.request("till", "order", whole) == 2
