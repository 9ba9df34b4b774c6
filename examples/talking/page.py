"""The page: one file of HTML with its style and script inside, and the headers that guard it."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path

__all__ = ["headers", "html"]

FILE = Path(__file__).with_name("page.html")

STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)
SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


@cache
def html() -> str:
    """Return the page."""
    return FILE.read_text(encoding="utf-8")


@cache
def headers() -> dict[str, str]:
    """Return the headers of the page: no style and no script but its own, nothing from elsewhere.

    What an example or a model says can so never run, even if the page did show it as HTML.
    """
    policy = {
        "default-src": "'none'",
        "style-src": _hashes(STYLE),
        "script-src": _hashes(SCRIPT),
        "connect-src": "'self'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }


def _hashes(pattern: re.Pattern[str]) -> str:
    digests = (hashlib.sha256(found.encode()).digest() for found in pattern.findall(html()))
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
