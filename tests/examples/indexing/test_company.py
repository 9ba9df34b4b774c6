"""The company under chaos: whoever is killed, every file is in the index once, as it should be."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest

from callboard import Admin, Child, NoActor, Node, Supervisor
from callboard.actors.testing import Probe
from callboard.examples.indexing.chaos import Chaos, Strike
from callboard.examples.indexing.company import POLICY, Plan, crew
from callboard.examples.indexing.facts import Entry, ProblemKind
from callboard.examples.indexing.index import Index
from callboard.examples.indexing.keeper import Add, Journal, Keeper, Whole
from callboard.examples.indexing.news import Complete, Found, Indexed, Struck
from callboard.examples.indexing.plain import index_plainly

NEVER_ENOUGH = 10**6
WITHIN = 600.0


@pytest.fixture
def library(tree: Path) -> Path:
    """The small tree, and thirty files more."""
    (tree / "more").mkdir()
    for number in range(30):
        source = f"import m{number}\n\n\ndef f{number}():\n    return {number}\n"
        (tree / "more" / f"file{number}.py").write_text(source, encoding="utf-8")
    return tree


async def work(
    plan: Plan, on_news: Callable[[Node, Any], None] | None = None
) -> tuple[Index, list[Any], dict[str, int]]:
    """Let the crew do its work, with a probe for a reporter; return index, news and restarts."""
    journal = Journal()
    nodes: list[Node] = []

    def answer(news: Any) -> None:
        if on_news is not None and nodes:
            on_news(nodes[0], news)

    probe = Probe(answer)
    chaos = partial(Chaos, plan.seed or 0, plan.victims, None, NEVER_ENOUGH)
    tree = Supervisor(
        [*crew(plan, journal), Child("reporter", probe), Child("chaos", chaos)], restarts=POLICY
    )
    try:
        async with Node(tree) as node:
            nodes.append(node)
            await probe.fish(lambda news: isinstance(news, Complete), timeout=WITHIN)
            nodes.clear()
            entries: list[Entry] = await node.ask("index", Whole())
            restarts = {each.name: each.restarts for each in node.snapshot().workers}
    finally:
        journal.close()
    assert len({entry.path for entry in entries}) == len(entries)
    return Index(entries), probe.received, restarts


def strikes(seed: int) -> Callable[[Node, Any], None]:
    """After one piece of news out of three, on average, somebody is killed."""
    chance = Random(seed)

    def on_news(node: Node, news: Any) -> None:
        if isinstance(news, Indexed) and chance.random() < 0.3:
            node.tell("chaos", Strike())

    return on_news


async def test_without_chaos_the_company_finds_what_a_plain_loop_finds(library: Path) -> None:
    index, news, restarts = await work(Plan(library))

    assert index == index_plainly(library)
    assert [each for each in news if isinstance(each, Found)] == [Found(len(index))]
    assert [each for each in news if isinstance(each, Indexed)][-1] == Indexed(len(index))
    assert not any(restarts.values())


@pytest.mark.parametrize("seed", range(24))
async def test_with_chaos_every_file_is_in_the_index_once(library: Path, seed: int) -> None:
    index, news, restarts = await work(Plan(library, workers=3, seed=seed), strikes(seed))

    assert index == index_plainly(library)
    kills = [each for each in news if isinstance(each, Struck)]
    assert kills and [kill.kills for kill in kills] == list(range(1, len(kills) + 1))
    assert sum(restarts.values()) > 0


async def test_the_chaos_of_all_seeds_has_struck_everybody_who_may_be_struck(
    library: Path,
) -> None:
    struck: set[str] = set()
    plan = Plan(library, workers=2)
    for seed in range(4):
        _, news, _ = await work(Plan(library, workers=2, seed=seed), strikes(seed))
        struck |= {each.worker for each in news if isinstance(each, Struck)}

    assert struck == set(plan.victims) == {"parser-1", "parser-2", "index", "walker"}


@pytest.mark.parametrize("victim", ["index", "walker", "parser-1"])
async def test_whoever_is_killed_again_and_again_loses_nothing(library: Path, victim: str) -> None:
    kills = pieces = 0

    def on_news(node: Node, news: Any) -> None:
        nonlocal kills, pieces
        pieces += isinstance(news, Indexed)
        if kills < 5 and pieces >= 3 * (kills + 1):
            try:
                node.admin().kill(victim)
            except NoActor:
                return  # not back yet
            kills += 1

    index, news, restarts = await work(Plan(library, workers=1), on_news)

    assert index == index_plainly(library)
    assert (kills, restarts[victim]) == (5, 5)
    assert sum(restarts.values()) == 5  # nobody else fell with it
    done = [each.done for each in news if isinstance(each, Indexed)]
    assert done == sorted(done)  # a new keeper begins where the last one ended, never before


async def test_a_keeper_that_died_has_answered_for_nothing_that_is_lost(tree: Path) -> None:
    journal = Journal()
    plain = index_plainly(tree).entries
    keeper = Supervisor(
        [Child("index", partial(Keeper, journal)), Child("reporter", Probe())], restarts=POLICY
    )
    async with Node(keeper) as node:
        for number, entry in enumerate(plain):
            await node.ask("index", Add(entry))
            await node.ask("index", Add(entry))  # a sender that saw no answer comes again
            node.admin().kill("index")
            assert await node.ask("index", Whole()) == plain[: number + 1]
    assert list(journal.read()) == plain
    journal.close()


async def test_the_walker_asks_again_where_the_index_died_over_its_message(tree: Path) -> None:
    chance = Random(1)
    taken: list[Entry] = []

    def answer(message: Any) -> frozenset[str] | None:
        if chance.random() < 0.5:
            raise RuntimeError("a keeper that dies before it has written anything")
        if isinstance(message, Add):
            taken.append(message.entry)
            return None
        return frozenset()

    plan = Plan(tree, workers=1)
    probe = Probe()
    _, *others = crew(plan, Journal())
    keeper = Child("index", Probe(answer))
    async with Node(Supervisor([keeper, *others, Child("reporter", probe)], restarts=POLICY)):
        await probe.fish(lambda news: isinstance(news, Complete), timeout=WITHIN)
    assert len(taken) == 9
    assert Index(taken) == index_plainly(tree)


async def test_a_file_that_cannot_be_indexed_is_a_problem_and_no_crash(tree: Path) -> None:
    (tree / "gone.py").symlink_to(tree / "nowhere.py")
    index, _, restarts = await work(Plan(tree))

    kinds = {problem.path: problem.kind for problem in index.problems}
    assert kinds["gone.py"] is ProblemKind.UNREADABLE
    assert kinds["bad/latin.py"] is ProblemKind.ENCODING
    assert len(kinds) == 6
    assert not any(restarts.values())


async def test_an_empty_folder_is_done_at_once(tmp_path: Path) -> None:
    index, news, _ = await work(Plan(tmp_path))

    assert len(index) == 0
    assert Found(0) in news


async def test_the_same_seed_strikes_the_same_workers_in_the_same_order() -> None:
    async def struck(seed: int) -> list[str]:
        probe = Probe()
        victims = ["one", "two", "three"]
        chaos = partial(Chaos, seed, victims, 1.0, 12)
        children = [Child(name, Probe()) for name in victims]
        tree = Supervisor(
            [*children, Child("reporter", probe), Child("chaos", chaos)], restarts=POLICY
        )
        async with Node(tree):
            await probe.fish(lambda news: news.kills == 12, timeout=WITHIN)
            await probe.expect_none(for_seconds=60)  # that was enough
        return [news.worker for news in probe.received]

    assert await struck(1) == await struck(1)
    assert await struck(1) != await struck(2)


async def test_only_what_runs_can_be_killed(tree: Path) -> None:
    async with Node(Supervisor([Child("reporter", Probe())])) as node:
        with pytest.raises(NoActor, match="nobody"):
            Admin(node.root).kill("nobody")
