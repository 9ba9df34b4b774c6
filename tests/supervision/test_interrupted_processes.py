"""Whole processes that are interrupted: stop hooks, exit codes, the second signal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

PATIENCE = 30.0
"""Seconds in which a process does what it is waited for; the machine may be busy."""

PROGRAM = """
import asyncio
import sys

from callboard import Child, DataMessage, Node, Supervisor, Worker, on


class Go(DataMessage):
    pass


def say(text: str) -> None:
    print(text, flush=True)


class Steady(Worker):
    takes = 0.0

    def on_start(self) -> None:
        say(f"{self.name} started as {self.incarnation}")

    async def on_stop(self) -> None:
        say(f"{self.name} stops")
        await asyncio.sleep(self.takes)
        say(f"{self.name} stopped")


class Slow(Steady):
    takes = 1000.0


class Deaf(Worker):
    async def on_stop(self) -> None:
        say(f"{self.name} stops")
        while True:
            try:
                await asyncio.sleep(1000)
            except asyncio.CancelledError:
                pass


class Interrupting(Steady):
    def on_start(self) -> None:
        super().on_start()
        self.tell(self.actor_ref, Go())

    @on(Go)
    def go(self, message: Go) -> None:
        if sys.argv[1] == "interrupt":
            raise KeyboardInterrupt
        if sys.argv[1] == "exit":
            sys.exit(3)


class Inner(Supervisor):
    children = [Child("deep", Steady), Child("interrupting", Interrupting)]


class Tree(Supervisor):
    last = {"slow": Slow, "deaf": Deaf}.get(sys.argv[1], Steady)
    children = [
        Child("first", Steady),
        Child("inner", Inner),
        Child("last", last, shutdown=None, grace=0.5),
    ]


async def main() -> None:
    node = Node(Tree)
    await node.start()
    # Said once `run` waits: from then on a signal is taken.
    asyncio.get_running_loop().call_soon(say, "running")
    await node.run()
    say(f"in the end it is {node.state}")


asyncio.run(main())
"""

SHELL = '"$0" "$@" & echo pid $!; wait $!; exit $?'
"""Ends with the code that a shell shows: 130 for a process that an interrupt ended."""

OVER = "in the end it is stopped"

STOPS = [
    f"{name} {what}"
    for name in ("last", "interrupting", "deep", "first")
    for what in ("stops", "stopped")
]


class Program:
    """A process that runs the tree."""

    def __init__(self, folder: Path, mode: str) -> None:
        script = folder / "program.py"
        script.write_text(PROGRAM)
        self._out = folder / "out"
        with self._out.open("wb") as out:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", SHELL, sys.executable, str(script), mode],
                stdout=out,
                stderr=subprocess.DEVNULL,
                stdin=subprocess.DEVNULL,
            )

    @property
    def lines(self) -> list[str]:
        return self._out.read_text().splitlines()

    @property
    def stops(self) -> list[str]:
        return [
            line for line in self.lines if line.endswith((" stops", " stopped")) and line != OVER
        ]

    def wait(self, condition: Callable[[], object]) -> None:
        until = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < until, self.lines
            time.sleep(0.02)

    def wait_for(self, line: str) -> None:
        self.wait(lambda: line in self.lines)

    def signal(self, number: signal.Signals) -> None:
        os.kill(self._pid, number)

    def code(self) -> int:
        return self._process.wait(PATIENCE)

    def end(self) -> None:
        if self._process.poll() is None:
            self.signal(signal.SIGKILL)
            self._process.wait(PATIENCE)

    @property
    def _pid(self) -> int:
        self.wait(lambda: self.lines)
        return next(int(line.split()[1]) for line in self.lines if line.startswith("pid "))


Begin = Callable[[str], Program]


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    programs: list[Program] = []

    def start(mode: str) -> Program:
        programs.append(Program(tmp_path, mode))
        return programs[-1]

    yield start
    for program in programs:
        program.end()


@pytest.mark.check("S76")
@pytest.mark.parametrize(("mode", "code"), [("interrupt", 130), ("exit", 3)])
def test_a_process_whose_worker_is_interrupted_stops_in_order_with_the_right_code(
    begin: Begin, mode: str, code: int
) -> None:
    program = begin(mode)
    assert program.code() == code
    assert program.stops == STOPS
    assert "interrupting started as 2" not in program.lines


@pytest.mark.check("S77")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_process_that_gets_a_signal_stops_in_order_and_ends_well(
    begin: Begin, number: signal.Signals
) -> None:
    program = begin("steady")
    program.wait_for("running")
    program.signal(number)
    assert program.code() == 0
    assert program.stops == STOPS
    assert program.lines[-1] == OVER


@pytest.mark.check("S77")
@pytest.mark.parametrize("mode", ["slow", "deaf"])
def test_a_process_that_gets_a_second_signal_ends_without_waiting(begin: Begin, mode: str) -> None:
    program = begin(mode)
    program.wait_for("running")
    program.signal(signal.SIGTERM)
    program.wait_for("last stops")
    program.signal(signal.SIGTERM)
    assert program.code() == 0
    assert program.stops == ["last stops"]
    assert program.lines[-1] == OVER
