"""What somebody says they need, as things, and back."""

import pytest

from callboard.examples.shopping.phrases import Wanted, joined, label_of, unlabelled, wanted


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("bread", [Wanted("bread")]),
        ("two litres of milk and bread", [Wanted("milk", 2, "litres"), Wanted("bread")]),
        ("the bread", [Wanted("bread")]),
        ("some tea, please", [Wanted("tea")]),
        ("a pack of coffee", [Wanted("coffee", 1, "pack")]),
        ("half a kilo of cheese", [Wanted("cheese", 0.5, "kilo")]),
        ("a dozen eggs", [Wanted("eggs", 12)]),
        ("3 apples, 2.5 kg potatoes and two loaves of bread", [
            Wanted("apples", 3),
            Wanted("potatoes", 2.5, "kg"),
            Wanted("bread", 2, "loaves"),
        ]),
        ("leg of lamb", [Wanted("leg of lamb")]),
        ("ants", [Wanted("ants")]),
        ("ten", [Wanted("ten")]),
        ("x" * 200, [Wanted("x" * 80)]),
        ("", []),
        (", and ,", []),
    ],
)  # fmt: skip
def test_things_have_a_name_an_amount_and_a_unit(said: str, meant: list[Wanted]) -> None:
    assert wanted(said) == meant


@pytest.mark.parametrize(
    ("name", "unit", "label"), [("milk", "litres", "litres of milk"), ("leg of lamb", "", None)]
)
def test_what_stands_on_the_list_is_read_back(name: str, unit: str, label: str | None) -> None:
    assert label_of(name, unit) == (label or name)
    assert unlabelled(label or name) == (name, unit)


def test_words_are_joined_as_they_are_said() -> None:
    assert joined([]) == ""
    assert joined(["tea"]) == "tea"
    assert joined(["tea", "milk", "bread"]) == "tea, milk and bread"
