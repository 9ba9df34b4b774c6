"""`callboard ps` and `callboard tree` show what runs: on a narrow screen, in a pipe, in ASCII."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys

import pytest

from tests.supervision.cli.processes import Company


@pytest.mark.check("M33")
def test_ps_lists_nodes_and_workers_as_a_table_as_json_and_by_name(company: Company) -> None:
    nodes_up = ("annex", "house")
    for name in reversed(nodes_up):
        company.run("run", "quiet:Quiet", "--name", name).until("node_ready")
    code, table, err = company.ask("ps")
    assert (code, err) == (0, "")
    head, *rows = table.splitlines()
    assert head.split() == ["NODE", "PID", "WORKER", "KIND", "STATE", "RST", "MBOX", "JOBS", "UP"]
    assert [row.split()[0] for row in rows] == ["annex"] * 4 + ["house"] * 4
    assert "root/second" in rows[3] and "Usher" in rows[3] and "running" in rows[3]

    code, names, _ = company.ask("ps", "--output", "name")
    workers = ["", "/root", "/root/first", "/root/second"]
    assert names.splitlines() == [
        f"{node}{each}" for node in ("annex", "house") for each in workers
    ]

    code, text, _ = company.ask("ps", "-o", "json")
    nodes = json.loads(text)["nodes"]
    assert [node["name"] for node in nodes] == ["annex", "house"]
    assert nodes[1]["pid"] == company.started[0].pid
    assert nodes[1]["state"] == "running" and nodes[1]["target"] == "quiet:Quiet"
    assert [worker["path"] for worker in nodes[1]["workers"]] == [
        "root", "root/first", "root/second",
    ]  # fmt: skip


@pytest.mark.check("M33")
def test_tree_draws_one_node_or_all_of_them(company: Company) -> None:
    company.run("run", "quiet:Nested", "--name", "house").until("node_ready")
    company.run("run", "quiet:made", "--name", "annex").until("node_ready")
    code, drawn, err = company.ask("tree", "house")
    assert (code, err) == (0, "")
    head, heads, *rows = drawn.splitlines()
    assert head.startswith("house  ● running  pid ")
    assert heads.split() == ["NAME", "STATE", "INC", "RST", "MBOX", "HANDLED", "JOBS", "NOW"]
    names = ["root", "├─ stalls", "│  ├─ first", "│  └─ second", "└─ box"]
    assert [row.partition("●")[0].rstrip() for row in rows] == names
    code, drawn, _ = company.ask("tree")
    assert [line.split()[0] for line in drawn.splitlines() if " pid " in line] == ["annex", "house"]


@pytest.mark.check("M33")
def test_tree_shows_what_a_worker_is_handling(company: Company) -> None:
    started = company.run("run", "busy:Busy", "--name", "house")
    started.until("begun")
    _, drawn, _ = company.ask("tree", "house")
    assert next(row for row in drawn.splitlines() if "player" in row).endswith("on Play")


@pytest.mark.check("M33", "S45")
def test_tree_shows_the_next_restart_with_its_cause_within_80_columns(company: Company) -> None:
    started = company.run("run", "waiting:Waiting", "--name", "house")
    started.until("restart 1 in")
    code, drawn, _ = company.ask("tree", COLUMNS="80", PYTHONIOENCODING="ascii")
    assert code == 0
    assert drawn.isascii()
    assert max(map(len, drawn.splitlines())) <= 80
    rows = drawn.splitlines()
    at = next(number for number, row in enumerate(rows) if "leak" in row)
    assert "~ waiting" in rows[at]
    assert "restart 1 in 5" in rows[at + 1] and "ValueError: the roof" in rows[at + 1]
    _, piped, _ = company.ask("tree")
    assert "leaks, and nobody has a ladder" in piped


@pytest.mark.check("M33")
def test_tree_draws_the_processes_below_their_parent(company: Company) -> None:
    company.run("run", "quiet:made", "--name", "house", "--processes", "2")
    for name in ("house-1", "house-2"):
        company.pid_of(name)
    _, drawn, _ = company.ask("tree", "--ascii")
    names = [row.partition("*")[0].rstrip() for row in drawn.splitlines()[2:]]
    assert names == [
        "root",
        "|- house-1",
        "|  `- root",
        "|     `- only",
        "`- house-2",
        "   `- root",
        "      `- only",
    ]


def test_a_node_that_does_not_answer_is_shown_as_silent_with_its_process(
    company: Company,
) -> None:
    started = company.run("run", "quiet:Quiet", "--name", "house")
    started.until("node_ready")
    started.signal(signal.SIGSTOP)
    code, table, _ = company.ask("ps")
    assert code == 0
    assert str(started.pid) in table and "silent" in table
    code, drawn, err = company.ask("tree", "house")
    assert code == 1
    assert "silent" in drawn and f"kill -USR1 {started.pid}" in err
    started.signal(signal.SIGCONT)
    assert company.pid_of("house") == started.pid


def test_without_nodes_ps_is_empty_and_tree_says_so(company: Company) -> None:
    assert company.ask("ps", "-o", "name") == (0, "", "")
    assert json.loads(company.ask("ps", "-o", "json")[1]) == {"nodes": [], "elsewhere": []}
    code, out, err = company.ask("tree")
    assert (code, out) == (1, "")
    assert "no node runs here" in err


def test_an_unknown_node_is_refused_with_the_names_that_run(company: Company) -> None:
    company.run("run", "quiet:made", "--name", "annex").until("node_ready")
    code, _, err = company.ask("tree", "house")
    assert code == 1
    assert err == "callboard: no node called 'house' runs here; running: annex\n"


def test_the_socket_of_a_killed_node_is_removed_and_the_node_not_listed(company: Company) -> None:
    started = company.run("run", "quiet:made", "--name", "house")
    started.until("node_ready")
    started.signal(signal.SIGKILL)
    started.code()
    assert (company.sockets / "house.sock").exists()
    assert company.ask("ps", "-o", "name") == (0, "", "")
    assert not (company.sockets / "house.sock").exists()


def test_a_node_without_control_leaves_no_socket(company: Company) -> None:
    started = company.run("run", "quiet:made", "--name", "house", "--no-control")
    started.until("node_ready")
    assert not company.sockets.exists()
    started.signal(signal.SIGTERM)
    assert started.code() == 0


def test_a_reader_that_leaves_early_gets_no_traceback(company: Company) -> None:
    company.run("run", "quiet:made", "--name", "house").until("node_ready")
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "callboard.supervision.cli", "ps"],
        env=company.environment,
        stdout=writing,
        stderr=subprocess.PIPE,
        timeout=30,
        check=False,
    )
    os.close(writing)
    assert done.stderr == b""
    assert done.returncode == 1


def test_a_terminal_gets_colours_unless_it_wants_none(company: Company) -> None:
    company.run("run", "quiet:made", "--name", "house").until("node_ready")
    for wanted, extra in ((True, {}), (False, {"NO_COLOR": "1"})):
        ours, theirs = pty.openpty()
        subprocess.run(
            [sys.executable, "-m", "callboard.supervision.cli", "tree"],
            env=company.environment | {"TERM": "xterm", "COLUMNS": "80"} | extra,
            stdout=theirs,
            timeout=30,
            check=True,
        )
        drawn = os.read(ours, 100_000)
        os.close(ours)
        os.close(theirs)
        assert b"running" in drawn
        assert (b"\x1b[32m" in drawn) is wanted
