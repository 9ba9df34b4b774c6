"""`callboard run` by itself: it runs until the tree ends, and its exit status tells how."""

from __future__ import annotations

import json
import signal

import pytest

from tests.supervision.cli.processes import TREES, Company


def line_of(text: str) -> str:
    """Return where in `broken.py` this is raised."""
    file = TREES / "broken.py"
    lines = file.read_text().splitlines()
    return f"{file}:{next(at for at, line in enumerate(lines, 1) if text in line)}"


@pytest.mark.check("M33")
@pytest.mark.parametrize(
    ("target", "worker"),
    [
        ("quiet:Quiet", "second"),
        ("quiet:House.tree", "second"),
        ("quiet:made", "only"),
        ("quiet:instance", "single"),
    ],
)
def test_a_class_an_attribute_a_factory_and_an_instance_run_until_they_are_told_to_stop(
    company: Company, target: str, worker: str
) -> None:
    started = company.run("run", target, "--name", "house")
    started.until(f"{worker} started")
    started.until("node_ready")
    assert started.process.poll() is None
    started.signal(signal.SIGTERM)
    assert started.code() == 0
    assert f"{worker} stopped" in started.out


@pytest.mark.check("M33")
def test_a_tree_that_ends_by_itself_ends_the_command_with_0(company: Company) -> None:
    started = company.run("run", "broken:ending")
    assert started.code() == 0
    assert "audience stopped" in started.out


@pytest.mark.check("M33", "S40")
def test_a_spent_restart_budget_ends_with_1_and_names_supervisor_child_and_cause(
    company: Company,
) -> None:
    started = company.run("run", "broken:failing")
    assert started.code() == 1
    assert "audience stopped" in started.out
    last = started.err.splitlines()[-1]
    assert "the supervisor root gave up" in last
    assert "'actor'" in last and "ValueError: the trapdoor is open" in last
    assert f", raised at {line_of('the trapdoor')} " in last


@pytest.mark.check("M33")
def test_a_start_that_fails_ends_with_1_after_what_had_started_was_stopped(
    company: Company,
) -> None:
    started = company.run("run", "broken:Unstartable")
    assert started.code() == 1
    assert "audience stopped" in started.out
    assert "'late' did not start" in started.err and "no stage" in started.err
    assert "Traceback" not in started.err
    assert f", raised at {line_of('no stage')} (--traceback shows" in started.err.splitlines()[-1]


def test_all_of_the_error_that_a_tree_failed_with_is_shown_where_it_is_asked_for(
    company: Company,
) -> None:
    started = company.run("run", "--traceback", "broken:Unstartable")
    assert started.code() == 1
    assert 'raise OSError("no stage")' in started.err
    assert started.err.splitlines()[-1].endswith(f", raised at {line_of('no stage')}")


@pytest.mark.check("S76")
def test_a_keyboard_interrupt_in_a_worker_stops_all_in_order_and_ends_with_130(
    company: Company,
) -> None:
    started = company.run("run", "broken:interrupting")
    assert started.code() == 130
    assert started.out.count("audience stopped") == 1
    assert "restart 1" not in started.err


@pytest.mark.check("S76")
def test_a_system_exit_in_a_worker_stops_all_in_order_and_ends_with_its_code(
    company: Company,
) -> None:
    started = company.run("run", "broken:leaving")
    assert started.code() == 7
    assert started.out.count("audience stopped") == 1
    assert "restart 1" not in started.err


@pytest.mark.check("M33")
@pytest.mark.parametrize(
    ("target", "code", "said"),
    [
        ("nowhere:Tree", 2, "no module is called 'nowhere'"),
        ("quiet:Quite", 2, "'quiet' has no 'Quite'; did you mean 'Quiet'?"),
        ("broken:no_tree", 78, "must be a Supervisor class"),
        ("broken:misspelt", 78, "child 'actor': restrat: is no field of a child spec"),
        ("broken:Outer", 78, "child 'deep': restart: must be one of"),
    ],
)
def test_a_wrong_name_ends_with_2_and_a_wrong_declaration_with_78(
    company: Company, target: str, code: int, said: str
) -> None:
    started = company.run("run", target, "--log-level", "critical")
    assert started.code() == code
    assert said in started.err.splitlines()[-1]
    assert "Traceback" not in started.err


@pytest.mark.check("M33")
def test_a_second_node_of_a_name_ends_with_5_and_the_first_goes_on(company: Company) -> None:
    first = company.run("run", "quiet:Quiet", "--name", "house")
    first.until("node_ready")
    code, _, err = company.ask("run", "quiet:Quiet", "--name", "house")
    assert code == 5
    assert "'house' is running already" in err
    assert "house.sock): give this one another --name, or end that one" in err
    company.pid_of("house")
    first.signal(signal.SIGTERM)
    assert first.code() == 0


@pytest.mark.check("M33")
def test_a_name_is_free_again_after_its_node_was_killed(company: Company) -> None:
    first = company.run("run", "quiet:Quiet", "--name", "house")
    first.until("node_ready")
    first.signal(signal.SIGKILL)
    assert first.code() == -signal.SIGKILL
    assert (company.sockets / "house.sock").exists()
    second = company.run("run", "quiet:Quiet", "--name", "house")
    second.until("node_ready")
    assert company.pid_of("house") == second.pid


def test_the_banner_says_what_runs_where_and_how_to_stop_it(company: Company) -> None:
    started = company.run("run", "quiet:Quiet", "--name", "house", "--drain-within", "1500ms")
    started.until("node_ready")
    banner = "".join(line for line in started.err.splitlines() if line.startswith("callboard:"))
    for fact in ("quiet:Quiet", "'house'", f"pid {started.pid}", "house.sock", "Ctrl-C", "1.5 s"):
        assert fact in banner


def test_logs_are_json_lines_when_asked_for_and_the_banner_is_one_of_them(
    company: Company,
) -> None:
    started = company.run("run", "broken:failing", "--name", "house", "--log-format", "json")
    assert started.code() == 1
    lines = [json.loads(line) for line in started.err.splitlines() if line.startswith("{")]
    assert lines[0]["event"] == "banner" and lines[0]["pid"] == started.pid
    assert all(line.startswith(("{", "callboard: ")) for line in started.err.splitlines())
    failed = next(line for line in lines if line["event"] == "failed")
    assert (failed["node"], failed["path"], failed["level"]) == ("house", "root/actor", "error")
    assert "ValueError: the trapdoor is open" in failed["error"]
