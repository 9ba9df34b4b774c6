"""Settings for every test."""

import gc
import signal
from collections.abc import Generator, Iterator

import pytest
from hypothesis import settings

from callboard.actors.wire import WIRE_NAMES, WIRE_TYPES

# A busy machine is no failed property: the tests bound time by their own clock.
settings.register_profile("callboard", deadline=None)
settings.load_profile("callboard")

pytest_plugins = ["tests.servers.fixtures", "tests.servers.browser"]


# Where this is a background job of a script SIGINT is ignored, and would be by the programs that
# tests start and interrupt, too: they inherit it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Have the collector of garbage look at no module any more.

    There are many of them, also of other projects, and each of its rounds would block the event
    loop of a test for longer than some test allows a node to be silent.
    """
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep what was logged as text that can be sent: tests of bad text log lone surrogates."""
    report = yield
    report.sections = [
        (name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections
    ]
    return report


@pytest.fixture
def wire_tables() -> Iterator[None]:
    """Leave the process-wide tables of what may cross as they were before the test."""
    names, kinds = dict(WIRE_NAMES), dict(WIRE_TYPES)
    yield
    WIRE_NAMES.clear()
    WIRE_NAMES.update(names)
    WIRE_TYPES.clear()
    WIRE_TYPES.update(kinds)
