"""Each row of the page of features names tests that are there, and names of ours that are."""

import pytest

from tests.docs.features import Row, missing, rows, untested
from tests.docs.pages import ROOT

PAGE = (ROOT / "docs" / "features.md").read_text(encoding="utf-8")
ROWS = list(rows(PAGE))


def complaints(found: list[Row]) -> list[str]:
    """What is wrong with rows: no test or none of that name, a name of ours that is none."""
    wrong: list[str] = []
    for row in found:
        whose = f"{row.section}, {row.known}"
        if not row.tests:
            wrong.append(f"{whose}: names no test")
        if not row.names:
            wrong.append(f"{whose}: names nothing of ours")
        wrong += [f"{whose}: {each}: {why}" for each in row.tests if (why := untested(each))]
        wrong += [f"{whose}: {each}: {why}" for each in row.names if (why := missing(each))]
    return wrong


def test_every_row_names_tests_and_things_that_are_there() -> None:
    assert complaints(ROWS) == []


def test_no_row_is_lost_or_given_twice() -> None:
    assert len(ROWS) >= 247
    assert len({row.section for row in ROWS}) == 17
    assert len({(row.section, row.known) for row in ROWS}) == len(ROWS)
    assert all(row.holds.endswith(".") for row in ROWS)


@pytest.mark.parametrize(
    ("test", "why"),
    [
        ("tests/docs/test_features.py::test_no_row_is_lost_or_given_twice", None),
        ("tests/transports/redis/test_contract.py::TestRedisTransport", None),
        ("tests/transports/contract_jobs.py::Jobs::test_a_caller_may_ask_for_progress", None),
        ("tests/docs/test_features.py", "no file of tests"),
        ("docs/features.md::test_it", "no file of tests"),
        ("tests/docs/test_nowhere.py::test_it", "no file of tests"),
        ("tests/docs/test_features.py::test_nothing", "the file has no such test"),
        ("tests/docs/test_features.py::complaints", "no test"),
        ("tests/docs/features.py::Row", "no class of tests"),
        ("tests/transports/contract_jobs.py::Jobs::test_nothing", "the file has no such test"),
    ],
)
def test_a_test_that_is_none_is_found(test: str, why: str | None) -> None:
    assert untested(test) == why


@pytest.mark.parametrize(
    "name",
    [
        "Node",
        "Node.run",
        "WorkerReady.node",
        "Child.name",
        "JobRequest.payload",
        "Node(transports=[])",
        "Worker.activate(name, args, deactivate_self=True)",
        "callboard.transports.redis.RedisTransport(channel='')",
        "callboard.examples.handoff",
        "callboard run --processes",
        "callboard pgmq install --isolated",
        "callboard[redis]",
        "python -m callboard.examples.handoff --transport",
        "OPENAI_API_KEY",
        "docs/guides/redis.md",
        "README.md",
    ],
)
def test_a_name_that_there_is_is_none_to_complain_of(name: str) -> None:
    assert missing(name) is None


@pytest.mark.parametrize(
    "name",
    [
        "Nodes",
        "Node.walk",
        "WorkerReady.place",
        "Child.names",
        "Node(bus=None)",
        "Worker.activate(name, args, deactivate_me=True)",
        "callboard.transports.redis.RedisBus",
        "callboard.examples.nothing",
        "callboard walk",
        "callboard run --workers",
        "callboard[everything]",
        "python -m callboard.examples.handoff --stage",
        "python -m callboard.examples.nothing",
        "NO_VARIABLE",
        "docs/guides/nothing.md",
        "NOTHING.md",
        "()",
    ],
)
def test_a_name_that_there_is_not_is_found(name: str) -> None:
    assert missing(name)


def test_a_row_without_a_test_or_with_a_name_of_nothing_is_found() -> None:
    head = "## A part\n\n| known as | here | what holds | proven by |\n| --- | --- | --- | --- |\n"
    (row,) = rows(f"{head}| `Bus` | `Bus` | It works. | by heart |\n")
    first, second = complaints([row])
    assert first == "A part, `Bus`: names no test" and "callboard" in second
    with pytest.raises(ValueError, match="unpack"):
        list(rows(f"{head}| `Bus` | It works. |\n"))
