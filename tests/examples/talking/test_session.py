"""One session: text goes in, events come out, and nothing of it is left."""

from functools import partial

import pytest

from callboard import Child, Restarts, Supervisor, Worker
from callboard.actors.frames.frame import ToolCallFrame
from callboard.actors.testing import eventually
from callboard.examples.talking import session as sessions
from callboard.examples.talking.events import (
    FloorChanged,
    JobProgress,
    ReplyBegan,
    ReplyEnded,
    ReplyPiece,
    SessionBegan,
    SessionEnded,
    ToolCalled,
    ToolEnded,
    Trouble,
    UserSaid,
    WorkerAwaited,
    WorkerBack,
    WorkerLost,
)
from callboard.examples.talking.example import Example
from callboard.examples.talking.session import Session, SessionOver
from tests.examples.talking.cast import Echo, echo_example, read, said


async def converse(session: Session, *lines: str) -> None:
    """Say each line once the one before is answered."""
    assert await session.settled()
    for line in lines:
        await session.say(line)
        assert await session.settled()


async def test_a_session_is_its_events_from_began_to_ended() -> None:
    async with Session(echo_example(about="It echoes.", script=["hi"])) as session:
        await converse(session, "hi")
        await session.end("that was all")
    assert await read(session) == [
        SessionBegan("Echo", "It echoes.", ("hi",)),
        FloorChanged("greeter"),
        ReplyBegan("greeter"),
        ReplyPiece("greeter", "hello from greeter"),
        ReplyEnded("greeter"),
        UserSaid("hi"),
        ReplyBegan("greeter"),
        ReplyPiece("greeter", "you said: "),
        ReplyPiece("greeter", "hi"),
        ReplyEnded("greeter"),
        SessionEnded("that was all"),
    ]


async def test_a_hand_over_shows_who_is_heard_and_every_word_has_its_speaker() -> None:
    async with Session(echo_example()) as session:
        await converse(session, "to support", "hi", "to greeter", "hi")
    events = await read(session)
    assert said(events) == [
        "greeter: hello from greeter",
        "support: hello from support",
        "support: you said: hi",
        "greeter: hello from greeter",
        "greeter: you said: hi",
    ]
    changes = [event for event in events if isinstance(event, FloorChanged) and event.speaker]
    assert changes == [
        FloorChanged("greeter"),
        FloorChanged("support", "greeter"),
        FloorChanged("greeter", "support"),
    ]


async def test_a_hand_over_to_nobody_leaves_the_floor_where_it_is() -> None:
    async with Session(echo_example()) as session:
        await converse(session, "to nobody", "hi")
    assert said(await read(session))[1:] == [
        "greeter: I stay: no worker is called 'nobody'",
        "greeter: you said: hi",
    ]


async def test_tools_and_jobs_are_shown_as_they_happen() -> None:
    async with Session(echo_example()) as session:
        await converse(session, "tool")
    events = await read(session)
    assert events[6:10] == [
        ToolCalled("greeter", "look", "1", {"at": "<b>it</b>"}),
        JobProgress("eye", "see", "half", job_id="j"),
        JobProgress("eye", "see", "", "completed", "j"),
        ToolEnded("greeter", "look", "1", {"seen": 1}),
    ]


async def test_words_of_a_worker_that_marks_no_replies_are_a_reply_each() -> None:
    async with Session(echo_example()) as session:
        await converse(session, "bare")
    events = await read(session)
    assert events[6:9] == [
        ReplyBegan("greeter"),
        ReplyPiece("greeter", "bare words"),
        ReplyEnded("greeter"),
    ]


async def test_what_is_said_with_interrupt_ends_what_is_being_said() -> None:
    async with Session(echo_example()) as session:
        await session.settled()
        await session.say("long")
        await eventually(lambda: ReplyPiece("greeter", "and so on") in session.unread)
        assert not session.quiet
        await session.say("hi", interrupt=True)
        assert await session.settled()
    events = await read(session)
    assert ReplyEnded("greeter", interrupted=True) in events
    assert said(events)[1:] == ["greeter: and so on", "greeter: you said: hi"]


async def test_an_interruption_alone_makes_it_quiet() -> None:
    async with Session(echo_example()) as session:
        await session.settled()
        await session.say("long")
        await eventually(lambda: ReplyPiece("greeter", "and so on") in session.unread)
        await session.interrupt()
        assert await session.settled()
    assert ReplyEnded("greeter", interrupted=True) in await read(session)


