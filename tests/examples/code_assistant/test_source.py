"""What is found in one file, without running it."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callboard.examples.code_assistant.source import Note, notes_of, read_source
from tests.examples.code_assistant.shop import FILES


def test_a_module_says_what_it_is_and_what_it_defines() -> None:
    source = read_source(FILES["shop/till.py"])
    assert source.about == "The till: takes money."
    assert [(each.kind, each.name, each.about) for each in source.definitions] == [
        ("class", "TillError", "The till is stuck."),
        ("class", "Till", "Takes money."),
        ("method", "Till.pay", "Pay."),
    ]
    assert source.imports == {"json", "orjson", "shop.stock", "."}
    assert (source.standard, source.outside) == ({"json"}, {"orjson", "shop"})


def test_errors_are_counted_by_what_is_done_with_them() -> None:
    till, stock = (read_source(FILES[f"shop/{name}.py"]).errors for name in ("till", "stock"))
    assert till.raised == Counter(ValueError=1, TillError=1)
    assert till.caught == Counter(Empty=1, KeyError=1)
    assert (till.again, till.finals, till.defined) == (1, 1, ["TillError"])
    assert till.silent == till.bare == []
    assert stock.caught == Counter({"OSError": 1, "everything": 1})
    assert (len(stock.bare), len(stock.silent), stock.defined) == (1, 2, ["Empty"])


def test_only_comments_are_notes() -> None:
    assert notes_of(FILES["shop/till.py"], python=True) == []
    assert notes_of(FILES["shop/stock.py"], python=True) == [
        Note(2, "TODO", "count the lamps"),
        Note(18, "FIXME", "negative amounts"),
    ]


@pytest.mark.parametrize(
    "line",
    [
        "x(); // TODO: less",
        "/* TODO: less */",
        " * TODO less",
        "<!-- TODO: less -->",
        "-- TODO: less",
        "# TODO less",
    ],
)
def test_comments_of_other_languages_are_known(line: str) -> None:
    assert notes_of(f"\n{line}\n", python=False) == [Note(2, "TODO", "less")]


def test_a_broken_file_says_so_and_still_has_its_notes() -> None:
    assert read_source("def (:\n").broken
    assert read_source("(" * 5000).broken
    assert notes_of("x = '''\n# TODO: end the string\n", python=True)[0].text == "end the string"


@given(st.text())
def test_no_text_is_too_strange(text: str) -> None:
    assert read_source(text).lines == len(text.splitlines())
    notes_of(text, python=True)
    notes_of(text, python=False)
