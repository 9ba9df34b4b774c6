"""A mistake of the user's is one clear line on stderr, never a traceback."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from callboard.supervision.cli import main

WRITTEN = {
    "raising.py": "import json\n\njson.loads('{')\n",
    "unparsable.py": "x = 1\ndef broken(:\n    pass\n",
    "lacking.py": "\nimport surely_not_installed\n",
    "leaving.py": "import sys\nsys.exit(3)\n",
    "declared.py": "from callboard import *\nChild('a', Worker, restart='maybe')\n",
    "fine.py": "from callboard import *\nclass Tree(Supervisor): pass\n"
    "class Echo(DataMessage): pass\n",
}


@pytest.fixture(autouse=True)
def _modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # pyright: ignore[reportUnusedFunction]
    for name, text in WRITTEN.items():
        (tmp_path / name).write_text(text)
        monkeypatch.delitem(sys.modules, name.removesuffix(".py"), raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Give the command line these arguments; return its code and its one line."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err
    assert len(err.splitlines()) == 1, err
    assert isinstance(ended.value.code, int)
    return ended.value.code, err


@pytest.mark.check("M33")
@pytest.mark.parametrize("verb", ["check", "run"])
@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("fine", "write MODULE:TREE, such as fine:Tree"),
        (":Tree", "write MODULE:TREE, such as app:Tree"),
        ("fine:", "write MODULE:TREE, such as fine:Tree"),
        ("fine.py:Tree", "is a file: write the module's name, fine:Tree"),
        ("./fine.py", "such as fine:Tree"),
        ("none:Tree", "no module is called 'none'"),
        ("fine.below:Tree", "no module is called 'fine.below'"),
        ("fine:Tre", "'fine' has no 'Tre'; did you mean 'Tree'?"),
        ("fine:garden", "'fine' has no 'garden'; the module has the trees: Tree"),
        ("fine:Echo", "'Echo' is no Supervisor; the module has the trees: Tree"),
        ("fine:Worker", "'Worker' is no Supervisor; the module has the trees: Tree"),
        ("fine:Tree.deep", "'fine.Tree' has no 'deep'"),
        ("raising:Tree", "raising.py:3: JSONDecodeError: Expecting property name"),
        ("unparsable:Tree", "unparsable.py:2: SyntaxError"),
        ("lacking:Tree", "lacking.py:2: ModuleNotFoundError: No module named 'surely_not"),
        ("leaving:Tree", "leaving.py:2: SystemExit: 3"),
    ],
)
def test_what_cannot_be_imported_is_named_with_its_place(
    capsys: pytest.CaptureFixture[str], verb: str, target: str, said: str
) -> None:
    code, line = refusal(capsys, verb, target)
    assert code == 2
    assert said in line


@pytest.mark.check("M33")
def test_a_wrong_declaration_found_by_the_import_names_its_place_too(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, line = refusal(capsys, "check", "declared:Tree")
    assert code == 78
    assert "declared.py:2: child 'a': restart: must be one of" in line


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("runn", "fine:Tree"), "Did you mean 'run'?"),
        (("run",), "Missing argument 'MODULE:TREE'. (see 'callboard run --help')"),
        (("run", "fine:Tree", "--processes", "0"), "'--processes'"),
        (("run", "fine:Tree", "--processes", "many"), "'--processes'"),
        (("run", "fine:Tree", "--drain-within", "soon"), "'soon' is no duration: write 30s"),
        (("run", "fine:Tree", "--drain-within", "-1"), "'-1' is no duration"),
        (("run", "fine:Tree", "--name", "../house"), "must be of letters, digits"),
        (("run", "fine:Tree", "--name", "h" * 65), "at most 64 characters"),
        (("run", "fine:Tree", "--log-format", "xml"), "'--log-format'"),
        (("run", "fine:Tree", "--nme", "house"), "--name"),
        (("ps", "-o", "yaml"), "'--output'"),
        (("demo", "/nowhere/at/all"), "does not exist"),
    ],
)
def test_wrong_usage_is_said_in_one_line_and_ends_with_2(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    code, line = refusal(capsys, *arguments)
    assert code == 2
    assert said in line
    assert line.startswith("callboard: ")


def test_the_whole_traceback_is_shown_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["check", "raising:Tree", "--traceback"])
    err = capsys.readouterr().err
    assert ended.value.code == 2
    assert "Traceback (most recent call last)" in err and "json.loads('{')" in err


def test_a_socket_that_would_have_too_long_a_path_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(deep))
    code, line = refusal(capsys, "run", "fine:Tree", "--log-level", "critical")
    assert code == 78
    assert "too long" in line and "--no-control" in line
