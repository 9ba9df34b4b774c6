"""Signals to `callboard run`: the first drains, the second hurries, the third kills."""

from __future__ import annotations

import re
import signal
import time

import pytest

from tests.supervision.cli.processes import Company, Started, poll


@pytest.mark.check("M32", "S77")
@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (signal.SIGTERM, "termination signal"),
        (signal.SIGINT, "interrupt signal"),
        (signal.SIGHUP, "hang-up signal"),
    ],
)
def test_the_first_signal_has_running_work_finished_and_every_stop_hook_run(
    company: Company, number: signal.Signals, reason: str
) -> None:
    released = company.folder / "released"
    started = company.run("run", "busy:Busy", RELEASED=str(released))
    started.begun()
    started.signal(number)
    started.until("finishing what runs")
    assert started.process.poll() is None and "finished" not in started.out
    released.touch()
    assert started.code() == 0
    lines = started.out.splitlines()
    assert lines == ["begun", "finished", "player stopped", "neighbour stopped"]
    assert f"node_stopped (shutdown: {reason})" in started.err


@pytest.mark.check("M32", "S77")
def test_work_that_is_not_finished_by_the_deadline_is_stopped_and_the_status_is_4(
    company: Company,
) -> None:
    started = company.run("run", "busy:Busy", "--drain-within", "300ms")
    started.begun()
    started.signal(signal.SIGTERM)
    assert started.code() == 4
    assert "neighbour stopped" in started.out
    assert "finished" not in started.out
    assert "not all work was done in time" in started.err


@pytest.mark.check("S77")
@pytest.mark.parametrize("processes", [0, 2])
def test_the_status_is_4_too_where_a_worker_began_the_drain(
    company: Company, processes: int
) -> None:
    released = company.folder / "released"
    several = ("--processes", str(processes)) if processes else ()
    started = company.run(
        "run", "busy:Closing", "--drain-within", "300ms", *several, RELEASED=str(released)
    )
    started.begun(processes)
    released.touch()
    assert started.code() == 4
    assert started.out.count("neighbour stopped") == (processes or 1)
    assert started.err.count("not all work was done in time") == (processes or 1)


@pytest.mark.check("M32", "S77")
def test_the_second_signal_stops_in_order_without_waiting_for_work(company: Company) -> None:
    started = company.run("run", "busy:Busy", "--drain-within", "1h")
    started.begun()
    started.signal(signal.SIGTERM)
    started.until("finishing what runs")
    began = time.monotonic()
    started.signal(signal.SIGTERM)
    assert started.code() == 4
    assert time.monotonic() - began < 5
    assert "neighbour stopped" in started.out


@pytest.mark.check("M32", "S77")
def test_the_third_signal_kills_and_the_status_names_it(company: Company) -> None:
    started = company.run("run", "busy:Sticky", "--drain-within", "1h", "--stop-within", "1h")
    started.begun()
    started.signal(signal.SIGTERM)
    started.until("clinging")
    started.signal(signal.SIGTERM)
    started.until("stopping within 5 s")
    assert started.process.poll() is None
    began = time.monotonic()
    started.signal(signal.SIGINT)
    assert started.code() == 128 + signal.SIGINT
    assert time.monotonic() - began < 4


@pytest.mark.check("S77")
def test_a_stop_that_is_hurried_has_a_short_limit_of_its_own(company: Company) -> None:
    started = company.run("run", "busy:Sticky", "--drain-within", "1h", "--stop-within", "1h")
    started.begun()
    started.signal(signal.SIGTERM)
    started.until("clinging")
    started.signal(signal.SIGTERM)
    assert started.code() == 4


@pytest.mark.check("S77")
def test_the_third_signal_ends_a_process_whose_loop_is_blocked(company: Company) -> None:
    started = company.run("run", "busy:Blocked", "--no-watchdog")
    started.until("begun")
    for said in ("finishing what runs", "stopping within", "killed"):
        started.signal(signal.SIGTERM)
        started.until(said)
    assert started.code() == 128 + signal.SIGTERM
    assert "ended by force" in started.err


@pytest.mark.check("M32")
def test_a_signal_during_the_start_ends_what_has_started(company: Company) -> None:
    started = company.run("run", "busy:SlowStart")
    started.until("begun")
    started.signal(signal.SIGTERM)
    assert started.code() == 0
    assert "neighbour stopped" in started.out


@pytest.mark.check("M32")
def test_a_signal_during_the_start_tells_of_work_that_had_begun_before(company: Company) -> None:
    started = company.run("run", "busy:SlowStartAtWork")
    started.until("begun", times=2)
    started.signal(signal.SIGTERM)
    assert started.code() == 4
    assert "neighbour stopped" in started.out


@pytest.mark.check("M33")
def test_usr1_shows_the_tree_and_where_each_handler_stands(company: Company) -> None:
    started = company.run("run", "busy:Busy", "--name", "house")
    started.begun()
    shown = dumped(started, r"root/player is in the handler of Play\n.*in play\n.*asyncio\.sleep")
    assert "`- player" in shown
    assert started.process.poll() is None


@pytest.mark.check("M33")
def test_usr1_shows_the_stack_of_a_handler_that_blocks_the_loop(company: Company) -> None:
    started = company.run("run", "busy:Blocked", "--no-watchdog")
    started.until("begun")
    dumped(started, r"-- thread MainThread\n.*in play\n\s+time\.sleep")


def dumped(started: Started, pattern: str) -> str:
    """Ask for dumps until one shows this: a signal may come before the handler waits."""

    def look() -> str:
        before = started.err.count("-- thread MainThread")
        started.signal(signal.SIGUSR1)
        poll(lambda: started.err.count("-- thread MainThread") > before, "a dump")
        return started.err if re.search(pattern, started.err, re.DOTALL) else ""

    return poll(look, lambda: f"{pattern} in\n{started.err}")
