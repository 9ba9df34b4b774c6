"""The hand-over over Postgres: three processes, in any order, and what a kill of one costs."""

from collections.abc import Iterator

import pytest

from callboard import Transport
from callboard.transports.pgmq.transport import PgmqTransport
from tests.examples.handoff.conversing import (
    ORDERS,
    check_a_kill_of_main,
    check_a_kill_of_the_greeter,
    check_conversation,
    check_names,
    check_one_speaker,
    check_that_nobody_is_there,
)
from tests.examples.handoff.processes import Company

MODULE = "callboard.examples.handoff_pgmq"


@pytest.fixture
def company(pgmq_database: str) -> Iterator[Company]:
    with Company(MODULE, ("--database-url", pgmq_database)).running() as company:
        yield company


@pytest.mark.check("M163")
@pytest.mark.parametrize("order", ORDERS[:2], ids=" ".join)
def test_the_hand_over_works_in_whatever_order_the_processes_start(
    company: Company, order: tuple[str, ...]
) -> None:
    check_conversation(company, order)


@pytest.mark.check("M165")
def test_main_is_told_of_a_kill_and_goes_on_when_the_greeter_is_started_again(
    company: Company,
) -> None:
    check_a_kill_of_the_greeter(company)


@pytest.mark.check("M166")
def test_workers_of_the_command_line_are_activated_each_as_it_becomes_ready(
    company: Company,
) -> None:
    check_names(company)


def test_a_killed_main_process_is_followed_by_one_that_begins_anew(company: Company) -> None:
    check_a_kill_of_main(company)


def test_a_hand_over_to_nobody_is_said_and_words_wait_for_who_comes_back(company: Company) -> None:
    check_that_nobody_is_there(company)


@pytest.mark.realtime
@pytest.mark.check("M165")
async def test_there_are_never_two_speakers_whatever_happens(pgmq_database: str) -> None:
    def transports() -> list[Transport]:
        return [PgmqTransport(pgmq_database, channel="callboard_acme")]

    with Company(MODULE, ("--database-url", pgmq_database)).running() as company:
        await check_one_speaker(company, transports, seed=1)
