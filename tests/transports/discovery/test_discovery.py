"""Discovery by itself: who is known, when somebody is down, what is late. Pure, no event loop."""

import pytest

from callboard.transports.packet import Header, Kind
from tests.transports.discovery.world import World


@pytest.mark.parametrize("gap", [0.0, 0.5, 30.0])
def test_each_knows_the_workers_of_the_other_whichever_came_first(gap: float) -> None:
    world = World()
    world.start("B", "b")
    world.advance(gap)
    world.start("A", "a")
    world.advance(0.1)
    assert world.knows("A") == {"B": {"b"}}
    assert world.knows("B") == {"A": {"a"}}


def test_a_newcomer_gets_one_snapshot_from_each_and_then_only_changes() -> None:
    world = World()
    names = [f"n{number}" for number in range(12)]
    for name in names:
        world.start(name, f"w-{name}")
        world.advance(1)
    newcomer = world.start("new", "w-new")
    world.advance(1)
    assert sorted(newcomer.snapshots) == sorted(names)
    world.add("n3", "later")
    world.remove("n4", "w-n4")
    world.advance(60)
    assert world.knows("new") == world.truth("new")
    assert len(newcomer.snapshots) == len(names)


def test_heartbeats_of_a_round_grow_as_the_nodes_do_and_not_as_their_square() -> None:
    cost: dict[int, float] = {}
    for size in (10, 40):
        world = World()
        for number in range(size):
            world.start(f"n{number}", "w")
            world.advance(0.05)
        world.advance(20)
        before = world.carried
        world.advance(20)
        cost[size] = (world.carried - before) / size
    assert cost[40] <= 1.1 * cost[10]
    assert cost[10] <= 10 * 3.1, "at most three to be told in each of ten rounds"


def test_a_join_costs_as_many_packets_as_there_are_nodes() -> None:
    joins: dict[int, int] = {}
    for size in (10, 40):
        world = World()
        for number in range(size):
            world.start(f"n{number}", "w")
            world.advance(0.05)
        world.advance(0.5)
        before = world.announced
        world.start("new", "w")
        world.advance(0.5)
        joins[size] = world.announced - before
    beats = 3 * 40  # of one round, all of which may fall into that time
    assert joins[40] <= 3 * 40 + beats


@pytest.mark.parametrize("others", [1, 2, 5, 20])
def test_a_silent_node_is_down_six_seconds_after_its_last_sign_of_life(others: int) -> None:
    world = World()
    for number in range(others):
        world.start(f"n{number}", "w")
    world.start("gone", "g")
    world.advance(21)
    heard = max(place.discovery.nodes["gone"].heard for place in world.places.values()
                if "gone" in place.discovery.nodes)  # fmt: skip
    world.kill("gone")
    world.advance(heard + 5.9 - world.now)
    assert all("gone" in world.knows(f"n{number}") for number in range(others))
    world.advance(0.2)
    assert not any("gone" in world.knows(f"n{number}") for number in range(others))


def test_a_newcomer_that_dies_at_once_is_down_as_soon() -> None:
    world = World()
    world.start("A", "a")
    world.advance(7.3)
    world.start("B", "b")
    world.advance(0.1)
    heard = world.places["A"].discovery.nodes["B"].heard
    world.kill("B")
    world.advance(heard + 6.1 - world.now)
    assert world.knows("A") == {}


def test_a_node_that_says_goodbye_is_gone_at_once_everywhere() -> None:
    world = World()
    for name in "ABC":
        world.start(name, name.lower())
    world.advance(5)
    world.stop("B")
    world.advance(0.01)
    assert world.knows("A") == {"C": {"c"}}
    assert world.knows("C") == {"A": {"a"}}


def test_a_higher_incarnation_ends_the_old_life_at_once() -> None:
    world = World()
    a = world.start("A", "a")
    world.start("B", "old")
    world.advance(1)
    world.start("B", "new")
    world.advance(0.01)
    assert [name for _, name, _ in a.down] == ["B"]
    assert a.up == ["B", "B"]
    assert world.knows("A") == {"B": {"new"}}


def test_a_late_packet_of_the_old_life_is_refused() -> None:
    world = World()
    a = world.start("A", "a")
    old = world.start("B", "old").discovery.incarnation
    world.advance(1)
    world.start("B", "new")
    world.advance(1)
    late = a.late
    change = {"before": 1, "version": 2, "workers": [["ghost", 1, 1, True]], "gone": []}
    world.inject("A", Header(Kind.CHANGE, "B", old), change)
    assert a.late == late + 1
    assert world.knows("A") == {"B": {"new"}}


def test_a_node_whose_clock_went_back_takes_a_number_above_that_of_its_earlier_life() -> None:
    world = World()
    world.start("A", "a")
    world.start("B", "old", incarnation=5000)
    world.advance(1)
    reborn = world.start("B", "new", incarnation=17)
    world.advance(0.1)
    assert reborn.discovery.incarnation == 5001
    assert world.knows("A") == {"B": {"new"}}
    assert world.knows("B") == {"A": {"a"}}


