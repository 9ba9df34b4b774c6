"""The debate in a real browser: the work of all three is shown while they do it."""

import pytest
from playwright.sync_api import expect

from callboard.examples.debate.debater import DEBATERS
from tests.examples.talking.running import Server
from tests.servers.browser import Pages

expect.set_options(timeout=30_000)


@pytest.mark.check("M154", "M158")
def test_the_jobs_of_all_three_are_cards_and_the_reply_has_all_of_them(pages: Pages) -> None:
    with Server(module="callboard.examples.debate") as server:
        page = pages.open(server.link)
        expect(page.locator("#floor")).to_have_text("you talk to moderator")
        page.get_by_label("Say something").fill("Is tea better than coffee?")
        page.keyboard.press("Enter")
        for name in DEBATERS:
            card = page.locator(".card", has_text=f"{name}, argue")
            expect(card.locator(".status")).to_have_text("completed")
        reply = page.locator(".turn[data-speaker=moderator] .words").last
        expect(reply).to_contain_text("And the analyst: ")
        expect(reply).to_contain_text("small habits are kept")
        expect(page.locator(".tool summary")).to_have_text("moderator uses debate – done")
