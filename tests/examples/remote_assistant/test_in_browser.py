"""The assistant behind a WebSocket, talked to in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from callboard.examples.servers.server import free_port
from tests.examples.remote_assistant.processes import assistant, listening
from tests.examples.talking.running import Server
from tests.servers.browser import Pages

MAIN = "callboard.examples.remote_assistant.main"

expect.set_options(timeout=60_000)


def hears(page: Page, words: str) -> None:
    """Wait until the assistant has said this."""
    said = page.locator(".turn[data-speaker=assistant] .words", has_text=words)
    expect(said.last).to_be_visible()


def say(page: Page, text: str, answer: str) -> None:
    page.get_by_label("Say something").fill(text)
    page.keyboard.press("Enter")
    hears(page, answer)


@pytest.mark.check("M164", "M165")
def test_each_page_has_an_assistant_that_may_be_killed_and_started_again(pages: Pages) -> None:
    port = str(free_port())
    with assistant("--port", port) as server:
        url = listening(server)
        with Server("--remote-url", url, module=MAIN) as main:
            one, other = pages.open(main.link), pages.open(main.link)
            for page, name in ((one, "Ada"), (other, "Ben")):
                hears(page, "What can I do for you?")
                say(page, f"My name is {name}", f"Nice to meet you, {name}.")
            server.kill()
            for page in (one, other):
                expect(page.locator(".wrong")).to_contain_text("assistant is lost")
            with assistant("--port", port):
                for page, name in ((one, "Ada"), (other, "Ben")):
                    expect(page.locator(".well").last).to_have_text("assistant is back")
                    say(page, "What is my name?", f"Your name is {name}.")
