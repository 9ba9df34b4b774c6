"""What can be said of a topic without a model: points of each debater, by theme and aspect."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Theme", "aspect_of", "theme_of"]


@dataclass(frozen=True)
class Theme:
    """Points to a kind of topic; the first of each is for the first round."""

    words: str
    """A regular expression that such topics have."""
    advocate: tuple[str, ...]
    critic: tuple[str, ...]
    analyst: tuple[str, ...]

    def points(self, name: str) -> tuple[str, ...]:
        """Return the points of a debater."""
        found: dict[str, tuple[str, ...]] = {
            "advocate": self.advocate,
            "critic": self.critic,
            "analyst": self.analyst,
        }
        return found[name]


THEMES = (
    Theme(
        r"\b(?:remote|office|home.?office|working|work|week|job|meeting)",
        (
            "people do their best work when they choose where and when they do it",
            "it opens a job to those who cannot come every day",
        ),
        (
            "what is learned by sitting beside each other is lost, and the newest lose most",
            "the line between work and rest disappears, and nobody is paid for that",
        ),
        (
            "studies find the same output in routine work and a loss in work that needs many talks,"
            " so it depends on the work",
            "who asked for it is content with it, and who was ordered is not",
        ),
    ),
    Theme(
        r"\b(?:school|homework|exam|student|teach|university|child|kid|phone)",
        (
            "children learn what they are trusted with, early and under guidance",
            "it makes differences visible while something can still be done about them",
        ),
        (
            "it rewards those who have help at home, and calls the difference talent",
            "the time for it is taken from play and sleep, which teach too",
        ),
        (
            "the effect is small before the age of twelve and clear after it, so age decides",
            "most studies compare schools that differ in other ways too",
        ),
    ),
    Theme(
        r"\b(?:car|cars|traffic|bike|bicycle|train|city|cities|street|parking|flight|fly)",
        (
            "a street is for people, and where the traffic went the shops sold more",
            "clean and quiet air is the one thing that nobody can buy alone",
        ),
        (
            "who lives outside and works at night is left without a way",
            "the traffic does not go away, it goes next door",
        ),
        (
            "it worked where there was another way to travel first, and failed where that came"
            " later",
            "the effect on trade is measured in years, and the protest in weeks",
        ),
    ),
    Theme(
        r"\b(?:nuclear|solar|wind|energy|climate|coal|gas|electric|carbon)",
        (
            "each year of waiting costs more than the mistakes of beginning",
            "it makes a country depend on its own skill and not on what it buys",
        ),
        (
            "the bill comes first and the benefit last, and they come to different people",
            "what is built now binds us for fifty years, to what is known today",
        ),
        (
            "what counts is the cost per ton that is avoided, and that differs by ten times from"
            " place to place",
            "the numbers hang on what is assumed for storage",
        ),
    ),
    Theme(
        r"\b(?:ai|robot|software|computer|internet|data|program|algorithm|rust|python|code)",
        (
            "it takes the dull part of the work, and leaves the part that people are needed for",
            "what was for a few who could pay becomes a tool for everybody",
        ),
        (
            "nobody answers for it when it is wrong, and it is wrong without blushing",
            "skills that are not used are lost, and are missed when it stops",
        ),
        (
            "it helps beginners most and experts least, and nobody has measured ten years of it",
            "it is as good as what it was made from, which few can look into",
        ),
    ),
    Theme(
        r"\b(?:coffee|tea|sugar|meat|food|sport|run|running|sleep|health|doctor|smok|vegan)",
        (
            "it is a small habit with an effect each day, and small habits are kept",
            "it gives pleasure, which is a reason too",
        ),
        (
            "what helps on average harms some, and they are told too late",
            "it is sold by those who earn by it",
        ),
        (
            "the dose makes the difference, and the studies speak of moderate amounts",
            "people who do it differ in much else, so cause and habit are hard to tell apart",
        ),
    ),
    Theme(
        r"\b(?:tax|income|money|price|rent|wage|pay|bank|inherit|cash)",
        (
            "it gives those a choice who had none, and a choice is worth more than its price",
            "it is simple, so that nobody needs an adviser to get what is theirs",
        ),
        (
            "somebody pays for it, and it is rarely those who are meant to",
            "people change what they do to avoid it, and the plan is for those who do not",
        ),
        (
            "trials show no great change in how people work, but trials end and people know it",
            "the effect depends on what it replaces",
        ),
    ),
)

ANYTHING = Theme(
    "",
    (
        "it would give people something that they ask for already",
        "a first step can be taken back, and teaches more than a plan",
    ),
    (
        "what we have works for many, and they would bear the cost of the change",
        "it solves the part that is seen, and leaves the cause",
    ),
    (
        "there is little evidence either way, so a trial with a date to end it would tell most",
        "those who want it and those who bear it are not the same people, so both must be asked",
    ),
)

ASPECTS: tuple[tuple[str, str, dict[str, str]], ...] = (
    (
        "cost",
        r"cost|price|expens|cheap|money|afford|pay",
        {
            "advocate": "it costs at the beginning, and saves each year after",
            "critic": "the estimate leaves out what it costs to run, as estimates do",
            "analyst": "the cost is known to a factor of two, the benefit is not known that well",
        },
    ),
    (
        "fairness",
        r"fair|poor|rich|equal|just\b|who (?:wins|loses|benefits|pays)",
        {
            "advocate": "those who have least gain most, because they start from nothing",
            "critic": "those with time and friends will use it first, as always",
            "analyst": "it depends on whether it is given to all or has to be asked for",
        },
    ),
    (
        "risk",
        r"risk|danger|safe|wrong|fail|worst",
        {
            "advocate": "the risk of doing nothing is larger, we are only used to it",
            "critic": "the worst case is rare, and cannot be taken back",
            "analyst": "the likely harm is small and the possible one large, so limits come first",
        },
    ),
    (
        "time",
        r"long|soon|when|time|year|fast|slow|future",
        {
            "advocate": "the first effect is there within a year, if one begins small",
            "critic": "it is promised for soon, and was promised for soon ten years ago",
            "analyst": "the effects come in the order in which they are easy to measure",
        },
    ),
    (
        "the young",
        r"young|child|kid|student|beginner|new(?:comer|est)?\b",
        {
            "advocate": "the young live with it longest, and ask for it loudest",
            "critic": "the young have most to learn, and least say in it",
            "analyst": "of the young we know least: the studies are of adults",
        },
    ),
)


def theme_of(topic: str) -> Theme:
    """Return the first theme that has a word of the topic; else what fits anything."""
    return next((each for each in THEMES if re.search(each.words, topic, re.I)), ANYTHING)


def aspect_of(question: str) -> tuple[str, dict[str, str]] | None:
    """Return the name of what a question is about, and what each debater says to it."""
    found = next((each for each in ASPECTS if re.search(each[1], question, re.I)), None)
    return (found[0], found[2]) if found is not None else None
