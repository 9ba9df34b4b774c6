"""Questions about a project: answers from its files, and questions that go on from others."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callboard.examples.code_assistant.analyst import Analyst
from callboard.examples.code_assistant.project import Project
from callboard.examples.code_assistant.question import subject_of, understand
from tests.examples.code_assistant.shop import FILES, build_shop


@pytest.fixture
def analyst(tmp_path: Path) -> Iterator[Analyst]:
    (tmp_path / "shop").mkdir()
    with Project(build_shop(tmp_path / "shop")) as project:
        yield Analyst(project)


@pytest.mark.check("M159")
@pytest.mark.parametrize(
    ("question", "parts"),
    [
        ("What does the till module do?", ["shop/till.py: The till: takes money", "class Till ("]),
        ("explain `shop.stock`", ["shop/stock.py: The stock.", "function take (Take some lamps)"]),
        ("What is broken.py?", ["broken.py has 1 line and is no valid Python"]),
        ("What is shop/page.js about?", ["page.js has 2 lines. It begins: TODO: a picture"]),
        ("What is in the shop folder?", ["shop/ is: What the shop is made of.", "stock.py ("]),
        ("What is this project?", ["shop: Sells lamps, and counts them.", "shop (4 files)"]),
        (
            "Find the TODO comments.",
            [
                "3 TODO comments",
                "shop/page.js:1 TODO a picture",
                "shop/stock.py:2 TODO count the lamps",
                "shop/stock.py:18 FIXME negative amounts",
            ],
        ),
        ("Which TODOs are in till.py?", ["no TODO comment in shop/till.py"]),
        (
            "How are errors handled?",
            ["(2 files)", "raises ValueError (1), TillError (1)", "in silence at shop/stock.py:"],
        ),
        (
            "How are exceptions handled in the till?",
            ["In shop/till.py: ", "catches Empty (1), KeyError (1)", "passes over none"],
        ),
        ("How are errors handled in page.js?", ["no error is raised, caught or defined"]),
        (
            "Which dependencies does it have?",
            ["to run: orjson, click (pyproject.toml)", "web: starlette", "to build: setuptools"],
        ),
        (
            "What does the till import?",
            ["elsewhere orjson", "this project ., shop.stock", "Python itself json"],
        ),
        ("Where is TillError defined?", ["class TillError in shop/till.py:13: The till is stuck."]),
        ("Where is pay?", ["method Till.pay in shop/till.py"]),
        ("How is the till tested?", ["shop/till.py has 2 tests in 1 file: tests/test_till.py"]),
        ("Is the stock tested?", ["I find no tests of shop/stock.py"]),
        ("How big is the project?", ["The project has", "in 8 files", "5 of .py"]),
        ("Who sells lamps?", ["README.md:3: Sells lamps"]),
        ("Where is Nothing?", ["There is no Nothing in shop."]),
        ("Which TODO/FIXME comments are there?", ["3 TODO comments"]),
        ("What does src/nothing.py do?", ["cannot be read: No such file"]),
        ("Sing!", ["I can say what a module does"]),
        ("What does ../../etc/passwd say?", ["I cannot read that", "leads out of the project"]),
        ("What is in /etc/passwd?", ["I cannot read that", "no path within the project"]),
        ("explain ~/.ssh/id_rsa", ["I cannot read that"]),
        ("explain shop/.env", ["I cannot read that", "hidden"]),
    ],
)
def test_a_question_is_answered_from_the_files(
    analyst: Analyst, question: str, parts: list[str]
) -> None:
    answer = analyst.answer(question)
    for part in parts:
        assert part in answer


@pytest.mark.check("M159")
@pytest.mark.parametrize(
    ("before", "question", "part"),
    [
        ("What does the till module do?", "How are errors handled in it?", "In shop/till.py"),
        ("What does the till module do?", "And what does it import?", "shop/till.py imports"),
        ("How are errors handled in the till?", "And in stock.py?", "In shop/stock.py: catches"),
        ("How are errors handled in the till?", "What about stock?", "In shop/stock.py: catches"),
        ("Find the TODO comments", "And in shop/page.js?", "1 TODO comment in shop/page.js"),
        ("What does stock do?", "And in the whole project, which TODOs?", "3 TODO comments"),
        ("What does stock do?", "How big is it?", "Shop/stock.py has 18 lines"),
        ("What does stock do?", "What about lamps?", "lamps is mentioned in"),
    ],
)
def test_a_follow_up_knows_the_question_before(
    analyst: Analyst, before: str, question: str, part: str
) -> None:
    alone = analyst.answer(question)
    analyst.answer(before)
    assert part.lower() in analyst.answer(question).lower()
    assert question.startswith(("And in", "What about l")) or part.lower() not in alone.lower()


def test_it_tells_what_it_reads(analyst: Analyst) -> None:
    told: list[str] = []
    analyst.answer("What does the till do?", told.append)
    analyst.answer("How are errors handled?", told.append)
    assert told == ["reads shop/till.py", "reads 8 files"]


@pytest.mark.check("M159")
def test_an_answer_is_from_the_files_as_they_are_now(analyst: Analyst) -> None:
    assert "3 TODO comments" in analyst.answer("Find the TODOs")
    (analyst.project.folder / "shop" / "page.js").unlink()
    assert "2 TODO comments" in analyst.answer("Find the TODOs")


@pytest.mark.parametrize(
    ("names", "subject"),
    [
        (["till"], "shop/till.py"),
        (["shop.till"], "shop/till.py"),
        (["shop"], "shop/"),
        (["shop/"], "shop/"),
        (["tests"], "tests/"),
        (["test_till"], "tests/test_till.py"),
        (["ill"], None),
        (["nothing", "stock"], "shop/stock.py"),
        ([], None),
    ],
)
def test_a_name_is_for_the_file_nearest_to_the_top(names: list[str], subject: str | None) -> None:
    assert subject_of(names, list(FILES)) == subject


def test_of_a_very_long_question_only_the_beginning_counts() -> None:
    question = understand(f"Find the TODOs in {'a_' * 50_000}")
    assert question.topic == "notes" and len(question.names[0]) < 1000


@given(st.text())
def test_any_text_is_a_question(text: str) -> None:
    subject_of(understand(text).names, list(FILES))
