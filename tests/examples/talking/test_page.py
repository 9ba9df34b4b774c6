"""The page in a real browser: what it shows, how it is used, and what it never runs."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.examples.talking.running import Server
from tests.servers.browser import Pages

SHOP = "tests.examples.talking.shop"

EVIL = "<img src=x onerror=\"document.title='hacked'\"><script>document.title='hacked'</script>"

expect.set_options(timeout=30_000)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


@pytest.fixture(scope="module")
def shop() -> Iterator[Server]:
    with Server(module=SHOP) as server:
        yield server


def say(page: Page, text: str) -> None:
    page.get_by_label("Say something").fill(text)
    page.keyboard.press("Enter")


def turn(page: Page, speaker: str, words: str) -> Locator:
    """What a speaker has said."""
    found = page.locator(f".turn[data-speaker={speaker}] .words", has_text=words)
    expect(found.last).to_be_visible()
    return found.last


def open_page(pages: Pages, server: Server, **size: int | bool) -> Page:
    page = pages.open(server.link, **size)  # type: ignore[arg-type]
    expect(page.locator("#state")).to_have_text("connected")
    return page


@pytest.mark.check("M154")
def test_a_conversation_shows_who_speaks_hand_overs_tools_and_jobs(
    pages: Pages, server: Server
) -> None:
    page = open_page(pages, server)
    expect(page).to_have_title("Echo")
    turn(page, "greeter", "hello from greeter")
    expect(page.locator("#floor")).to_have_text("you talk to greeter")
    say(page, "tool")
    turn(page, "greeter", "I have looked")
    tool = page.locator(".tool")
    expect(tool.locator("summary")).to_have_text("greeter uses look \u2013 done")
    tool.locator("summary").click()
    expect(tool.locator("pre").first).to_contain_text('"at": "<b>it</b>"')
    expect(page.locator(".card .title")).to_have_text("eye, see")
    expect(page.locator(".card .status")).to_have_text("completed")
    say(page, "to support")
    turn(page, "support", "hello from support")
    expect(page.get_by_text("greeter hands over to support").last).to_be_visible()
    expect(page.locator("#floor")).to_have_text("you talk to support")


def test_nothing_that_is_said_is_read_as_html(pages: Pages, server: Server) -> None:
    page = open_page(pages, server)
    say(page, EVIL)
    turn(page, "greeter", "you said: <img")
    expect(page.locator(".mine .words")).to_have_text(EVIL)
    say(page, "tool")
    turn(page, "greeter", "I have looked")
    assert page.locator("#log img, #log script, #log b:has-text('it')").count() == 0
    assert page.title() == "Echo"


def test_a_listener_hears_whole_sentences_and_not_the_pieces(pages: Pages, server: Server) -> None:
    page = open_page(pages, server)
    say(page, "hi")
    live = page.locator("[aria-live=polite]")
    expect(live).to_contain_text("greeter: you said: hi")
    assert page.get_by_role("log").get_attribute("aria-live") == "off"
    say(page, "to support")
    expect(live).to_contain_text("greeter hands over to support")
    assert page.get_by_role("status").inner_text() == "connected"


def test_the_keyboard_is_enough(pages: Pages, server: Server) -> None:
    page = open_page(pages, server)
    expect(page.get_by_label("Say something")).to_be_focused()
    page.keyboard.type("long")
    page.keyboard.press("Enter")
    turn(page, "greeter", "and so on")
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_text("interrupted", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Stop")).to_be_hidden()
    page.keyboard.press("Shift+Tab")  # the last of the suggestions
    page.keyboard.press("Enter")
    turn(page, "greeter", "bare words")
    expect(page.get_by_label("Say something")).to_be_focused()


def test_the_stop_button_interrupts_and_the_next_line_does_too(
    pages: Pages, server: Server
) -> None:
    page = open_page(pages, server)
    say(page, "long")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".cut")).to_have_count(1)
    say(page, "long")
    turn(page, "greeter", "and so on")
    say(page, "hi")
    turn(page, "greeter", "you said: hi")
    expect(page.locator(".cut")).to_have_count(2)


def test_a_crash_and_trouble_are_told_and_the_talk_goes_on(pages: Pages, server: Server) -> None:
    page = open_page(pages, server)
    say(page, "crash")
    expect(page.locator(".wrong")).to_have_text("greeter is lost: failed: RuntimeError: told to")
    expect(page.locator(".well")).to_have_text("greeter is back")
    say(page, "trouble")
    expect(page.locator(".wrong").last).to_have_text("it does not work")
    say(page, "hi")
    turn(page, "greeter", "you said: hi")


def test_an_end_offers_to_begin_again(pages: Pages, server: Server) -> None:
    page = open_page(pages, server)
    say(page, "bye")
    expect(page.locator("#state")).to_have_text("ended")
    expect(page.get_by_role("button", name="Send")).to_be_disabled()
    page.get_by_role("button", name="Begin again").click()
    expect(page.locator("#state")).to_have_text("connected")
    expect(page.get_by_text("a new session begins").last).to_be_visible()
    say(page, "hi")
    turn(page, "greeter", "you said: hi")


def test_two_pages_are_two_sessions(pages: Pages, server: Server) -> None:
    one, other = open_page(pages, server), open_page(pages, server)
    say(one, "to support")
    turn(one, "support", "hello from support")
    say(other, "still there")
    turn(other, "greeter", "you said: still there")
    expect(other.locator("#floor")).to_have_text("you talk to greeter")


def test_a_lost_connection_is_made_again(pages: Pages) -> None:
    with Server() as server:
        page = open_page(pages, server)
        turn(page, "greeter", "hello from greeter")
        port = server.address.rpartition(":")[2]
        server.stop(signal.SIGKILL)
        expect(page.locator("#state")).to_have_text("not connected")
        expect(page.get_by_text(re.compile("The connection was lost"))).to_be_visible()
        say(page, "not lost")
        expect(page.get_by_label("Say something")).to_have_value("not lost")
        with Server("--port", port):
            expect(page.locator("#state")).to_have_text("connected")
            expect(page.get_by_text("a new session begins").last).to_be_visible()
            page.keyboard.press("Enter")
            turn(page, "greeter", "you said: not lost")
    # The browser itself says that nobody listened.
    pages.problems[:] = [each for each in pages.problems if "ERR_CONNECTION_REFUSED" not in each]


def test_a_full_house_is_told_with_its_reason(pages: Pages) -> None:
    with Server("--at-once", "1") as server:
        open_page(pages, server)
        page = pages.open(server.link)
        expect(page.locator("#why")).to_have_text("somebody else is talking: try again later")
        expect(page.locator("#state")).to_have_text("closed")


@pytest.mark.parametrize(
    ("width", "height", "dark"), [(1280, 800, False), (1280, 800, True), (360, 640, False)]
)
def test_it_fits_wide_and_narrow_windows(
    pages: Pages, shop: Server, width: int, height: int, dark: bool
) -> None:
    page = open_page(pages, shop, width=width, height=height, dark=dark)
    say(page, "x" * 300 + " prices every 9")
    turn(page, "clerk", "I am looking.")
    assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
    for name in ("Say something", "Name"):
        box = page.get_by_label(name, exact=True).bounding_box()
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= width
    send = page.get_by_role("button", name="Send", exact=True).bounding_box()
    assert send is not None and send["y"] + send["height"] <= height
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    red = int(re.findall(r"\d+", background)[0])
    assert (red < 128) is dark


# -- the area of the example ----


def test_nothing_that_the_area_of_an_example_holds_can_run(pages: Pages) -> None:
    with Server("--hostile", module=SHOP) as server:
        page = open_page(pages, server)
        page.get_by_role("heading", name="Hostile").click()
        page.get_by_label("Name", exact=True).focus()
        page.get_by_text("link").click()
        page.get_by_role("button", name="Send it").click()
        turn(page, "clerk", "I saw a submit")
        assert page.evaluate("window.hacked") is None
        assert page.locator("#app-area script, #app-area iframe, #app-area img").count() == 0
        assert page.url == server.link
    asked_for = [each for each in pages.problems if each.startswith("request")]
    pages.problems.clear()  # the browser tells of all that it has refused
    assert asked_for == []


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        ("my name is Ada", "name", "Ada"),
        ("on Tuesday", "day", "tue"),
    ],
)
def test_a_worker_fills_and_selects_by_talking(
    pages: Pages, shop: Server, line: str, field: str, value: str
) -> None:
    page = open_page(pages, shop)
    turn(page, "clerk", "What do you need?")
    say(page, line)
    expect(page.locator(f"#{field}")).to_have_value(value)


def test_a_worker_ticks_a_box_clicks_and_highlights(pages: Pages, shop: Server) -> None:
    page = open_page(pages, shop)
    turn(page, "clerk", "What do you need?")
    say(page, "it is a gift")
    expect(page.locator("#gift")).to_be_checked()
    say(page, "where is it sent")
    expect(page.locator("#app-area #send")).to_have_class("highlighted")
    expect(page.locator("#app-area #send")).not_to_have_class("highlighted")
    say(page, "on Sunday")
    expect(page.locator(".tool[data-status=failed]")).to_contain_text("no option Sunday")


def test_items_come_into_a_list_and_leave_it_by_talking_and_by_hand(
    pages: Pages, shop: Server
) -> None:
    page = open_page(pages, shop)
    turn(page, "clerk", "What do you need?")
    items = page.get_by_role("list", name="Shopping list").get_by_role("listitem")
    for number, line in enumerate(("two lamps", "three nails", "one hammer"), 1):
        say(page, f"I need {line}")
        expect(items).to_have_count(number)
    expect(items.first).to_contain_text("lamps")
    say(page, "no lamps")
    expect(items).to_have_count(2)
    items.first.get_by_role("button", name="Remove").click()
    expect(items).to_have_count(1)
    turn(page, "clerk", "I saw a click of")


def test_the_worker_hears_of_what_the_user_does_and_sees_no_secret(
    pages: Pages, shop: Server
) -> None:
    page = open_page(pages, shop)
    turn(page, "clerk", "What do you need?")
    page.get_by_label("Name", exact=True).fill("Grace")
    page.keyboard.press("Tab")
    turn(page, "clerk", "I saw a change of name: Grace.")
    page.locator("#app-area #send").click()
    turn(page, "clerk", "I saw a submit of order")
    say(page, "what is there")
    seen = page.locator(".tool .result").last
    page.locator(".tool summary").last.click()
    expect(seen).to_contain_text("[name] textbox 'Name' = 'Grace'")
    expect(seen).to_contain_text("[day] combobox 'Day' = 'Monday' of Monday, Tuesday")
    expect(seen).to_contain_text("[secret] textbox 'Secret'")
    expect(seen).not_to_contain_text("hidden")
    assert page.url.endswith("/client")  # the form was not sent anywhere


def test_a_job_in_the_background_is_a_card_that_can_be_cancelled(
    pages: Pages, shop: Server
) -> None:
    page = open_page(pages, shop)
    turn(page, "clerk", "What do you need?")
    say(page, "prices every 60")
    card = page.locator(".card")
    expect(card.locator(".text")).to_have_text("shop 1 of 4")
    expect(card.locator("progress")).to_have_attribute("value", "0.25")
    page.get_by_role("button", name="Cancel Prices").click()
    expect(card.locator(".status")).to_have_text("cancelled")
    expect(card.get_by_role("button")).to_have_count(0)
    turn(page, "clerk", "Prices: cancelled")
    say(page, "prices every 0.05")
    expect(card).to_have_count(2)
    expect(card.first.locator(".status")).to_have_text("completed")
    expect(card.first.locator(".text")).to_have_text("the cheapest costs 3")
