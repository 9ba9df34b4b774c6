"""The pytest plugin: runs `async def` tests on virtual time, with a leak check after each.

It is on for tests marked `@pytest.mark.company`, and for all `async def` tests where the
configuration says `callboard_async = true`. `@pytest.mark.realtime` asks for the real clock.
"""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pytest

from .leaks import LeakCheck
from .loop import run_virtual

__all__: list[str] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the setting."""
    parser.addini(
        "callboard_async", "run every async test on virtual time", type="bool", default=False
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marks."""
    config.addinivalue_line("markers", "company: run this async test on virtual time (callboard)")
    config.addinivalue_line(
        "markers", "realtime: run this async test on the real clock (callboard)"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run an async test that is ours to run."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    real = pyfuncitem.get_closest_marker("realtime") is not None
    ours = pyfuncitem.get_closest_marker("company") is not None or real
    if not ours and not pyfuncitem.config.getini("callboard_async"):
        return None
    names = pyfuncitem._fixtureinfo.argnames  # pyright: ignore[reportPrivateUsage]
    arguments = {name: pyfuncitem.funcargs[name] for name in names}
    run = asyncio.run if real else run_virtual
    run(_checked(pyfuncitem.obj, arguments))
    return True


async def _checked(test: Any, arguments: dict[str, Any]) -> None:
    check = LeakCheck()
    await test(**arguments)
    await check.verify()
