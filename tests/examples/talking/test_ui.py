"""A worker that sees a page and acts on it, with a page played by the test."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest

from callboard.actors.testing import eventually
from callboard.examples.talking.events import (
    CardShown,
    PageCommanded,
    SessionEvent,
    ToolEnded,
)
from callboard.examples.talking.page_frames import (
    CommandDoneFrame,
    Element,
    PageEventFrame,
    SnapshotFrame,
)
from callboard.examples.talking.page_view import PageRefused, PageView
from callboard.examples.talking.session import Session
from tests.examples.talking.cast import said
from tests.examples.talking.shop import shop_example

FORM = [
    Element("order", "form", "Order"),
    Element("name", "textbox", "Name"),
    Element("day", "combobox", "Day", "Monday", ("Monday", "Tuesday")),
    Element("send", "button", "Send the order", disabled=True),
    Element("list", "list", "Shopping list"),
    Element("e1", "listitem", "milk 2", within="list"),
    Element("e2", "checkbox", "bought", "false", within="e1"),
    Element("e3", "listitem", "bread 1", within="list"),
    Element("e4", "checkbox", "bought", "false", within="e3"),
]


def view() -> PageView:
    async def send(frame: Any) -> None:
        raise AssertionError("nothing is to be sent")

    page = PageView(send)
    page.saw(SnapshotFrame(FORM))
    return page


class Played:
    """A session whose page is played: it notes events, and answers commands as it is told."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.events: list[SessionEvent] = []
        self.answers: list[Callable[[PageCommanded], str | None]] = []

    async def run(self) -> None:
        async for event in self.session:
            self.events.append(event)
            if isinstance(event, PageCommanded):
                error = self.answers.pop(0)(event)
                if error is not None:
                    await self.session.from_page(CommandDoneFrame(event.command, error, "new"))

    def of(self, kind: type[SessionEvent]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


@contextlib.asynccontextmanager
async def played() -> AsyncGenerator[Played]:
    async with Session(shop_example()) as session:
        it = Played(session)
        running = asyncio.create_task(it.run())
        await session.from_page(SnapshotFrame(FORM))
        await session.settled()
        yield it
        await session.end()
        await running


def test_an_element_is_found_by_its_ref_or_its_name() -> None:
    page = view()
    assert page.find("name") == page.find(" NAME ") == FORM[1]
    assert page.find("Order", "form") == FORM[0]
    assert [item.name for item in page.items("Shopping list")] == ["milk 2", "bread 1"]
    assert page.inside(FORM[5]) == [FORM[6]]


@pytest.mark.parametrize(
    ("name", "role", "text"),
    [
        ("age", None, "no element 'age'"),
        ("name", "button", "no button 'name'"),
        ("bought", None, "2 elements 'bought' on the page: e2, e4"),
    ],
)
def test_an_element_that_is_not_there_or_not_alone_is_an_error(
    name: str, role: str | None, text: str
) -> None:
    with pytest.raises(PageRefused, match=text):
        view().find(name, role)


def test_the_page_as_text_has_a_line_for_each_element() -> None:
    assert view().text.splitlines() == [
        "[order] form 'Order'",
        "[name] textbox 'Name'",
        "[day] combobox 'Day' = 'Monday' of Monday, Tuesday",
        "[send] button 'Send the order' (disabled)",
        "[list] list 'Shopping list'",
        "  [e1] listitem 'milk 2'",
        "    [e2] checkbox 'bought' = 'false'",
        "  [e3] listitem 'bread 1'",
        "    [e4] checkbox 'bought' = 'false'",
    ]


async def test_a_tool_acts_on_the_page_and_waits_for_its_answer() -> None:
    async with played() as page:
        page.answers = [lambda event: ""]
        await page.session.say("my name is Ada")
        assert await page.session.settled(within=60)
        (command,) = page.of(PageCommanded)
        assert (command.action, command.ref, command.value) == ("fill", "name", "Ada")
        assert said(page.events)[-1] == "clerk: Written."


async def test_what_the_page_cannot_do_is_the_tools_error() -> None:
    async with played() as page:
        page.answers = [lambda event: "there is no option Friday"]
        await page.session.say("on Friday")
        assert await page.session.settled(within=60)
        (ended,) = page.of(ToolEnded)
        assert "there is no option Friday" in ended.error


async def test_a_page_that_does_not_answer_is_an_error_after_a_while() -> None:
    async with played() as page:
        page.answers = [lambda event: None]
        await page.session.say("on Friday")
        assert await page.session.settled(within=60)
        (ended,) = page.of(ToolEnded)
        assert "does not answer" in ended.error


async def test_a_list_is_read_and_an_item_is_taken_out() -> None:
    async with played() as page:
        page.answers = [lambda event: ""]
        await page.session.say("no bread")
        assert await page.session.settled(within=60)
        (command,) = page.of(PageCommanded)
        assert (command.action, command.ref) == ("remove", "e3")


async def test_what_the_user_does_on_the_page_reaches_the_worker() -> None:
    async with played() as page:
        await page.session.from_page(PageEventFrame("change", "name", "Grace"))
        await eventually(lambda: "clerk: I saw a change of name: Grace." in said(page.events))


async def test_the_model_is_shown_the_page_whenever_it_runs() -> None:
    async with played() as page:
        await page.session.say("what is there")
        assert await page.session.settled(within=60)
        (ended,) = page.of(ToolEnded)
        assert "[name] textbox 'Name'" in ended.result


async def test_a_job_in_the_background_is_a_card_up_to_its_end() -> None:
    async with played() as page:
        await page.session.say("prices please")
        assert await page.session.settled(within=60)
        assert said(page.events)[-1] == "clerk: I am looking."
        await eventually(lambda: any("completed" in line for line in said(page.events)))
        cards: list[CardShown] = page.of(CardShown)
        assert len({card.card for card in cards}) == 1
        assert [(card.status, card.text, card.part) for card in cards] == [
            ("running", "", None),
            *(("running", f"shop {shop} of 4", shop / 4) for shop in range(1, 5)),
            ("completed", "the cheapest costs 3", None),
        ]
        assert [card.cancellable for card in cards] == [True] * 5 + [False]
        assert said(page.events)[-1] == "clerk: Prices: completed, the cheapest costs 3."


async def test_a_card_that_is_cancelled_cancels_its_job() -> None:
    async with played() as page:
        await page.session.say("prices please")
        await eventually(lambda: page.of(CardShown)[1:])
        await page.session.cancel(page.of(CardShown)[0].card)
        await eventually(lambda: said(page.events)[-1] == "clerk: Prices: cancelled, None.")
        assert page.of(CardShown)[-1].status == "cancelled"


async def test_a_job_in_the_background_outlives_who_has_asked_for_it() -> None:
    async with played() as page:
        await page.session.say("prices please")
        assert await page.session.settled(within=60)
        admin = page.session.node.admin()
        await admin.terminate_child("clerk")
        await admin.restart_child("clerk")
        await eventually(lambda: page.of(CardShown)[-1].status == "completed")
