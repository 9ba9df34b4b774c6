"""What the README shows runs as it says."""

import subprocess
import sys
from pathlib import Path

import pytest

from callboard import examples
from tests.docs.pages import Snippet, snippets
from tests.examples.talking.running import environment

README = Path(examples.__file__).parent / "talking" / "README.md"
SNIPPETS = list(snippets(README.read_text(encoding="utf-8")))


def run(snippet: Snippet, folder: Path, *arguments: str) -> str:
    program = folder / "lamps.py"
    program.write_text(snippet.code, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", program.name, *arguments],
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stderr, done.returncode) == ("", 0)
    return done.stdout


@pytest.mark.check("M153")
def test_the_example_is_short_and_says_what_the_page_says(tmp_path: Path) -> None:
    example = SNIPPETS[0]
    assert example.printed is not None
    command, _, printed = example.printed.partition("\n")
    assert command == "$ python lamps.py --script"
    assert run(example, tmp_path, "--script") == printed
    imports = sum("import" in line for line in example.code.splitlines())
    code = [line for line in example.code.splitlines() if line.strip()]
    assert len(code) - imports <= 36


@pytest.mark.parametrize("snippet", SNIPPETS[1:], ids=lambda snippet: f"line {snippet.line}")
def test_the_other_blocks_run(snippet: Snippet, tmp_path: Path) -> None:
    assert run(snippet, tmp_path) == (snippet.printed or "")


def test_every_file_is_described() -> None:
    text = README.read_text(encoding="utf-8")
    files = {
        path.name
        for path in README.parent.iterdir()
        if path.suffix in (".py", ".html") and path.name != "__init__.py"
    }
    assert [name for name in sorted(files) if f"`{name}`" not in text] == []
