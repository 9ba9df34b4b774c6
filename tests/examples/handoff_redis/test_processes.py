"""The hand-over over Redis: three processes, in any order, and what a kill of one costs."""

from collections.abc import Iterator

import pytest

from callboard.examples.handoff.cast import NAMES
from callboard.examples.servers.redis_server import RedisServer
from tests.examples.handoff.conversing import (
    ORDERS,
    check_a_kill_of_main,
    check_a_kill_of_the_greeter,
    check_conversation,
    check_names,
    check_that_nobody_is_there,
)
from tests.examples.handoff.processes import Company
from tests.servers.fixtures import NewRedis

MODULE = "callboard.examples.handoff_redis"


@pytest.fixture
def company(redis_server: RedisServer, channel: str) -> Iterator[Company]:
    options = ("--redis-url", redis_server.url, "--channel", channel)
    with Company(MODULE, options).running() as company:
        yield company


@pytest.mark.check("M162")
@pytest.mark.parametrize("order", ORDERS, ids=" ".join)
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


def test_a_second_main_takes_the_place_of_the_first(company: Company) -> None:
    company.llm("greeter")
    first = company.main()
    first.until("greeter: Hello, and welcome to Acme!")
    second = company.main()
    second.until("greeter: Hello, and welcome to Acme!")
    first.until("another node has taken this one's name")
    second.type("how are you?")
    second.until("greeter: Very well")
    assert second.end() == 0


def test_some_seconds_without_redis_cost_no_word(new_redis: NewRedis) -> None:
    redis = new_redis()
    with Company(MODULE, ("--redis-url", redis.url)).running() as company:
        for name in NAMES:
            company.llm(name)
        main = company.main()
        main.until("greeter: Hello, and welcome to Acme!")
        main.until("support.\n")
        redis.kill()
        main.type("my name is Ada")
        main.until("you: my name is Ada")
        redis.start()
        main.until("greeter: Nice to meet you, Ada!")
        main.type("support!")
        main.until("support: Hello, this is support. What is wrong?")
        assert "is lost" not in main.shown
        assert main.end() == 0
