"""Without a model: every debater has points to every theme, and different topics have others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callboard.examples.debate.debater import DEBATERS
from callboard.examples.debate.themes import ANYTHING, ASPECTS, THEMES, Theme, aspect_of, theme_of

TOPICS = [
    "Should everybody work from home?",
    "Is homework good for children?",
    "Is a car-free city a good idea?",
    "Do we need nuclear energy?",
    "Will AI make us lazy?",
    "Is tea better than coffee?",
    "Is a basic income fair?",
    "Is the moon made of cheese?",
]


def test_each_kind_of_topic_has_a_theme_of_its_own() -> None:
    assert len({theme_of(topic).words for topic in TOPICS}) == len(TOPICS)
    assert theme_of(TOPICS[-1]) is ANYTHING


@pytest.mark.parametrize("theme", [*THEMES, ANYTHING], ids=lambda theme: theme.words[:20])
@pytest.mark.parametrize("name", DEBATERS)
def test_each_debater_has_points_of_its_own_that_can_be_quoted(theme: Theme, name: str) -> None:
    points = theme.points(name)
    assert len(set(points)) == len(points) >= 2
    assert not any(point.endswith((".", ":")) or ": " in point for point in points)


def test_each_debater_has_a_word_to_each_aspect() -> None:
    for _, _, said in ASPECTS:
        assert set(said) == set(DEBATERS) and len(set(said.values())) == 3


@given(st.text())
def test_any_text_is_a_topic_and_a_question(text: str) -> None:
    assert theme_of(text).points("critic")
    aspect_of(text)
