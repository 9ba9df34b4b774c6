"""What the page says is ordered, and what is missing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from callboard.examples.shopping.area import AREA, DAYS
from callboard.examples.shopping.catalogue import SHOPS, list_price, money, price_at
from callboard.examples.shopping.order import Item, Order, read_order
from callboard.examples.shopping.text_page import TextPage
from callboard.examples.talking.page_frames import CommandFrame, SnapshotFrame
from callboard.examples.talking.page_view import PageRefused, PageView


async def unsent(frame: object) -> None:
    raise AssertionError("nothing is sent")


def view(page: TextPage) -> PageView:
    seen = PageView(unsent)
    seen.saw(SnapshotFrame(page.look()))
    return seen


def do(page: TextPage, action: str, ref: str, value: object = None) -> str:
    error, added = page.obey(CommandFrame("c", action, ref, value))
    assert error == ""
    return added


def test_an_order_is_read_from_what_is_seen() -> None:
    page = TextPage(AREA)
    empty = read_order(view(page))
    assert empty == Order((), "", "", "", gift=False)
    assert empty.missing == ["something on the list", "the name", "the address", "the day"]
    do(page, "add", "list", {"name": "litres of milk", "amount": "2"})
    do(page, "add", "list", {"name": "unicorns", "amount": "1"})
    do(page, "fill", "name", "Ada")
    do(page, "fill", "address", "12 St James Square")
    do(page, "select", "day", "Friday")
    do(page, "fill", "gift", True)
    order = read_order(view(page))
    assert order.missing == []
    assert order.as_json() == {
        "items": ["2 litres of milk", "1 unicorns"],
        "total": "€2.40 without unicorns",
        "name": "Ada",
        "address": "12 St James Square",
        "day": "Friday",
        "gift": True,
        "missing": [],
    }


@pytest.mark.parametrize("written", ["", "much", "-1", "0"])
def test_an_amount_that_is_no_amount_is_missing(written: str) -> None:
    page = TextPage(AREA)
    do(page, "add", "list", {"name": "milk", "amount": written})
    assert "how much milk" in read_order(view(page)).missing


def test_a_page_without_the_form_is_none_of_ours() -> None:
    with pytest.raises(PageRefused):
        read_order(view(TextPage("<p>Nothing</p>")))


@pytest.mark.parametrize("name", ["apple", "Apples", "apples ", "bags of apples"])
def test_a_thing_is_found_in_one_or_in_many(name: str) -> None:
    item = Item("e1", "bags of apples", 2, "e2")
    assert Order((item,), "", "", "", gift=False).item(name) == item


def test_another_thing_is_not_found() -> None:
    item = Item("e1", "apple juice", 2, "e2")
    order = Order((item,), "", "", DAYS[0], gift=False)
    assert order.item("apple") is None
    assert replace(order, items=()).item("apple juice") is None


def test_prices_are_those_of_the_catalogue() -> None:
    assert list_price("Potatoes") == list_price("potato") == 1.90
    assert list_price("unicorns") is None
    assert {price_at(shop, "milk") for shop in SHOPS} == {1.08, 1.38, 1.2}
    assert price_at("market", "unicorns") is None
    assert money(4.8) == "€4.80"
