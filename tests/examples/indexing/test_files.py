from __future__ import annotations

import os
from pathlib import Path

import pytest

from callboard.examples.indexing.facts import FileProblem, ProblemKind
from callboard.examples.indexing.files import THIRD_PARTY, find_files, standard_library


def touch(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()


def test_files_come_by_name_and_before_the_subfolders(tmp_path: Path) -> None:
    touch(tmp_path, "b/z.py", "b/a/x.py", "z.py", "a/y.py", "c.py", "a.b/q.py")

    found = ["c.py", "z.py", "a/y.py", "a.b/q.py", "b/z.py", "b/a/x.py"]
    assert list(find_files(tmp_path)) == found


def test_only_python_files_are_found(tmp_path: Path) -> None:
    touch(tmp_path, "a.py", "b.pyc", "c.txt", "py", "d.PY", "folder.py/e.py")

    assert list(find_files(tmp_path)) == ["a.py", "folder.py/e.py"]


def test_named_folders_are_left_out_at_any_depth_but_never_the_root(tmp_path: Path) -> None:
    root = tmp_path / "site-packages"
    touch(root, "a.py", "site-packages/b.py", "c/dist-packages/d.py", "c/e.py")

    assert list(find_files(root, THIRD_PARTY)) == ["a.py", "c/e.py"]


def test_a_loop_of_links_does_not_trap_the_search(tmp_path: Path) -> None:
    touch(tmp_path, "a/b/c.py")
    (tmp_path / "a/b/up").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "a/b/up.py").symlink_to(tmp_path, target_is_directory=True)

    assert list(find_files(tmp_path)) == ["a/b/c.py"]


def test_a_link_to_a_file_is_a_file(tmp_path: Path) -> None:
    touch(tmp_path, "a.py")
    (tmp_path / "b.py").symlink_to(tmp_path / "a.py")

    assert list(find_files(tmp_path)) == ["a.py", "b.py"]


def test_what_ends_like_a_file_and_is_none_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "broken.py").symlink_to(tmp_path / "nowhere")
    (tmp_path / "itself.py").symlink_to(tmp_path / "itself.py")
    os.mkfifo(tmp_path / "pipe.py")

    found = list(find_files(tmp_path))

    assert [p.path for p in found if isinstance(p, FileProblem)] == [
        "broken.py",
        "itself.py",
        "pipe.py",
    ]
    assert {p.kind for p in found if isinstance(p, FileProblem)} == {ProblemKind.UNREADABLE}


def test_a_folder_that_cannot_be_listed_is_reported_and_the_search_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "a/a.py", "closed/b.py", "z/c.py")
    scandir = os.scandir

    def refuse(path: Path) -> object:  # by hand: a mode of 000 does not stop root
        if path.name == "closed":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)

    problem = FileProblem("closed", ProblemKind.FOLDER, "Permission denied")
    assert list(find_files(tmp_path)) == ["a/a.py", problem, "z/c.py"]


def test_a_root_that_is_no_folder_is_a_problem_too(tmp_path: Path) -> None:
    touch(tmp_path, "a.py")

    assert list(find_files(tmp_path / "a.py")) == [
        FileProblem(".", ProblemKind.FOLDER, "Not a directory")
    ]
    assert list(find_files(tmp_path / "nowhere")) == [
        FileProblem(".", ProblemKind.FOLDER, "No such file or directory")
    ]


def test_the_standard_library_has_no_third_party_files() -> None:
    found = [path for path in find_files(standard_library(), THIRD_PARTY) if isinstance(path, str)]

    assert len(found) > 500
    assert "json/decoder.py" in found
    assert not any("site-packages" in path.split("/") for path in found)
