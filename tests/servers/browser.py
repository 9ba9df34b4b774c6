"""A real Chromium without a window, driven by Playwright, for tests that look at pages.

For modules of plain tests: while its browser runs, Playwright's own loop is the thread's running
one, and no async test can run beside it. So the browser lasts for one module.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from callboard.examples.servers.programs import Program
from tests.servers.installing import provided

if TYPE_CHECKING:  # it takes a while to import, and most tests need none
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request

__all__ = ["CHROMIUM", "Pages"]

CHROMIUM = Program(
    "chromium",
    package="chromium",
    variable="CALLBOARD_CHROMIUM",
    # What /usr/bin has is a script that knows only one place.
    unpacked="usr/lib/chromium/chromium",
)

ARGUMENTS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

PATIENCE_MS = 30_000
"""How long Playwright waits for what a test expects: the machine may be busy."""

OUR_OWN = ("http://localhost:", "http://127.0.0.1:", "data:")


class Pages:
    """Opens pages, each by itself, and notes what goes wrong in them."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self.problems: list[str] = []
        """Errors of scripts, of the console, and requests to other machines."""

    def open(self, url: str, *, width: int = 1200, height: int = 800, dark: bool = False) -> Page:
        """Open a page in a profile of its own, empty as that of a new user."""
        context = self._browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
        )
        context.set_default_timeout(PATIENCE_MS)
        self._contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        page.on("console", self._note)
        page.on("requestfinished", self._note_request)
        page.on("requestfailed", self._note_request)
        page.goto(url)
        return page

    def close(self) -> None:
        for context in self._contexts:
            context.close()

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(f"{message.type}: {message.text}")

    def _note_request(self, request: Request) -> None:
        refused = request.failure == "csp"  # by the page's own policy: it was never made
        if not refused and not request.url.startswith(OUR_OWN):
            self.problems.append(f"request: {request.url}")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A Chromium for the plain tests of one module."""
    from playwright.sync_api import sync_playwright

    folder = tmp_path_factory.mktemp("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=provided(CHROMIUM, CHROMIUM.find),
            args=[*ARGUMENTS, f"--crash-dumps-dir={folder}"],
            downloads_path=folder,
        )
        yield browser
        browser.close()


@pytest.fixture
def pages(browser: Browser) -> Iterator[Pages]:
    """Opens pages for one test, which fails where one of them had a problem."""
    opened = Pages(browser)
    yield opened
    opened.close()
    assert opened.problems == []
