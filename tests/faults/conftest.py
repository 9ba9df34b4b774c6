"""Fixtures of the matrix: the fleet of a cell, and its record."""

from collections.abc import Generator, Iterator

import pytest

from tests.faults.columns import FLEETS, PgmqFleet
from tests.faults.fleet import Fleet
from tests.faults.recording import Record
from tests.faults.rows import BREAKS_THE_BROKER, Cell
from tests.faults.stations import Process

__all__: list[str] = []

RECORD = pytest.StashKey[Record]()


@pytest.fixture
def fleet(cell: Cell, request: pytest.FixtureRequest) -> Fleet:
    """The fleet of the cell's column, not yet begun."""
    made = FLEETS[cell.column]
    if issubclass(made, PgmqFleet) and cell.row not in BREAKS_THE_BROKER:
        return made(request.getfixturevalue("postgres_server"))
    return made()


@pytest.fixture
def record(cell: Cell, request: pytest.FixtureRequest) -> Iterator[Record]:
    """The record of the cell, written when its test has passed."""
    made = request.node.stash[RECORD] = Record(cell, request.node.nodeid)
    yield made
    if made.passed:
        made.write()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tell the record whether its test has passed."""
    report = yield
    if call.when == "call" and RECORD in item.stash:
        item.stash[RECORD].passed = report.passed
    return report


@pytest.fixture(scope="session", autouse=True)
def spare_processes() -> Iterator[None]:
    """What waits to be a station, and was never needed, is ended."""
    yield
    while Process.waiting:
        Process.waiting.pop().close()
