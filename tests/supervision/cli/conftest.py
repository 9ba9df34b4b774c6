"""The command line, as the tests of this folder run it."""

import logging
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.supervision.cli.processes import Company


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """What a command that ran in this very process has set up of logging is taken back."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    root.setLevel(level)
    for handler in [each for each in root.handlers if each not in handlers]:
        root.removeHandler(handler)


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
