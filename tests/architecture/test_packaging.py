"""What is installed is what stands in the folders, and every file is loaded once."""

import os
import subprocess
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from fnmatch import fnmatch
from pathlib import Path

from tests.architecture.source import PARTS, ROOT, plant

INSTALLED = (*PARTS, "examples")
PLUGIN = "actors/testing/plugin.py"


def unlisted(root: Path) -> list[str]:
    """Differences between the packages that setup.cfg lists and the folders."""
    config = _config(root)
    listed = config.get("options", "packages").split()
    folders = ["callboard", *(_package(folder, root) for folder in _folders(root))]
    found = [f"{name} is listed twice" for name in sorted(set(listed)) if listed.count(name) > 1]
    found += [f"{name} is listed and has no folder" for name in sorted(set(listed) - set(folders))]
    found += [f"{name} is missing in setup.cfg" for name in sorted(set(folders) - set(listed))]
    return found


def undeclared(root: Path) -> list[str]:
    """Files in the packages that a wheel would leave out: neither Python nor package data."""
    config = _config(root)
    section = "options.package_data"
    declared = config.items(section) if config.has_section(section) else []
    data = {package: patterns.split() for package, patterns in declared}
    return [
        f"{path.relative_to(root)} is missing in [options.package_data]"
        for folder in _folders(root)
        for path in sorted(folder.iterdir())
        if path.is_file()
        and path.suffix not in {".py", ".md"}
        and not any(fnmatch(path.name, pattern) for pattern in data.get(_package(folder, root), []))
    ]


def undeclared_plugin(root: Path) -> list[str]:
    """Pytest stops at a plugin that is not there, and never finds one that is not declared."""
    config = _config(root)
    declared = config.get("options.entry_points", "pytest11", fallback="").split()
    expected = ["callboard", "=", "callboard.actors.testing.plugin"]
    wanted = expected if (root / PLUGIN).exists() else []
    return [] if declared == wanted else [f"pytest11 is {declared}, and should be {wanted}"]


def loaded_twice(root: Path, search: Path | None = None) -> list[str]:
    """Source files that become two modules when everything is imported, beginning at the checkout.

    The bare names of the parts can be imported there, so a wrongly written import shows.
    """
    environment = os.environ | ({"PYTHONPATH": str(search)} if search else {})
    done = subprocess.run(
        [sys.executable, "-c", _IMPORT_EVERYTHING],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_list_of_packages_equals_the_folders() -> None:
    assert unlisted(ROOT) == []


def test_every_data_file_is_declared() -> None:
    assert undeclared(ROOT) == []


def test_the_pytest_plugin_is_declared_when_it_exists() -> None:
    assert undeclared_plugin(ROOT) == []


def test_no_file_is_loaded_under_two_names() -> None:
    assert loaded_twice(ROOT) == []


def test_a_folder_and_a_list_that_differ_are_found(tmp_path: Path) -> None:
    listed = "callboard callboard.actors callboard.actors callboard.supervision"
    plant(
        tmp_path,
        {
            "setup.cfg": f"[options]\npackages = {listed}\n",
            "actors/__init__.py": "",
            "actors/jobs/caller.py": "",
            "transports/__init__.py": "",
            "tests/__init__.py": "",
        },
    )
    assert unlisted(tmp_path) == [
        "callboard.actors is listed twice",
        "callboard.supervision is listed and has no folder",
        "callboard.actors.jobs is missing in setup.cfg",
        "callboard.transports is missing in setup.cfg",
    ]


def test_an_undeclared_data_file_is_found(tmp_path: Path) -> None:
    plant(
        tmp_path,
        {
            "setup.cfg": "[options.package_data]\ncallboard.transports.pgmq = *.sql\n",
            "transports/pgmq/isolated.sql": "",
            "supervision/dashboard/page.html": "",
            "supervision/dashboard/server.py": "",
        },
    )
    assert undeclared(tmp_path) == [
        "supervision/dashboard/page.html is missing in [options.package_data]"
    ]


def test_a_plugin_declared_too_early_or_too_late_is_found(tmp_path: Path) -> None:
    early = "[options.entry_points]\npytest11 =\n  callboard = callboard.actors.testing.plugin\n"
    plant(tmp_path, {"setup.cfg": early})
    assert undeclared_plugin(tmp_path) != []
    plant(tmp_path, {PLUGIN: ""})
    assert undeclared_plugin(tmp_path) == []
    plant(tmp_path, {"setup.cfg": ""})
    assert undeclared_plugin(tmp_path) != []


def test_a_file_loaded_under_two_names_is_found(tmp_path: Path) -> None:
    plant(
        tmp_path / "callboard",
        {
            "__init__.py": "",
            "actors/__init__.py": "",
            "actors/mailbox.py": "import missing_extra\n",
            "actors/redis/__init__.py": "import missing_extra.client\n",
            "actors/message.py": "",
            "supervision/__init__.py": "",
            "supervision/node.py": "import actors.message\n",
            "supervision/__main__.py": "raise SystemExit(1)\n",
        },
    )
    assert loaded_twice(tmp_path / "callboard", tmp_path) == [
        "actors/__init__.py is actors and callboard.actors",
        "actors/message.py is actors.message and callboard.actors.message",
    ]


# An extra that is not installed is no fault; everything else that cannot be imported is one.
_IMPORT_EVERYTHING = """
import importlib, os, pkgutil, sys

def check(name):
    error = sys.exception()
    missing = isinstance(error, ModuleNotFoundError) and error.name or "callboard"
    if missing.partition(".")[0] == "callboard":
        raise error

face = importlib.import_module("callboard")
for module in pkgutil.walk_packages(face.__path__, "callboard.", check):
    if not module.name.endswith(".__main__"):
        try:
            importlib.import_module(module.name)
        except ImportError:
            check(module.name)

names = {}
for name, module in sys.modules.items():
    path = os.path.realpath(getattr(module, "__file__", None) or os.devnull)
    if path.startswith(os.getcwd() + os.sep) and "site-packages" not in path:
        names.setdefault(os.path.relpath(path), []).append(name)
for path, twice in sorted(names.items()):
    if len(twice) > 1:
        print(path, "is", " and ".join(sorted(twice)))
"""


def _config(root: Path) -> ConfigParser:
    config = ConfigParser(interpolation=None)
    config.read(root / "setup.cfg", encoding="utf-8")
    return config


def _folders(root: Path) -> Iterator[Path]:
    """The folders that install: each that holds a file, with or without an __init__.py."""
    for part in INSTALLED:
        for folder in [root / part, *sorted((root / part).rglob("*/"))]:
            if "__pycache__" not in folder.parts and any(p.is_file() for p in folder.glob("*")):
                yield folder


def _package(folder: Path, root: Path) -> str:
    return ".".join(("callboard", *folder.relative_to(root).parts))
