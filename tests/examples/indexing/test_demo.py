"""The demonstration as its users start it: a process, its output, its exit code."""

from __future__ import annotations

import hashlib
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from callboard.examples.indexing import demo, reporter
from callboard.examples.indexing.company import Company, Plan
from callboard.examples.indexing.index import Index
from callboard.examples.indexing.plain import Proof, index_plainly, prove

DEMO = (sys.executable, "-m", "callboard.examples.indexing.demo")
PROVEN = "the index equals the one computed by a plain loop without any actors:"
WITHIN = 60.0


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*DEMO, *map(str, arguments)], capture_output=True, text=True, timeout=WITHIN, check=False
    )


@contextmanager
def started(*arguments: str | Path) -> Generator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [*DEMO, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def unread_pipe() -> Generator[int]:
    """The end of a pipe to write to, whose reader has left."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        yield writer
    finally:
        os.close(writer)


def large(folder: Path, files: int) -> Path:
    """A tree of files that take some time each."""
    source = "".join(f"def f{n}(a, b):\n    return [a + b * {n} for _ in a]\n" for n in range(1000))
    folder.mkdir()
    for number in range(files):
        (folder / f"file{number}.py").write_text(source, encoding="utf-8")
    return folder


def test_it_ends_with_the_proof_and_with_success(tree: Path) -> None:
    done = run("--seed", "1", tree)

    assert done.returncode == 0, done.stderr
    assert PROVEN in done.stdout
    assert index_plainly(tree).digest() in done.stdout
    assert "9 of 9 files, 100 %" in done.stdout
    assert "killed on purpose (seed 1)" in done.stdout
    assert done.stderr == ""


def test_it_writes_plain_lines_where_there_is_no_terminal(tree: Path) -> None:
    assert "\x1b" not in run(tree).stdout


def test_without_chaos_nobody_is_killed(tree: Path) -> None:
    done = run("--no-chaos", "--workers", "1", tree)

    assert done.returncode == 0
    assert "Restarts: 0\n" in done.stdout


def test_it_repairs_what_the_chaos_kills_and_proves_it(tmp_path: Path) -> None:
    done = run("--seed", "2", large(tmp_path / "large", 40))

    assert done.returncode == 0, done.stderr
    assert PROVEN in done.stdout
    title = next(line for line in done.stdout.splitlines() if line.startswith("Restarts: "))
    restarts, kills = int(title.split()[1].strip(",")), int(title.split()[3])
    assert restarts == kills > 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_in_order(tmp_path: Path, number: signal.Signals) -> None:
    with started(large(tmp_path / "large", 400)) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(3)]
        process.send_signal(number)
        rest = process.stdout.read()
        assert process.wait(WITHIN) == 128 + number
    assert "files" in lines[2]
    assert rest.endswith("Stopped before the end.\n")
    assert "Traceback" not in rest


def test_on_a_terminal_the_tree_is_drawn_and_the_result_stands_below(tree: Path) -> None:
    outside, inside = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "NO_COLOR": "1"}
    with subprocess.Popen(
        [*DEMO, str(tree)], stdin=inside, stdout=inside, stderr=inside, env=environment
    ) as process:
        os.close(inside)
        written = b""
        try:
            while part := os.read(outside, 65536):
                written += part
        except OSError:  # the other side was closed: that is how a terminal of Linux ends
            pass
        assert process.wait(WITHIN) == 0
    os.close(outside)
    text = written.decode()
    for worker in ("root", "├─ index", "│  └─ parser-4", "├─ walker", "└─ chaos"):
        assert worker in text
    assert text.rindex("9 of 9 files, 100 %") < text.rindex(PROVEN)


@pytest.mark.parametrize("path", ["nowhere", "main.py"])
def test_what_is_no_folder_is_refused(
    tree: Path, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert demo.main(str(tree / path), chaos=True, seed=None, workers=1) == 2
    assert "is no folder" in capsys.readouterr().err


def test_an_index_that_differs_is_a_failure(
    tree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def against_less(index: Index, plain: Index) -> Proof:
        return prove(index, Index(plain.entries[1:]))

    monkeypatch.setattr(reporter, "prove", against_less)

    assert demo.main(str(tree), chaos=False, seed=None, workers=1) == 1
    assert "THE INDEX DIFFERS" in capsys.readouterr().out


def test_a_reader_that_leaves_early_is_no_success(tree: Path) -> None:
    with unread_pipe() as nobody_reads:
        done = subprocess.run(
            [*DEMO, str(tree)],
            stdout=nobody_reads,
            stderr=subprocess.PIPE,
            text=True,
            timeout=WITHIN,
            check=False,
        )
    assert done.returncode == 1
    assert "Broken pipe" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_anybody_can_compute_the_digest_of_the_proof(tree: Path) -> None:
    module = "callboard.examples.indexing.plain"
    lines = subprocess.check_output([sys.executable, "-m", module, str(tree)], timeout=WITHIN)

    assert hashlib.sha256(lines).hexdigest() == index_plainly(tree).digest()
    assert Index.from_lines(lines.splitlines()) == index_plainly(tree)


def test_the_tree_can_be_checked_without_being_run() -> None:
    names = [child.name for child in demo.tree().specs()]
    assert names == ["index", "pool", "walker", "witness", "reporter", "chaos"]
    calm = Company(Plan(Path()))
    assert "chaos" not in [child.name for child in calm.specs()]
