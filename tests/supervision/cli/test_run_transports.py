"""`callboard run --transport`: nodes that find each other, or cannot, and no secret shown."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from callboard.examples.servers.redis_server import RedisServer
from callboard.examples.servers.server import free_port
from callboard.transports.pgmq.install import install
from tests.supervision.cli.processes import Company, poll

CANARY = "canary-4711-canary"


@pytest.fixture
def hub(company: Company) -> Iterator[str]:
    """The URL of a hub with a token; its node is called `hub`, and its worker is `only`."""
    port = free_port()
    company.run(
        "run", "quiet:made", "--name", "hub",
        CALLBOARD_BUS_URL=f"ws+listen://:{CANARY}@127.0.0.1:{port}",
    ).until("transport.* connected")  # fmt: skip
    yield f"ws://:{CANARY}@127.0.0.1:{port}"
    for started in company.started:
        assert CANARY not in started.out + started.err


def peers_of(company: Company, name: str) -> dict[str, list[str]]:
    """Return the nodes that a node knows, each with its workers."""
    peers = company.nodes().get(name, {}).get("peers", ())
    return {peer["name"]: sorted(peer["workers"]) for peer in peers}


def joined(company: Company, *names: str) -> None:
    """Wait until each of the nodes knows all the others, with a worker."""

    def look() -> bool:
        known = {name: peers_of(company, name) for name in names}
        return all(
            other in known[name] and known[name][other]
            for name in names
            for other in names
            if other != name
        )

    poll(look, lambda: f"{names} knowing each other: {company.nodes()}")


def test_nodes_with_a_transport_know_each_other_and_are_shown_with_it(
    company: Company, hub: str
) -> None:
    started = company.run("run", "quiet:Quiet", "--name", "guest", CALLBOARD_BUS_URL=hub)
    joined(company, "hub", "guest")
    assert peers_of(company, "guest") == {"hub": ["only"]}
    assert peers_of(company, "hub") == {"guest": ["first", "second"]}
    assert "carried by ws://:***@127.0.0.1:" in started.err
    code, drawn, _ = company.ask("tree", "guest")
    assert code == 0
    rows = [line.split() for line in drawn.splitlines()]
    assert ["transports"] in [row[:1] for row in rows]
    assert "transport-websocket" in drawn
    at = rows.index(["PEER", "BY", "WORKERS", "HEARD", "WAITING", "ASKS", "JOBS"])
    assert rows[at + 1][:3] == ["hub", "transport-websocket", "1"]
    started.signal(signal.SIGTERM)
    assert started.code() == 0
    poll(lambda: not peers_of(company, "hub"), "the hub knowing nobody any more")


def test_nodes_join_by_redis(company: Company, redis_server: RedisServer, channel: str) -> None:
    for name, tree, namespace in (
        ("one", "quiet:made", channel),
        ("two", "quiet:Quiet", channel),
        ("out", "quiet:Nested", f"{channel}-other"),
    ):
        company.run(
            "run", tree, "--name", name,
            CALLBOARD_BUS_URL=redis_server.url, CALLBOARD_NAMESPACE=namespace,
        )  # fmt: skip
    joined(company, "one", "two")
    company.started[2].until("transport-redis connected")
    assert peers_of(company, "one").keys() == {"two"}
    assert peers_of(company, "out") == {}


@pytest.mark.parametrize("backend", ["direct", "isolated"])
def test_nodes_join_by_postgres(company: Company, pgmq_database: str, backend: str) -> None:
    asyncio.run(install(pgmq_database, isolated=backend == "isolated"))
    for name, tree in (("one", "quiet:made"), ("two", "quiet:Quiet")):
        url = f"{pgmq_database}?backend={backend}"
        company.run("run", tree, "--name", name, CALLBOARD_BUS_URL=url)
    joined(company, "one", "two")
    _, drawn, _ = company.ask("tree", "one")
    assert "transport-pgmq" in drawn


def test_ps_lists_nodes_of_other_machines_that_one_here_knows(company: Company, hub: str) -> None:
    # One whose control socket nobody here sees: as on another machine.
    other = company.folder / "elsewhere"
    other.mkdir()
    company.run(
        "run", "quiet:Quiet", "--name", "far", CALLBOARD_BUS_URL=hub, XDG_RUNTIME_DIR=str(other)
    )
    poll(lambda: peers_of(company, "hub").get("far"), "the hub knowing the other machine")
    code, table, err = company.ask("ps")
    assert (code, err) == (0, "")
    rows = [line.split() for line in table.splitlines()]
    assert ["far", "-", "peer"] in [row[:3] for row in rows]
    assert {row[2] for row in rows if row[0] == "far"} == {"peer", "first", "second"}
    code, text, _ = company.ask("ps", "-o", "json")
    found = json.loads(text)
    assert [node["name"] for node in found["nodes"]] == ["hub"]
    assert [(node["name"], sorted(node["workers"])) for node in found["elsewhere"]] == [
        ("far", ["first", "second"])
    ]
    names = company.ask("ps", "-o", "name")[1].splitlines()
    assert names[-3:] == ["far", "far/first", "far/second"]
    assert CANARY not in table + text


@pytest.mark.check("M106")
def test_a_secret_on_the_command_line_is_warned_of_and_never_shown(
    company: Company, hub: str
) -> None:
    started = company.run(
        "run", "quiet:Quiet", "--name", "guest", "--transport", hub, "--log-level", "debug",
    )  # fmt: skip
    joined(company, "hub", "guest")
    started.until(r"warning: ws://.*\*\*\*@127.0.0.1:\d+ holds a secret")
    for arguments in (("ps",), ("ps", "-o", "json"), ("tree",)):
        assert CANARY not in "".join(map(str, company.ask(*arguments)))
    started.signal(signal.SIGUSR1)
    started.until("transport-websocket")
    started.signal(signal.SIGTERM)
    assert started.code() == 0
    assert CANARY not in started.out + started.err


def test_a_file_that_holds_a_secret_is_named_on_the_command_line_without_a_warning(
    company: Company,
) -> None:
    token = company.folder / "token"
    token.write_text(CANARY)
    url = f"ws+listen://127.0.0.1:{free_port()}?token_file={token}"
    started = company.run("run", "quiet:made", "--name", "hub", "--transport", url)
    started.until("transport-websockethub connected")
    assert f"carried by {url}" in started.err
    assert "warning" not in started.err


@pytest.mark.check("M106")
@pytest.mark.parametrize(
    "url",
    [
        f"redis://user:{CANARY}@127.0.0.1:{{port}}/0",
        f"postgres://user:{CANARY}@127.0.0.1:{{port}}/bus",
        f"ws://:{CANARY}@127.0.0.1:{{port}}",
    ],
)
def test_a_broker_that_is_not_there_keeps_no_node_from_its_work_and_shows_no_secret(
    company: Company, url: str
) -> None:
    started = company.run(
        "run", "quiet:Quiet", "--name", "guest", "--log-level", "debug", "--log-format", "json",
        CALLBOARD_BUS_URL=url.format(port=free_port()),
    )  # fmt: skip
    started.until("second started")
    started.until("restart 2 in")
    for arguments in (("ps",), ("ps", "-o", "json"), ("tree",)):
        code, out, err = company.ask(*arguments)
        assert code == 0 and CANARY not in out + err
    started.signal(signal.SIGTERM)
    assert started.code() == 0
    assert CANARY not in started.out + started.err
    assert started.out.count("stopped") == 2


@pytest.mark.parametrize("processes", [(), ("--processes", "2")])
def test_a_node_that_insists_on_its_broker_ends_with_3_without_it(
    company: Company, processes: tuple[str, ...]
) -> None:
    started = company.run(
        "run", "quiet:Quiet", "--name", "guest", "--connect-within", "300ms", *processes,
        CALLBOARD_BUS_URL=f"ws://:{CANARY}@127.0.0.1:{free_port()}",
    )  # fmt: skip
    assert started.code() == 3
    assert "not connected within 0.3 s: transport-websocket (" in started.err
    assert started.out.count("second stopped") == 1
    assert CANARY not in started.out + started.err


def test_a_node_that_insists_and_has_its_broker_runs(company: Company, hub: str) -> None:
    started = company.run(
        "run", "quiet:Quiet", "--name", "guest", "--processes", "2", "--connect-within", "30s",
        CALLBOARD_BUS_URL=hub,
    )  # fmt: skip
    joined(company, "hub", "guest-1")
    started.signal(signal.SIGTERM)
    assert started.code() == 0


@pytest.mark.parametrize("said", ["on the command line", "in a file"])
def test_a_process_that_is_started_again_insists_on_nothing(
    company: Company, hub: str, said: str
) -> None:
    arguments = ["--processes", "2", "--connect-within", "2s"]
    if said == "in a file":
        path = Path(company.folder, "house.toml")
        path.write_text('processes = 2\nconnect-within = "2s"\n')
        arguments = ["--config", str(path)]
    started = company.run(
        "run", "quiet:Quiet", "--name", "house", *arguments, CALLBOARD_BUS_URL=hub
    )
    poll(lambda: {"house-1", "house-2"} <= peers_of(company, "hub").keys(), "both at the hub")
    company.started[0].signal(signal.SIGTERM)
    assert company.started[0].code() == 0
    os.kill(company.pid_of("house-2"), signal.SIGKILL)
    started.until("second started in .* process 2 of 2", times=2)

    def longer_than_it_had() -> bool:
        workers = company.nodes().get("house-2", {}).get("workers") or [{"up_s": 0}]
        return bool((workers[0]["up_s"] or 0) > 3)

    poll(longer_than_it_had, "a process that goes on without the hub")
    assert started.process.poll() is None


@pytest.mark.check("M106")
def test_the_processes_of_one_parent_join_and_have_no_secret_among_their_arguments(
    company: Company, hub: str
) -> None:
    keys = Path(company.folder, "bus")
    keys.write_text(f"# the hub\n{hub}\n")
    started = company.run(
        "run", "quiet:made", "--name", "house", "--processes", "2", "--namespace", "",
        CALLBOARD_BUS_URL_FILE=str(keys),
    )  # fmt: skip
    assert started.code() == 2  # an empty namespace
    started = company.run(
        "run", "quiet:Quiet", "--name", "house", "--processes", "2",
        CALLBOARD_BUS_URL_FILE=str(keys),
    )  # fmt: skip
    poll(lambda: {"house-1", "house-2"} <= peers_of(company, "hub").keys(), "both at the hub")
    for process in psutil.Process(started.pid).children():
        assert CANARY not in " ".join(process.cmdline())
    _, drawn, _ = company.ask("tree", "house")
    [row] = [line.split() for line in drawn.splitlines() if line.startswith("hub ")]
    assert row[1] == "transport-websocket"


def test_several_processes_cannot_be_one_hub(company: Company) -> None:
    url = "ws+listen://127.0.0.1:1"
    code, _, err = company.ask("run", "quiet:made", "--processes", "2", "--transport", url)
    assert code == 78
    assert "ws+listen://127.0.0.1:1 listens, and of several processes only one can" in err


def test_applications_with_other_namespaces_stay_apart(company: Company) -> None:
    port = free_port()
    hub, url = f"ws+listen://127.0.0.1:{port}", f"ws://127.0.0.1:{port}"
    company.run("run", "quiet:made", "--name", "hub", "--transport", hub, "--namespace", "shop")
    company.run("run", "quiet:Quiet", "--name", "in", "--transport", url, "--namespace", "shop")
    out = company.run("run", "quiet:Quiet", "--name", "out", "--transport", url)
    joined(company, "hub", "in")
    out.until(r"HandshakeRefused: .*at a hub the path is the channel: \?channel= must be the hub's")
    assert peers_of(company, "hub").keys() == {"in"}
    assert peers_of(company, "out") == {}


def test_nodes_with_the_same_secret_know_each_other_and_nobody_else(company: Company) -> None:
    port = free_port()
    hub, url = f"ws+listen://127.0.0.1:{port}", f"ws://127.0.0.1:{port}"
    keys = Path(company.folder, "keys")
    keys.write_text(f"2026-11 = {CANARY}\n")
    told = ("--secret-file", str(keys))
    first = company.run("run", "quiet:made", "--name", "hub", "--transport", hub, *told)
    company.run("run", "quiet:Quiet", "--name", "in", "--transport", url, *told)
    out = company.run("run", "quiet:Quiet", "--name", "out", "--transport", url)
    joined(company, "hub", "in")
    out.until("transport-websocket connected")
    first.until("WARNING .*rejected: .*counted as unsigned")
    assert peers_of(company, "hub").keys() == {"in"}
    assert peers_of(company, "out") == {}
    for started in company.started:
        assert CANARY not in started.out + started.err


@pytest.mark.parametrize(
    ("url", "library", "extra"),
    [
        ("redis://h", "redis", "redis"),
        ("postgres://h/d", "asyncpg", "pgmq"),
        ("ws://127.0.0.1:1", "websockets", "websocket"),
    ],
)
def test_a_missing_extra_is_named_with_the_command_that_installs_it(
    company: Company, url: str, library: str, extra: str
) -> None:
    (company.folder / f"{library}.py").write_text("raise ImportError('not installed')\n")
    path = str(company.folder)
    code, _, err = company.ask("run", "quiet:made", "--transport", url, PYTHONPATH=path)
    assert code == 2
    assert f"pip install 'callboard[{extra}]'" in err
    assert len(err.splitlines()) == 1
    code, _, err = company.ask("check", "quiet:made", PYTHONPATH=path)
    assert code == 0
