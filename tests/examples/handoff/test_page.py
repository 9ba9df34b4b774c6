"""The hand-over in a real browser: who speaks, and that it was handed over, can be seen."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.examples.talking.running import Server
from tests.servers.browser import Pages

expect.set_options(timeout=30_000)


@pytest.fixture(scope="module", params=["handoff", "handoff.voices"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with Server(module=f"callboard.examples.{request.param}") as server:
        yield server


def say(page: Page, text: str) -> None:
    page.get_by_label("Say something").fill(text)
    page.keyboard.press("Enter")


def heard(page: Page, speaker: str, words: str) -> None:
    expect(
        page.locator(f".turn[data-speaker={speaker}] .words", has_text=words).last
    ).to_be_visible()


@pytest.mark.check("M154", "M156")
def test_a_hand_over_and_back_is_seen_on_the_page(pages: Pages, server: Server) -> None:
    page = pages.open(server.link)
    expect(page).to_have_title("Acme")
    heard(page, "greeter", "Hello, and welcome to Acme!")
    expect(page.locator("#floor")).to_have_text("you talk to greeter")
    say(page, "My lamp is broken")
    heard(page, "greeter", "I hand you over.")
    heard(page, "support", "Does it light up with another bulb?")
    expect(page.get_by_text("greeter hands over to support").last).to_be_visible()
    expect(page.locator("#floor")).to_have_text("you talk to support")
    expect(page.locator(".tool summary").first).to_contain_text("greeter uses transfer")
    say(page, "where is order 1042")
    heard(page, "support", "Order 1042, a lamp, is on its way")
    say(page, "no, that is all")
    heard(page, "greeter", "Here is the greeter again.")
    expect(page.locator("#floor")).to_have_text("you talk to greeter")


def test_each_page_has_a_conversation_of_its_own(pages: Pages, server: Server) -> None:
    one, other = pages.open(server.link), pages.open(server.link)
    say(one, "My name is Ada")
    heard(one, "greeter", "Nice to meet you, Ada!")
    say(other, "What is my name?")
    heard(other, "greeter", "You have not told me your name yet.")