def test_a_node_whose_name_was_taken_steps_aside_and_says_so() -> None:
    world = World()
    old = world.start("B", "b")
    world.start("A", "a")
    world.advance(1)
    old.discovery.take(
        Header(Kind.HELLO, "B", 999), {"version": 0, "workers": []}, "bus", world.now
    )
    assert old.discovery.superseded
    world.advance(20)
    assert "B" not in world.knows("A")


def test_its_own_announcement_that_comes_back_changes_nothing() -> None:
    world = World()
    a = world.start("A", "a")
    world.advance(10)
    assert a.discovery.nodes == {}
    assert a.up == []


def test_a_node_declared_down_and_heard_again_is_a_newcomer_on_both_sides() -> None:
    world = World()
    a, b = world.start("A", "a"), world.start("B", "b")
    world.advance(5)
    b.frozen = True
    world.advance(10)
    assert world.knows("A") == {}
    session = b.discovery.nodes["A"].session
    b.frozen = False
    world.advance(5)
    assert world.knows("A") == {"B": {"b"}}
    assert world.knows("B") == {"A": {"a"}}
    assert b.discovery.nodes["A"].session > session
    assert a.up == ["B", "B"]


def test_a_node_that_was_frozen_does_not_take_the_others_for_dead() -> None:
    world = World()
    for name in "ABCD":
        world.start(name, name.lower())
    world.advance(5)
    world.places["B"].frozen = True
    world.advance(3)
    world.places["B"].frozen = False
    world.advance(30)
    assert not any(place.down for place in world.places.values())


def test_a_deaf_node_convinces_nobody_that_the_others_are_dead() -> None:
    world = World()
    for name in "ABCDEF":
        world.start(name, name.lower())
    world.advance(5)
    world.places["B"].deaf = True
    world.advance(30)
    assert world.knows("B") == {}
    for name in "ACDEF":
        assert {node for _, node, _ in world.places[name].down} <= {"B"}
        assert set(world.knows(name)) >= set("ACDEF") - {name}
    world.places["B"].deaf = False
    world.advance(20)
    assert all(world.knows(name) == world.truth(name) for name in "ABCDEF")


@pytest.mark.parametrize("silent", [4.0, 20.0, 1e9])
def test_who_is_doubted_has_the_time_to_answer_however_long_it_is_said_to_be_silent(
    silent: float,
) -> None:
    world = World()
    names = [f"n{number:02}" for number in range(20)]
    for name in names:
        world.start(name, name)
    world.advance(30)
    doubting = world.places["n00"].discovery.incarnation
    for name in names[1:]:
        body = {"node": name, "silent": silent}
        body["incarnation"] = world.places[name].discovery.incarnation
        for to in names[1:]:
            world.inject(to, Header(Kind.SUSPECT, "n00", doubting), body)
    world.advance(10)
    assert not any(place.down for place in world.places.values())


def test_an_announcement_that_is_older_than_what_is_known_takes_nothing_away() -> None:
    world = World()
    world.start("A", "a")
    b = world.start("B", "first").discovery
    world.advance(1)
    early = {"version": b.version, "workers": [list(each) for each in b.workers.values()]}
    world.add("B", "second")
    world.advance(1)
    for kind in (Kind.HELLO, Kind.SNAPSHOT):
        world.inject("A", Header(kind, "B", b.incarnation), early)
        assert world.knows("A") == {"B": {"first", "second"}}


def test_an_outage_of_its_own_connection_is_held_against_nobody() -> None:
    world = World()
    for name in "AB":
        world.start(name, name.lower())
    world.advance(5)
    for place in world.places.values():
        place.deaf = place.mute = True
        place.discovery.disconnected("bus", world.now)
    world.advance(20)
    assert world.knows("A") == {"B": {"b"}}
    for place in world.places.values():
        place.deaf = place.mute = False
    for name in "AB":
        world._do(name, world.places[name].discovery.connected("bus", 60.0, None, world.now))  # pyright: ignore[reportPrivateUsage]
        world.advance(1.5)
    world.advance(20)
    assert not any(place.down for place in world.places.values())
    assert world.knows("A") == {"B": {"b"}}


def test_an_outage_without_end_is() -> None:
    world = World()
    for name in "AB":
        world.start(name, name.lower())
    world.advance(5)
    place = world.places["A"]
    place.deaf = place.mute = True
    place.discovery.disconnected("bus", world.now)
    world.advance(59)
    assert world.knows("A") == {"B": {"b"}}
    world.advance(3)
    assert world.knows("A") == {}


def test_more_nodes_than_may_be_are_not_taken_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("callboard.transports.discovery.MOST_NODES", 3)
    world = World()
    for number in range(6):
        world.start(f"n{number}")
        world.advance(0.1)
    assert all(len(place.discovery.nodes) <= 3 for place in world.places.values())
