"""Order: what the page says is ordered, and what is missing. Pure: a view in, facts out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from callboard.examples.shopping.area import ADDRESS, DAY, DAYS, GIFT, LIST, NAME
from callboard.examples.shopping.catalogue import list_price, money
from callboard.examples.shopping.phrases import counted, unlabelled
from callboard.examples.talking.page_frames import Element
from callboard.examples.talking.page_view import PageView

__all__ = ["Item", "Order", "read_order"]


@dataclass(frozen=True)
class Item:
    """One thing on the list."""

    ref: str
    label: str
    """As it stands there."""
    amount: float
    """0: there is none that is a number."""
    amount_ref: str

    @property
    def name(self) -> str:
        """What it is, without its unit."""
        return unlabelled(self.label)[0]

    @property
    def text(self) -> str:
        """The thing and how much of it."""
        return f"{counted(self.amount)} {self.label}"


@dataclass(frozen=True)
class Order:
    """All that the page says."""

    items: tuple[Item, ...]
    name: str
    address: str
    day: str
    """Empty: none is chosen."""
    gift: bool

    def item(self, name: str) -> Item | None:
        """Return the thing of this name, in one or in many, with or without its unit."""
        wanted = name.strip().casefold()
        for item in self.items:
            known = {item.name.casefold(), item.label.casefold()}
            if wanted in known or wanted.removesuffix("s") in {k.removesuffix("s") for k in known}:
                return item
        return None

    @property
    def total(self) -> str:
        """What all of it costs, and what nobody can say that of."""
        costs = 0.0
        unknown: list[str] = []
        for item in self.items:
            price = list_price(item.name)
            if price is None:
                unknown.append(item.name)
            else:
                costs += price * item.amount
        return money(costs) + (f" without {', '.join(unknown)}" if unknown else "")

    @property
    def missing(self) -> list[str]:
        """What has to be there before it can be sent."""
        missing = [] if self.items else ["something on the list"]
        missing += [f"how much {item.name}" for item in self.items if not item.amount > 0]
        fields = {"the name": self.name, "the address": self.address, "the day": self.day}
        return missing + [name for name, value in fields.items() if not value.strip()]

    def as_json(self) -> dict[str, Any]:
        """Return it for a model, and for the till."""
        return {
            "items": [item.text for item in self.items],
            "total": self.total,
            "name": self.name,
            "address": self.address,
            "day": self.day,
            "gift": self.gift,
            "missing": self.missing,
        }


def read_order(page: PageView) -> Order:
    """Return what the page says.

    Raises:
        PageRefused: it has no list or no form of ours.

    """
    day = page.find(DAY, "combobox").value
    return Order(
        tuple(_item(page, each) for each in page.items(LIST)),
        page.find(NAME, "textbox").value,
        page.find(ADDRESS, "textbox").value,
        day if day in DAYS else "",
        page.find(GIFT, "checkbox").value == "true",
    )


def _item(page: PageView, element: Element) -> Item:
    amounts = [each for each in page.inside(element) if each.role == "spinbutton"]
    written = amounts[0] if amounts else Element("", "")
    try:
        amount = max(float(written.value), 0.0)
    except ValueError:
        amount = 0.0
    return Item(element.ref, element.name, amount, written.ref)
