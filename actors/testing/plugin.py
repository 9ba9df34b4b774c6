"""The pytest plugin: runs `async def` tests on virtual time, with a leak check after each.

It is on for tests marked `@pytest.mark.company`, and for all `async def` tests where the
configuration says `callboard_async = true`; tests marked for asyncio, anyio or trio are left to
those. `@pytest.mark.realtime` asks for the real clock. A test that hangs is reported as stuck,
with the places where its tasks wait: at once where nothing can come any more, otherwise after
`callboard_patience` real seconds (the mark's `patience=` says otherwise for one test).

Each example of a hypothesis test that is `async def` runs on a loop of its own.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from .drive import Driver
from .drive import drive as drive_alone
from .leaks import LeakCheck
from .loop import StuckError, describe_tasks, run_virtual
from .probe import Probe
from .stepper import Stepper

__all__: list[str] = []

PATIENCE = "60"
"""Real seconds that a test may take unless the configuration says otherwise."""

OTHER_RUNNERS = ("asyncio", "anyio", "trio")

Run = Callable[[Coroutine[Any, Any, None]], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the settings."""
    parser.addini(
        "callboard_async", "run every async test on virtual time", type="bool", default=False
    )
    parser.addini(
        "callboard_patience", "real seconds after which an async test is stuck", default=PATIENCE
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marks."""
    config.addinivalue_line(
        "markers", "company(patience): run this async test on virtual time (callboard)"
    )
    config.addinivalue_line(
        "markers", "realtime(patience): run this async test on the real clock (callboard)"
    )


@pytest.fixture
def probe() -> Probe:
    """Give the test a probe."""
    return Probe()


@pytest.fixture
def drive() -> Callable[..., Driver[Any]]:
    """Give the test `drive`, to run one worker alone."""
    return drive_alone


@pytest.fixture
def leak_check() -> LeakCheck:
    """Give the test its own leak check, to add nodes to; it is verified after the test."""
    return LeakCheck()


@pytest.fixture
def stepper() -> Iterator[Stepper]:
    """Give a test that is no coroutine a loop on virtual time; it is checked and ended."""
    stepper = Stepper()
    yield stepper
    stepper.close()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run an async test that is ours to run."""
    test: Any = pyfuncitem.obj
    hypothesis = getattr(test, "hypothesis", None)
    inner: Any = getattr(hypothesis, "inner_test", test)
    if not inspect.iscoroutinefunction(inner) or not _is_ours(pyfuncitem):
        return None
    run = _runner(pyfuncitem)
    if hypothesis is not None:
        hypothesis.inner_test = _as_plain(inner, run)
        return None
    names = pyfuncitem._fixtureinfo.argnames  # pyright: ignore[reportPrivateUsage]
    arguments = {name: pyfuncitem.funcargs[name] for name in names}
    run(_checked(test, arguments))
    return True


def _is_ours(item: pytest.Function) -> bool:
    marked = [mark.name for mark in item.iter_markers()]
    if "company" in marked or "realtime" in marked:
        return True
    others = any(name in OTHER_RUNNERS for name in marked)
    return bool(item.config.getini("callboard_async")) and not others


def _runner(item: pytest.Function) -> Run:
    """Return what runs the test: on which clock, and with how much patience."""
    real = item.get_closest_marker("realtime")
    mark = real or item.get_closest_marker("company")
    patience = float(item.config.getini("callboard_patience"))
    if mark is not None:
        patience = float(mark.kwargs.get("patience", patience))
    if real is None:
        return functools.partial(run_virtual, patience=patience)
    return lambda test: asyncio.run(_within(patience, test))


def _as_plain(test: Any, run: Run) -> Callable[..., None]:
    """Return a plain function in place of a hypothesis test's own, for each of its examples."""

    @functools.wraps(test)
    def example(*arguments: Any, **keywords: Any) -> None:
        run(_checked(functools.partial(test, *arguments), keywords))

    return example


async def _within(patience: float, test: Coroutine[Any, Any, None]) -> None:
    """Run a test on the real clock, for so many seconds at most."""
    task = asyncio.ensure_future(test)
    try:
        done, _ = await asyncio.wait([task], timeout=patience)
        if not done:
            tasks = describe_tasks(asyncio.all_tasks() - {asyncio.current_task()})
            raise StuckError(f"the test has not ended within {patience:g} real seconds\n{tasks}")
        task.result()
    finally:
        task.cancel()


async def _checked(test: Any, arguments: dict[str, Any]) -> None:
    check: LeakCheck = arguments.get("leak_check") or LeakCheck()
    check.begin()
    await test(**arguments)
    await check.verify()