async def test_a_crash_is_shown_with_its_reason_and_its_end_and_the_talk_goes_on() -> None:
    async with Session(echo_example()) as session:
        await converse(session, "crash", "hi")
    events = await read(session)
    at = events.index(WorkerLost("greeter", "failed: RuntimeError: told to"))
    assert at < events.index(WorkerBack("greeter"))
    assert events.count(ReplyBegan("greeter")) == sum(
        isinstance(event, ReplyEnded) for event in events
    )
    assert said(events)[-1] == "greeter: you said: hi"


async def test_a_kill_is_shown_too_and_what_was_under_way_is_not_waited_for() -> None:
    class Busy(Echo):
        async def use_tool(self) -> None:
            await self.push_frame(ToolCallFrame("look", "1", {}))

    async with Session(echo_example(make=Busy)) as session:
        await session.settled()
        await session.say("tool")
        await eventually(lambda: ToolCalled("greeter", "look", "1", {}) in session.unread)
        session.node.admin().kill("greeter")
        await converse(session, "hi")
    events = await read(session)
    lost = next(event for event in events if isinstance(event, WorkerLost))
    assert events.index(lost) < events.index(WorkerBack("greeter"))
    assert said(events)[-1] == "greeter: you said: hi"


async def test_the_node_of_a_session_has_the_name_that_its_example_gives() -> None:
    async with Session(echo_example(node="stage")) as session:
        assert session.node.name == "stage"
    async with Session(echo_example(node="stage"), name="other") as session:
        assert session.node.name == "other"


async def test_trouble_that_a_worker_reports_is_shown_and_waited_for_no_more() -> None:
    async with Session(echo_example()) as session:
        await converse(session, "trouble", "hi")
    assert Trouble("it does not work") in await read(session)


async def test_a_worker_may_end_the_session_and_then_nothing_can_be_said() -> None:
    async with Session(echo_example()) as session:
        await session.settled()
        await session.say("bye")
        await session.over()
        with pytest.raises(SessionOver):
            await session.say("hello?")
        assert await session.settled()
    events = await read(session)
    assert said(events)[-1] == "greeter: goodbye"
    assert events[-1] == SessionEnded("the conversation has ended")


class Broken(Worker):
    def on_start(self) -> None:
        raise RuntimeError("cannot")


async def test_a_session_that_cannot_start_raises_and_leaves_nothing() -> None:
    example = Example("Broken", first="broken", workers=[Child("broken", Broken)])
    with pytest.raises(Exception, match="cannot"):
        async with Session(example):
            pass


async def test_a_session_that_ends_as_it_begins_leaves_nothing() -> None:
    class Leaving(Echo):
        async def on_activated(self, args: object) -> None:
            await self.node.drain("nobody is welcome")

    async with Session(echo_example("greeter", make=Leaving)) as session:
        pass
    assert isinstance((await read(session))[-1], SessionEnded)


async def test_a_tree_that_gives_up_ends_the_session_as_failed() -> None:
    tree = partial(Supervisor, restarts=Restarts(intensity=0))
    async with Session(echo_example(tree=tree)) as session:
        await session.settled()
        await session.say("crash")
        await session.over()
    end = (await read(session))[-1]
    assert isinstance(end, SessionEnded) and end.failed and "told to" in end.reason


async def test_a_first_worker_that_is_not_there_is_waited_for_as_long_as_is_said() -> None:
    async with Session(Example("Empty", first="greeter")) as session:
        assert not await session.settled(within=30)
        assert WorkerAwaited("greeter") in session.unread


async def test_a_worker_that_has_nothing_to_say_is_not_waited_for_without_end() -> None:
    class Silent(Echo):
        async def on_activated(self, args: object) -> None:
            pass

    async with Session(echo_example("greeter", make=Silent)) as session:
        assert await session.settled()
        assert not session.quiet.is_lonely


async def test_a_reader_that_does_not_read_ends_the_session(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sessions, "UNREAD", 20)
    async with Session(echo_example()) as session:
        await converse(session, *["hi"] * 4)
        await session.over()
    assert (await read(session))[-1] == SessionEnded("nobody reads what happens")


async def test_two_sessions_in_one_process_know_nothing_of_each_other() -> None:
    async with Session(echo_example()) as one, Session(echo_example()) as other:
        await converse(one, "to support")
        await converse(other, "who are you")
        await one.end()
        await other.end()
        assert said(await read(one))[1:] == ["support: hello from support"]
        assert said(await read(other))[1:] == ["greeter: you said: who are you"]
