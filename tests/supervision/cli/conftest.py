"""The command line, as the tests of this folder run it."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.supervision.cli.processes import Company


@pytest.fixture
def company() -> Iterator[Company]:
    """The command line in processes of its own; nothing of it is left running."""
    # Not pytest's own folder: the path of a socket has hardly a hundred characters.
    with tempfile.TemporaryDirectory(prefix="cb-") as folder:
        keep = {key: value for key, value in os.environ.items() if not key.startswith("CALLBOARD")}
        keep.pop("COLUMNS", None)
        found = Company(Path(folder), keep | {"XDG_RUNTIME_DIR": folder, "PYTHONUNBUFFERED": "1"})
        yield found
        found.end()
