"""`callboard demo` finds the demonstration by its name, and passes everything on."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from callboard.supervision.cli import main

NAME = "callboard.examples.indexing.demo"


@pytest.mark.parametrize(
    ("arguments", "passed"),
    [
        ((), (None, True, None, 4, 1, "websocket")),
        (
            ("--no-chaos", "--seed", "7", "--workers", "2", "{here}"),
            ("{here}", False, 7, 2, 1, "websocket"),
        ),
        (("--nodes", "5"), (None, True, None, 4, 5, "websocket")),
        (("--transport", "redis"), (None, True, None, 4, 3, "redis")),
    ],
)
def test_options_go_to_the_demonstration_and_its_code_comes_back(
    arguments: tuple[str, ...],
    passed: tuple[object, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[tuple[object, ...]] = []

    def show(
        path: str | None, *, chaos: bool, seed: int | None, workers: int, nodes: int, transport: str
    ) -> int:
        calls.append((path, chaos, seed, workers, nodes, transport))
        return 3

    module = ModuleType(NAME)
    vars(module)["main"] = show
    monkeypatch.setitem(sys.modules, NAME, module)
    here = str(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["demo", *(each.format(here=here) for each in arguments)])
    assert ended.value.code == 3
    first, *rest = passed
    assert calls == [(first.format(here=here) if isinstance(first, str) else first, *rest)]


def test_one_node_takes_no_transport(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["demo", "--nodes", "1", "--transport", "redis"])
    assert ended.value.code == 2
    assert "one node needs no transport" in capsys.readouterr().err


def test_an_installation_without_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("callboard.supervision.cli.demo.DEMONSTRATION", f"{NAME}.not_there")
    monkeypatch.setitem(sys.modules, NAME, ModuleType(NAME))
    with pytest.raises(SystemExit) as ended:
        main(["demo"])
    assert ended.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
