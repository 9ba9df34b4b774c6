"""The page of text: what workers see of it, what it does, how it looks."""

from __future__ import annotations

import pytest

from callboard.examples.shopping.area import AREA
from callboard.examples.shopping.text_page import TextPage
from callboard.examples.talking.page_frames import CommandFrame, Element
from tests.examples.shopping.test_order import do, view

FORM = """
<h2 id="title">Order &amp; more</h2>
<label>Name <input id="name" value="Ada"></label>
<label for="note">Note</label><textarea id="note">two
lines</textarea>
<label>Secret <input type="password" id="secret" value="hidden"></label>
<label><input type="checkbox" id="gift" checked> Gift</label>
<label>Day <select id="day"><option>Monday</option><option value="tue">Tuesday</option></select>
</label>
<input placeholder="Hint"><input aria-label="Aria" disabled><input name="plain">
<output id="sum">7</output>
<ul id="list" aria-labelledby="title">
<template><li><span data-field="name"></span><input type="checkbox" data-field="done">
<button data-remove>Remove</button></li></template>
</ul>
<button id="send">Send it</button>
"""


def error_of(page: TextPage, action: str, ref: str, value: object = None) -> str:
    return page.obey(CommandFrame("c", action, ref, value))[0]


def test_elements_have_the_roles_names_and_values_of_a_page() -> None:
    assert TextPage(FORM).look() == [
        Element("title", "heading", "Order & more"),
        Element("name", "textbox", "Name", "Ada"),
        Element("note", "textbox", "Note", "two lines"),
        Element("secret", "textbox", "Secret", ""),
        Element("gift", "checkbox", "Gift", "true"),
        Element("day", "combobox", "Day", "Monday", ("Monday", "Tuesday")),
        Element("e7", "textbox", "Hint"),
        Element("e8", "textbox", "Aria", disabled=True),
        Element("e9", "textbox", "plain"),
        Element("sum", "status", "", "7"),
        Element("list", "list", "Order & more"),
        Element("send", "button", "Send it"),
    ]


def test_items_come_by_the_template_and_go() -> None:
    page = TextPage(FORM)
    first = do(page, "add", "list", {"name": "<b>tea</b>", "done": "yes", "other": "x"})
    seen = view(page)
    (item,) = seen.items("list")
    assert (item.ref, item.name) == (first, "<b>tea</b>")
    box, button = seen.inside(item)
    assert (box.role, box.value, button.name) == ("checkbox", "true", "Remove")
    do(page, "click", box.ref)
    assert view(page).inside(item)[0].value == "false"
    second = do(page, "add", "list", {})
    assert second != first
    do(page, "remove", first)
    assert [each.ref for each in view(page).items("list")] == [second]
    do(page, "click", view(page).inside(view(page).items("list")[0])[1].ref)
    assert view(page).items("list") == []


def test_fields_are_filled_and_options_selected() -> None:
    page = TextPage(FORM)
    do(page, "fill", "name", "Grace")
    do(page, "fill", "note", "short")
    do(page, "fill", "gift", False)
    do(page, "fill", "day", "TUE")
    found = {each.ref: each.value for each in page.look()}
    assert (found["name"], found["note"], found["gift"]) == ("Grace", "short", "false")
    assert found["day"] == "Tuesday"
    do(page, "select", "day", " monday ")
    assert {each.ref: each.value for each in page.look()}["day"] == "Monday"


@pytest.mark.parametrize(
    ("action", "ref", "value", "text"),
    [
        ("fill", "nothing", "x", "there is no element nothing"),
        ("fill", "sum", "x", "it is no field"),
        ("fill", "e8", "x", "it is disabled"),
        ("select", "day", "Sunday", "there is no option Sunday"),
        ("select", "name", "Sunday", "there is no option Sunday"),
        ("add", "send", {}, "it is no list with a template"),
        ("remove", "send", None, "it is no item of a list"),
        ("fly", "send", None, "there is no action fly"),
    ],
)
def test_what_it_cannot_do_it_says(action: str, ref: str, value: object, text: str) -> None:
    page = TextPage(FORM)
    before = page.look()
    assert error_of(page, action, ref, value) == text
    assert page.look() == before


def test_a_number_is_a_number() -> None:
    page = TextPage('<input type="number" id="n" value="1">')
    assert page.look()[0].role == "spinbutton"
    assert error_of(page, "fill", "n", "many") == "many is no value for it"
    do(page, "fill", "n", "2.5")
    assert page.look()[0].value == "2.5"


def test_it_looks_like_a_page_and_marks_what_is_highlighted_once() -> None:
    page = TextPage(AREA)
    assert [line for line in page.lines() if "(" in line] == ["  (Nothing yet)"]
    do(page, "add", str(page.look()[1].ref), {"name": "litres of milk", "amount": "2"})
    do(page, "fill", "name", "Ada")
    do(page, "highlight", "total")
    lines = list(page.lines())
    assert lines[:4] == [
        "  SHOPPING LIST",
        "  [ ] 2 litres of milk",
        "> Total: €0.00",
        "  DELIVERY",
    ]
    assert lines[4:] == [
        "  Name: Ada",
        "  Address:",
        "  Day: Choose a day",
        "  [ ] Gift",
        "  State: not sent",
    ]
    assert not any(line.startswith(">") for line in page.lines())
