"""`callboard run --processes N`: a parent that is a tree of processes, and repairs them."""

from __future__ import annotations

import os
import signal

import psutil
import pytest

from tests.supervision.cli.processes import Company, alive, poll


@pytest.mark.check("M33")
def test_each_process_is_a_node_that_knows_its_number(company: Company) -> None:
    started = company.run("run", "quiet:Quiet", "--name", "house", "--processes", "2")
    started.until("first started in .* process 1 of 2")
    started.until("first started in .* process 2 of 2")
    pids = {company.pid_of(name) for name in ("house", "house-1", "house-2")}
    assert len(pids) == 3 and started.pid in pids
    started.signal(signal.SIGTERM)
    assert started.code() == 0
    assert started.out.count("first stopped") == 2
    assert company.nodes() == {}


@pytest.mark.check("M33", "S40")
def test_a_process_that_is_killed_is_started_again_and_the_others_stay(company: Company) -> None:
    started = company.run("run", "quiet:Quiet", "--name", "house", "--processes", "2")
    first, second = company.pid_of("house-1"), company.pid_of("house-2")
    os.kill(second, signal.SIGKILL)
    started.until("second started in .* process 2 of 2", times=2)
    again = company.pid_of("house-2")
    assert again != second
    assert company.pid_of("house-1") == first
    parent = {worker["name"]: worker for worker in company.nodes()["house"]["workers"]}
    assert [parent[name]["restarts"] for name in ("house-1", "house-2")] == [0, 1]
    assert "house-2 was ended by SIGKILL" in started.err
    started.signal(signal.SIGINT)
    assert started.code() == 0


@pytest.mark.check("S40")
def test_a_process_that_dies_again_and_again_ends_all_with_1(company: Company) -> None:
    started = company.run(
        "run", "quiet:Quiet", "--name", "house", "--processes", "1",
        "--max-restarts", "0", "--restart-period", "1h",
    )  # fmt: skip
    os.kill(company.pid_of("house-1"), signal.SIGKILL)
    assert started.code() == 1
    assert "gave up" in started.err and "house-1 was ended by SIGKILL" in started.err
    assert "Traceback" not in started.err


@pytest.mark.check("M32", "S77")
def test_the_first_signal_has_the_work_of_every_process_finished(company: Company) -> None:
    released = company.folder / "released"
    started = company.run("run", "busy:Busy", "--processes", "2", RELEASED=str(released))
    started.begun(2)
    started.signal(signal.SIGTERM)
    started.until("finishing what runs")
    assert started.process.poll() is None and "finished" not in started.out
    released.touch()
    assert started.code() == 0
    assert started.out.count("finished") == started.out.count("neighbour stopped") == 2


@pytest.mark.check("M32", "S77")
@pytest.mark.parametrize("to", ["the group of a terminal", "every process, as systemd does"])
def test_a_signal_that_comes_to_more_than_the_parent_drains_all_the_same(
    company: Company, to: str
) -> None:
    released = company.folder / "released"
    started = company.run("run", "busy:Busy", "--processes", "2", RELEASED=str(released))
    started.begun(2)
    if to == "the group of a terminal":
        os.killpg(started.pid, signal.SIGINT)
    else:
        for pid in [*_children(started.pid), started.pid]:
            os.kill(pid, signal.SIGTERM)
        started.until("finishing what runs", times=3)
    started.until("finishing what runs")
    released.touch()
    assert started.code() == 0
    assert started.out.count("finished") == 2
    assert "stopping within" not in started.err


@pytest.mark.check("M32", "S77")
def test_work_left_in_a_process_is_told_by_the_parents_status(company: Company) -> None:
    started = company.run("run", "busy:Busy", "--processes", "2", "--drain-within", "0.3s")
    started.begun(2)
    started.signal(signal.SIGTERM)
    assert started.code() == 4


@pytest.mark.check("M32", "S77")
def test_the_second_signal_hurries_every_process(company: Company) -> None:
    started = company.run("run", "busy:Busy", "--processes", "2", "--drain-within", "1h")
    started.begun(2)
    started.signal(signal.SIGTERM)
    started.until("finishing what runs")
    started.signal(signal.SIGTERM)
    assert started.code() == 4
    assert started.out.count("neighbour stopped") == 2


