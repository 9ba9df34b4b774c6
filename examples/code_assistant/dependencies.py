"""What a project needs, by the files that declare it; pure: texts in, names out."""

from __future__ import annotations

import configparser
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any, cast

__all__ = ["MANIFESTS", "Needs", "needs_of"]

Needs = dict[str, list[str]]
"""Names of what is needed, by what for: "to run", "to build", an extra's name."""

MANIFESTS = (
    "pyproject.toml",
    "setup.cfg",
    "requirements*.txt",
    "package.json",
    "Cargo.toml",
    "go.mod",
)
"""The names of the files that declare it."""

NAME = re.compile(r"^\s*([A-Za-z0-9@][\w.\-/@]*)")

RUN, BUILD = "to run", "to build"


def needs_of(path: str, text: str) -> Needs:
    """Return what a file declares; nothing where it cannot be understood."""
    name = path.rpartition("/")[2].lower()
    try:
        if name.startswith("requirements"):
            found = {RUN: _names(text.splitlines())}
        elif name == "setup.cfg":
            found = _of_setup(text)
        elif name == "package.json":
            found = _of_package(json.loads(text))
        elif name == "go.mod":
            found = {
                RUN: re.findall(r"^\s*(?:require\s+)?([\w.\-]+\.[\w.\-]+/\S+)\s+v", text, re.M)
            }
        else:
            found = _of_toml(tomllib.loads(text))
    except (ValueError, configparser.Error, RecursionError):
        return {}
    return {purpose: names for purpose, names in found.items() if names}


def _of_toml(data: Mapping[str, Any]) -> Needs:
    project = _table(data, "project")
    found: Needs = {
        RUN: _names(_list(project, "dependencies")),
        BUILD: _names(_list(_table(data, "build-system"), "requires")),
    }
    for table in (_table(project, "optional-dependencies"), _table(data, "dependency-groups")):
        found |= {name: _names(_list(table, name)) for name in table}
    poetry = _table(_table(data, "tool"), "poetry")
    for source, purpose in (
        (_table(poetry, "dependencies"), RUN),
        (_table(data, "dependencies"), RUN),
        (_table(data, "dev-dependencies"), "to develop"),
    ):
        found[purpose] = found.get(purpose, []) + [name for name in source if name != "python"]
    return found


def _of_setup(text: str) -> Needs:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(text)
    found: Needs = {
        RUN: _names(parser.get("options", "install_requires", fallback="").splitlines())
    }
    if parser.has_section("options.extras_require"):
        for extra, lines in parser.items("options.extras_require"):
            found[extra] = _names(lines.splitlines())
    return found


def _of_package(data: Any) -> Needs:
    package = _table({"package": data}, "package")
    return {
        RUN: list(_table(package, "dependencies")),
        "to develop": list(_table(package, "devDependencies")),
    }


def _names(lines: Iterable[object]) -> list[str]:
    """Return the names at the beginning of requirements; options and comments are none."""
    found = [NAME.match(line) for line in lines if isinstance(line, str)]
    return [name[1] for name in found if name is not None]


def _table(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = data.get(name)
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def _list(data: Mapping[str, Any], name: str) -> list[object]:
    value = data.get(name)
    return cast("list[object]", value) if isinstance(value, list) else []
