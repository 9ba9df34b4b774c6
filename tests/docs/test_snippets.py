"""Every block of Python on a page runs, after those before it, and prints what the page says."""

import ast
import asyncio
import inspect
import sys
import types
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from callboard.actors.testing import LeakCheck, run_virtual
from tests.docs.pages import ROOT, Snippet, pages, snippets

RUN = {
    str(path.relative_to(ROOT)): blocks
    for path in pages()
    if (blocks := list(snippets(path.read_text(encoding="utf-8"))))
}


@pytest.fixture
def module() -> Iterator[types.ModuleType]:
    """A module for one page, known by its name: a message class looks there for its types."""
    module = types.ModuleType("a_page_of_the_documentation")
    sys.modules[module.__name__] = module
    yield module
    del sys.modules[module.__name__]


def run(snippet: Snippet, name: str, module: types.ModuleType) -> None:
    """Run one block; one that awaits outside a function gets a loop on virtual time."""
    code = compile(
        "\n" * (snippet.line - 1) + snippet.code,
        str(ROOT / name),
        "exec",
        flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
        dont_inherit=True,
    )
    if not code.co_flags & inspect.CO_COROUTINE:
        exec(code, module.__dict__)
        return

    async def main() -> None:
        check = LeakCheck()
        await cast("Coroutine[Any, Any, None]", eval(code, module.__dict__))
        await check.verify()

    run_virtual(main())


@pytest.mark.parametrize("name", RUN)
def test_the_code_of_a_page_runs_and_prints_what_the_page_says(
    name: str, module: types.ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    for snippet in RUN[name]:
        run(snippet, name, module)
        printed = capsys.readouterr().out
        assert (snippet.printed or "") == printed, f"{name}, line {snippet.line}"


def test_a_block_goes_on_from_the_one_before_and_may_await(
    module: types.ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (
        "```python\nx = 20\n```\n"
        "```python\nawait asyncio.sleep(3600)\nprint(x)\n```\n\n```text\n20\n```\n"
    )
    first, second = snippets(text)
    module.__dict__["asyncio"] = asyncio
    run(first, "a page", module)
    run(second, "a page", module)
    assert (first.printed, second.printed) == (None, "20\n")
    assert capsys.readouterr().out == "20\n"


def test_an_error_in_a_block_names_page_and_line(module: types.ModuleType) -> None:
    (snippet,) = snippets("# A page\n\n```python\nfine = 1\nraise ValueError\n```\n")
    with pytest.raises(ValueError) as raised:
        run(snippet, "a/page.md", module)
    last = raised.traceback[-1]
    assert (Path(str(last.path)), last.lineno + 1) == (ROOT / "a/page.md", 5)