@pytest.mark.check("M32", "S77")
def test_the_third_signal_kills_every_process(company: Company) -> None:
    started = company.run(
        "run", "busy:Sticky", "--name", "house", "--processes", "2",
        "--drain-within", "1h", "--stop-within", "1h",
    )  # fmt: skip
    pids = [company.pid_of(name) for name in ("house-1", "house-2")]
    started.signal(signal.SIGTERM)
    started.until("clinging", times=2)
    started.signal(signal.SIGTERM)
    started.until("stopping within")
    started.signal(signal.SIGTERM)
    assert started.code() == 128 + signal.SIGTERM
    poll(lambda: not any(map(alive, pids)), "the end of the processes")


@pytest.mark.check("S77")
def test_a_frozen_process_is_killed_by_the_third_signal(company: Company) -> None:
    started = company.run("run", "quiet:Quiet", "--name", "house", "--processes", "2")
    frozen = company.pid_of("house-2")
    company.pid_of("house-1")
    os.kill(frozen, signal.SIGSTOP)
    for said in ("finishing what runs", "stopping within", "killed"):
        started.signal(signal.SIGTERM)
        started.until(said)
    assert started.code() == 128 + signal.SIGTERM
    poll(lambda: not alive(frozen), "the end of the frozen process")


@pytest.mark.check("S77")
def test_the_processes_stop_in_order_when_their_parent_is_killed(company: Company) -> None:
    started = company.run("run", "busy:Busy", "--processes", "2", "--drain-within", "1h")
    started.begun(2)
    pids = _children(started.pid)
    assert len(pids) == 2
    started.signal(signal.SIGKILL)
    poll(lambda: not any(map(alive, pids)), "the end of the processes")
    assert started.out.count("neighbour stopped") == 2


@pytest.mark.check("S77")
def test_a_process_whose_loop_is_blocked_ends_too_when_its_parent_is_killed(
    company: Company,
) -> None:
    started = company.run("run", "busy:Blocked", "--processes", "1", "--no-watchdog")
    started.until("begun")
    pids = _children(started.pid)
    assert len(pids) == 1
    started.signal(signal.SIGKILL)
    poll(lambda: not any(map(alive, pids)), "the end of the process")
    assert "ended by force" in started.err


@pytest.mark.check("S76")
@pytest.mark.parametrize(("tree", "code"), [("interrupting", 130), ("leaving", 7)])
def test_a_worker_that_interrupts_ends_all_processes(
    company: Company, tree: str, code: int
) -> None:
    started = company.run("run", f"broken:{tree}", "--processes", "2")
    assert started.code() == code
    assert "restart 1" not in started.err


@pytest.mark.check("M33")
@pytest.mark.parametrize(
    ("target", "code"),
    [("nowhere:Tree", 2), ("quiet:Quite", 2), ("broken:misspelt", 78), ("broken:Outer", 78)],
)
def test_what_no_restart_can_repair_ends_all_with_its_code_and_is_said_once(
    company: Company, target: str, code: int
) -> None:
    started = company.run("run", target, "--processes", "3", "--log-level", "critical")
    assert started.code() == code
    said = [line for line in started.err.splitlines() if not _is_banner(line)]
    assert len(said) == 1
    assert "Traceback" not in started.err


@pytest.mark.check("M33")
def test_processes_whose_trees_have_all_ended_end_the_parent_with_0(company: Company) -> None:
    started = company.run("run", "broken:ending", "--processes", "2")
    assert started.code() == 0
    assert started.out.count("audience stopped") == 2


@pytest.mark.check("M33")
def test_usr1_to_the_parent_shows_every_process(company: Company) -> None:
    started = company.run("run", "quiet:Quiet", "--name", "house", "--processes", "2")
    for name in ("house-1", "house-2"):
        company.pid_of(name)
    started.signal(signal.SIGUSR1)
    for name in ("house", "house-1", "house-2"):
        started.until(f"== callboard: {name}, pid")


def _children(pid: int) -> list[int]:
    return [child.pid for child in psutil.Process(pid).children()]


def _is_banner(line: str) -> bool:
    return any(each in line for each in (" as 'node-", "'callboard tree", "Ctrl-C or"))
