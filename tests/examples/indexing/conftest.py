from __future__ import annotations

from pathlib import Path

import pytest

GOOD: dict[str, str] = {
    "main.py": "import os\n\n\ndef run():\n    return os.name\n",
    "package/__init__.py": "",
    "package/errors.py": "class Wrong(Exception):\n    def __init__(self):\n        pass\n",
    "package/inner/deep.py": "# TODO: more\ndef run():\n    x = 1\n    return x\n",
}

BAD: dict[str, bytes] = {
    "bad/coding.py": b"# coding: uft-8\n",
    "bad/latin.py": b"x = 1\ny = 2\n" + b"# \xe9\n",
    "bad/null.py": b"x = 1\ny = '\0'\n",
    "bad/py2.py": b"x = 1\nprint 'hello'\n",
    "bad/deep.py": b"-" * 100_000 + b"1\n",
}


def lay(root: Path) -> Path:
    for path, text in GOOD.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    for path, raw in BAD.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(raw)
    return root


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small tree with four good files and five bad ones."""
    return lay(tmp_path / "tree")
