"""A small project to ask about."""

from pathlib import Path

__all__ = ["build_shop"]

FILES = {
    "README.md": "# Shop\n\nSells lamps, and counts them.\n",
    "pyproject.toml": """
[project]
name = "shop"
dependencies = ["orjson>=3", "click"]
optional-dependencies = { web = ["starlette"] }
[build-system]
requires = ["setuptools"]
""",
    "shop/__init__.py": '"""What the shop is made of."""\n',
    "shop/till.py": '''"""The till: takes money.

It gives change too.
"""

import json
import orjson

from shop.stock import Empty
from . import stock


class TillError(Exception):
    """The till is stuck."""


class Till:
    """Takes money."""

    def pay(self, amount: int) -> int:
        """Pay."""
        if amount < 0:
            raise ValueError("no")
        try:
            return stock.take(amount)
        except (Empty, KeyError):
            raise TillError from None
        finally:
            print("TODO: this is no comment")
''',
    "shop/stock.py": '''"""The stock."""
# TODO: count the lamps
import contextlib


class Empty(LookupError):
    pass


def take(amount: int) -> int:
    """Take some lamps."""
    with contextlib.suppress(OSError):
        open("/dev/null").close()
    try:
        return 1 // amount
    except:
        pass
    return 0  # FIXME negative amounts
''',
    "shop/page.js": "// TODO: a picture\nfetch('x')\n",
    "tests/test_till.py": "def test_pay() -> None: ...\ndef test_change() -> None: ...\n",
    "broken.py": "def (:\n",
}


def build_shop(folder: Path) -> Path:
    """Write the project into a folder."""
    for path, text in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder
