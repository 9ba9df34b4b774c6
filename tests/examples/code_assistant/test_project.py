"""Nothing outside the folder is read, by whatever path, link, or file that is none."""

import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callboard.examples.code_assistant import project as projects
from callboard.examples.code_assistant.project import Hit, Project, ProjectError

SECRET = "the secret of another folder"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project, and beside it what it must not show."""
    inside = tmp_path / "inside"
    (inside / "pack" / "deep").mkdir(parents=True)
    (inside / "top.py").write_text("# top\nx = 1  # TODO: more\n")
    (inside / "pack" / "mod.py").write_text("import os\n\ndef f() -> None: ...\n")
    (inside / "pack" / "deep" / "Notes.md").write_text("Some notes.\nTODO: write\n")
    (tmp_path / "secret.txt").write_text(SECRET)
    (tmp_path / "inside-too").mkdir()
    (tmp_path / "inside-too" / "secret.txt").write_text(SECRET)
    return inside


def test_a_file_is_read_by_its_path_from_the_folder(folder: Path) -> None:
    with Project(folder) as project:
        for path in ("pack/mod.py", "./pack//mod.py", "pack/./mod.py"):
            assert project.read(path).startswith("import os")


@pytest.mark.check("M159")
@pytest.mark.parametrize(
    "path",
    [
        "../secret.txt",
        "pack/../../secret.txt",
        "pack/deep/../../../secret.txt",
        "../inside-too/secret.txt",
        "..",
        "pack/..",
        "/etc/passwd",
        "//etc/passwd",
        "~/secret.txt",
        "~root/.profile",
        "..\\secret.txt",
        "pack\\..\\..\\secret.txt",
        "top.py\0/../../secret.txt",
        "",
        ".",
        "pack",
        "pack/",
        "nowhere.py",
        "top.py/x",
        "file:///etc/passwd",
        "x" * 5000,
        "a/" * 5000 + "b",
    ],
)
def test_no_path_leads_out(folder: Path, path: str) -> None:
    with Project(folder) as project, pytest.raises(ProjectError) as refused:
        project.read(path)
    assert str(folder.parent) not in str(refused.value)


@pytest.mark.check("M159")
def test_no_absolute_path_leads_in_or_out(folder: Path) -> None:
    with Project(folder) as project:
        for path in (folder.parent / "secret.txt", folder / "top.py"):
            with pytest.raises(ProjectError, match="no path within"):
                project.read(str(path))


@pytest.mark.check("M159")
@pytest.mark.parametrize(
    ("link", "target", "path"),
    [
        ("leak.txt", "../secret.txt", "leak.txt"),
        ("leak.txt", "{outside}/secret.txt", "leak.txt"),
        ("leak.txt", "/etc/passwd", "leak.txt"),
        ("pack/leak", "../..", "pack/leak/secret.txt"),
        ("leak", "{outside}", "leak/secret.txt"),
        ("leak", "/", "leak/etc/passwd"),
        ("loop", "loop", "loop"),
        ("again", "pack", "again/mod.py"),
        ("again.py", "top.py", "again.py"),
        ("gone", "nowhere", "gone"),
    ],
)
def test_no_link_is_followed(folder: Path, link: str, target: str, path: str) -> None:
    os.symlink(target.format(outside=folder.parent), folder / link)
    with Project(folder) as project:
        with pytest.raises(ProjectError, match="link"):
            project.read(path)
        assert project.files() == ["pack/deep/Notes.md", "pack/mod.py", "top.py"]
        assert project.search("secret") == []


@pytest.mark.check("M159")
@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_link_that_is_put_there_after_the_check_is_not_followed(
    folder: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each opening has its link put in place in the last moment before it."""
    outside = folder.parent
    (outside / "inside-too" / "mod.py").write_text(SECRET)
    opened: Callable[..., int] = os.open

    def put(name: str, *arguments: object, **keywords: object) -> int:
        if what == "file" and name == "mod.py":
            (folder / "pack" / "mod.py").unlink()
            os.symlink(outside / "secret.txt", folder / "pack" / "mod.py")
        elif what == "folder" and name == "pack":
            (folder / "pack").rename(outside / "moved")
            os.symlink(outside / "inside-too", folder / "pack")
        return opened(name, *arguments, **keywords)

    with Project(folder) as project:
        monkeypatch.setattr(os, "open", put)
        with pytest.raises(ProjectError, match="link"):
            project.read("pack/mod.py")
        assert "pack/mod.py" not in project.files()


@pytest.mark.check("M159")
def test_a_link_that_comes_and_goes_is_never_followed(folder: Path) -> None:
    """A thread turns a file into a link out and back, while another reads it over and over."""
    place, spare = folder / "pack" / "mod.py", folder.parent / "spare"
    stop = threading.Event()

    def turn() -> None:
        while not stop.is_set():
            os.symlink(folder.parent / "secret.txt", spare)
            spare.replace(place)
            spare.write_text("fine")
            spare.replace(place)

    turning = threading.Thread(target=turn)
    turning.start()
    seen: set[str] = set()
    try:
        with Project(folder) as project:
            for _ in range(3000):
                try:
                    seen.add(project.read("pack/mod.py"))
                except ProjectError as error:
                    seen.add(str(error))
    finally:
        stop.set()
        turning.join()
    assert "fine" in seen and not any("secret" in text for text in seen)


@pytest.mark.check("M159")
def test_what_is_no_plain_file_is_refused_without_waiting_for_it(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        here = os.open(folder, os.O_RDONLY)
        try:
            listening.bind(f"/proc/self/fd/{here}/socket")
        finally:
            os.close(here)
        with Project(folder) as project:
            for name in ("pipe", "socket"):
                with pytest.raises(ProjectError, match="no plain file"):
                    project.read(name)
            assert not {"pipe", "socket"} & set(project.files())


def test_what_is_hidden_is_not_part_of_it(folder: Path) -> None:
    (folder / ".env").write_text("OPENAI_API_KEY=secret")
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_text("secret")
    with Project(folder) as project:
        for path in (".env", "./.env", ".git/config", "pack/../.env"):
            with pytest.raises(ProjectError):
                project.read(path)
        assert project.search("secret") == []


def test_what_is_too_large_or_no_text_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projects, "LARGEST", 100)
    (folder / "large.py").write_text("x" * 101)
    (folder / "fits.py").write_text("x" * 100)
    (folder / "picture.py").write_bytes(b"\x89PNG\0\1")
    (folder / "latin.py").write_bytes(b"# caf\xe9")
    with Project(folder) as project:
        with pytest.raises(ProjectError, match="larger than 100 bytes"):
            project.read("large.py")
        with pytest.raises(ProjectError, match="no text"):
            project.read("picture.py")
        assert len(project.read("fits.py")) == 100
        assert project.read("latin.py") == "# caf\ufffd"


def test_a_project_of_too_many_files_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projects, "MOST_FILES", 2)
    with Project(folder) as project:
        assert len(project.files()) == 2 and not project.complete
        monkeypatch.undo()
        assert len(project.files()) == 3 and project.complete


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*.py", ["pack/mod.py", "top.py"]),
        ("**/*.py", ["pack/mod.py", "top.py"]),
        ("pack/*.py", ["pack/mod.py"]),
        ("pack/**/*.md", ["pack/deep/Notes.md"]),
        ("notes*", ["pack/deep/Notes.md"]),
        ("./top.py", ["top.py"]),
        ("../*", []),
        ("/*", []),
        ("[", []),
    ],
)
def test_files_are_found_by_patterns(folder: Path, pattern: str, found: list[str]) -> None:
    with Project(folder) as project:
        assert project.find(pattern) == found


def test_lines_are_found_by_their_text(folder: Path) -> None:
    with Project(folder) as project:
        assert project.search("todo") == [
            Hit("pack/deep/Notes.md", 2, "TODO: write"),
            Hit("top.py", 2, "x = 1  # TODO: more"),
        ]
        assert project.search("todo", "*.md") == [Hit("pack/deep/Notes.md", 2, "TODO: write")]
        assert project.search("(a+)+$") == project.search("  ") == []


def test_the_folder_itself_may_be_reached_by_a_link_and_must_be_one(folder: Path) -> None:
    os.symlink(folder, folder.parent / "link")
    with Project(folder.parent / "link") as project:
        assert project.name == "inside" and "top.py" in project.files()
    for other in ("nowhere", "secret.txt"):
        with pytest.raises(ProjectError, match="no folder to read"):
            Project(folder.parent / other)


def test_no_descriptor_is_left_open(folder: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    with Project(folder) as project:
        for path in ("top.py", "pack/mod.py", "nowhere/x", "pack", "../x"):
            with suppress(ProjectError):
                project.read(path)
        project.search("x")
    assert len(os.listdir("/proc/self/fd")) == before


@given(st.lists(st.sampled_from(["..", ".", "", "pack", "deep", "secret.txt", "inside", "~"])))
def test_no_combination_of_names_reads_another_file(names: list[str]) -> None:
    base = Path(__file__).parent  # a folder with files of this project, and others around it
    with Project(base) as project, pytest.raises(ProjectError):
        project.read("/".join(names))
