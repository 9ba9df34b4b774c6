"""Where a server's program is: named by the environment, on PATH, or in a wheel that carries it."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Program", "ServerMissing"]


class ServerMissing(RuntimeError):
    """No program of a server is here; `package` is the one of Debian that brings it."""

    def __init__(self, program: str, package: str, *, wheel: str | None, variable: str) -> None:
        """Say which one, and the command that brings it."""
        other = f" or 'pip install {wheel}' (where it has a wheel)," if wheel else ""
        super().__init__(
            f"there is no {program} here: run 'apt-get install {package}',{other} "
            f"or let {variable} say where it is"
        )
        self.package = package


@dataclass(frozen=True)
class Program:
    """One program, and the places where it may be."""

    name: str
    package: str
    """The Debian package that brings it."""
    variable: str
    """The environment variable that names the program, or the folder that it is in."""
    folders: Sequence[str] = ()
    """Patterns of folders that PATH may lack; the highest that fits a pattern comes first."""
    wheel: str | None = None
    """The wheel that carries it."""
    module: str = ""
    """The module of that wheel."""
    inside: Sequence[str] = ()
    """The folders inside the module; the first that is there is taken."""
    unpacked: str = ""
    """Where it is in its package, below the root, if that is no folder of PATH."""

    def find(self) -> Path:
        """Return where it is; `ServerMissing` says what to do where it is nowhere."""
        found = self._named() or self._on_path() or self._in_wheel()
        if found is None:
            raise ServerMissing(self.name, self.package, wheel=self.wheel, variable=self.variable)
        return found

    def _named(self) -> Path | None:
        named = os.environ.get(self.variable)
        if not named:
            return None
        path = Path(named)
        path = path / self.name if path.is_dir() else path
        if not _runs(path):
            raise FileNotFoundError(f"{self.variable} names {path}, which is no program")
        return path.absolute()

    def _on_path(self) -> Path | None:
        found = shutil.which(self.name)
        if found is not None:
            return Path(found).resolve()  # a link on PATH may stand alone, its neighbours not
        for pattern in self.folders:
            root, _, rest = pattern.lstrip("/").partition("/")
            for path in sorted(Path("/", root).glob(f"{rest}/{self.name}"), reverse=True):
                if _runs(path):
                    return path
        return None

    def _in_wheel(self) -> Path | None:
        spec = importlib.util.find_spec(self.module) if self.module else None
        for place in (spec.submodule_search_locations or ()) if spec else ():
            for folder in self.inside:
                path = Path(place, folder, self.name)
                if _runs(path):
                    return path
        return None


def _runs(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)
