"""What the guides advise where it matters: poolers, channels, and who is to stand near whom."""

import re

import pytest

from callboard.transports.redis import RedisTransport
from tests.docs.pages import ROOT

GUIDES = ROOT / "docs" / "guides"


def said(name: str) -> str:
    """The words of a guide, without its line ends."""
    return re.sub(r"\s+", " ", (GUIDES / f"{name}.md").read_text(encoding="utf-8"))


@pytest.mark.check("M153")
@pytest.mark.parametrize(
    ("guide", "advice"),
    [
        ("redis", "Keep Redis near the workers that talk most"),
        ("redis", "the worker that speaks, the worker that is active, and Redis"),
        ("redis", "Which nodes know each other is a matter of the **channel** alone"),
        ("several-machines", "keeps applications on one broker apart"),
        ("pgmq", "Behind a pooler in **session mode**"),
    ],
)
def test_a_guide_gives_the_advice(guide: str, advice: str) -> None:
    assert advice in said(guide)


@pytest.mark.check("M153")
def test_the_redis_of_the_quick_start_is_where_a_transport_looks_for_it() -> None:
    (command,) = re.findall(r"`(docker run [^`]+)`", said("redis"))
    assert command == "docker run --rm -p 6379:6379 redis:7"
    assert "localhost:6379" in repr(RedisTransport())
