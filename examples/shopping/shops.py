"""The workers behind the clerk: shops that know their prices, who compares them, and the till."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping
from typing import Any

from callboard import JobFailed, JobRequest, JobUpdate, Worker, job
from callboard.examples.shopping.catalogue import SHOPS, money, price_at

__all__ = ["Comparer", "Shop", "Till"]


class Shop(Worker):
    """Looks up what something costs at one shop; that takes a while."""

    def __init__(self, shop: str, takes: float) -> None:
        """Know the prices of this shop; `takes` seconds for one."""
        self.shop = shop
        self.takes = takes

    @job("price")
    async def price(self, request: JobRequest) -> float:
        """Return the price of one thing.

        Raises:
            JobFailed: it is not sold here.

        """
        await asyncio.sleep(self.takes)
        price = price_at(self.shop, str(request.payload))
        if price is None:
            raise JobFailed(f"the {self.shop} does not sell {request.payload}")
        await request.update(price)
        return price


class Comparer(Worker):
    """Asks all shops for a price, and tells which is the cheapest."""

    @job("compare")
    async def compare(self, request: JobRequest) -> str:
        """Return where one thing is cheapest; tell of each price as it comes.

        If this job is cancelled, so are those that the shops do for it.

        Raises:
            JobFailed: no shop sells it.

        """
        thing = request.payload
        prices: dict[str, float] = {}
        await request.update({"text": f"asking {len(SHOPS)} shops", "part": 0.0})
        group = self.job_group(*SHOPS, job="price", payload=thing, cancel_on_error=False)
        async with group:
            async for event in group:
                if isinstance(event, JobUpdate):
                    prices[event.worker] = event.data
                    text = f"{event.worker}: {money(event.data)}"
                    await request.update({"text": text, "part": len(prices) / len(SHOPS)})
        if not prices:
            raise JobFailed(f"no shop sells {thing}")
        cheapest = min(prices, key=lambda shop: prices[shop])
        return f"{money(prices[cheapest])} at the {cheapest}"


class Till(Worker):
    """Takes orders, and looks at them once more."""

    def __init__(self) -> None:
        """Begin with number 1."""
        self.orders: dict[int, Mapping[str, Any]] = {}
        self._numbers = itertools.count(1)

    @job("order")
    def order(self, request: JobRequest) -> int:
        """Take an order, and return its number.

        Raises:
            JobFailed: something is missing.

        """
        order: Mapping[str, Any] = request.payload
        if order["missing"]:
            raise JobFailed(f"this is missing: {', '.join(order['missing'])}")
        number = next(self._numbers)
        self.orders[number] = order
        return number
