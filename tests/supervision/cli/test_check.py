"""`callboard check` says which child and which field is wrong, and starts nothing."""

from __future__ import annotations

import sys

import pytest

from callboard.supervision.cli import main
from tests.supervision.cli.processes import TREES


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> None:  # pyright: ignore[reportUnusedFunction]
    monkeypatch.chdir(TREES)
    monkeypatch.setattr(sys, "path", list(sys.path))


def checked(capsys: pytest.CaptureFixture[str], target: str) -> tuple[object, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["check", target])
    out, err = capsys.readouterr()
    return ended.value.code, out, err


@pytest.mark.check("M33")
@pytest.mark.parametrize(
    ("target", "counted"),
    [
        ("quiet:Quiet", "1 supervisor, 2 workers"),
        ("quiet:made", "1 supervisor, 1 worker"),
        ("quiet:instance", "1 supervisor, 1 worker"),
        ("quiet:Nested", "2 supervisors, 3 workers"),
        ("broken:failing", "1 supervisor, 2 workers"),
    ],
)
def test_a_good_tree_is_told_in_one_line_and_not_started(
    capsys: pytest.CaptureFixture[str], target: str, counted: str
) -> None:
    assert checked(capsys, target) == (0, f"{target} is fine: {counted}\n", "")


def test_what_is_named_almost_as_a_field_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert checked(capsys, "broken:Nearly") == (
        0,
        "broken:Nearly is fine: 1 supervisor, 0 workers\n",
        "callboard: root: Nearly has 'childrens': did you mean 'children'?\n"
        "callboard: root: Nearly has 'stratgy': did you mean 'strategy'?\n",
    )


@pytest.mark.check("M33")
@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("broken:misspelt", "child 'actor': restrat: is no field of a child spec; did you mean"),
        ("broken:Outer", "root/inner: child 'deep': restart: must be one of permanent"),
        ("broken:Needy", "root/actor: child 'actor': factory: Actor cannot be called without"),
        ("broken:Twins", "root/inner/audience: child 'audience': name: is also that of root/aud"),
        ("broken:Holder", "child 'refusing': factory: raised RuntimeError: not today"),
        ("broken:no_tree", "tree: int: must be a Supervisor class"),
    ],
)
def test_a_bad_tree_ends_with_78_and_names_path_child_and_field(
    capsys: pytest.CaptureFixture[str], target: str, said: str
) -> None:
    code, out, err = checked(capsys, target)
    assert (code, out) == (78, "")
    assert err.startswith(f"callboard: {target}: ")
    assert said in err
    assert len(err.splitlines()) == 1
