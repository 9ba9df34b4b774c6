"""What greeter and support say offline: sensible, and other questions get other answers."""

import pytest

from callboard.examples.handoff.cast import SCRIPT, together
from callboard.examples.talking.events import FloorChanged, ToolCalled, ToolEnded
from callboard.examples.talking.session import Session
from tests.examples.handoff.hearing import as_it_is, one_at_a_time, replies, say
from tests.examples.talking.cast import read


async def converse(*lines: str) -> list[str]:
    """Say the lines, each after the answer to the one before; return what follows the greeting."""
    async with Session(together(as_it_is)) as session:
        await say(session, *lines)
    events = await read(session)
    one_at_a_time(events)
    return replies(events)[1:]


@pytest.mark.check("M156")
async def test_the_greeter_greets_hands_over_on_request_and_is_handed_back_to() -> None:
    async with Session(together(as_it_is)) as session:
        await say(session, "I want to talk to support", "Back to the greeter, please", "hello")
    events = await read(session)
    assert replies(events) == [
        "greeter: Hello, and welcome to Acme! Ask me about our lamps, clocks and radios;"
        " and if something is wrong I hand you over to support.",
        "greeter: That is one for support: I hand you over.",
        "support: Hello, this is support. What is wrong?",
        "support: Gladly: back to the greeter.",
        "greeter: Here is the greeter again. What else can I tell you?",
        "greeter: Hello! What can I do for you?",
    ]
    floors = [event for event in events if isinstance(event, FloorChanged) and event.speaker]
    assert floors == [
        FloorChanged("greeter"),
        FloorChanged("support", "greeter"),
        FloorChanged("greeter", "support"),
    ]


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("Hi there!", "What can I do for you?"),
        ("What do you sell?", "lamps, clocks and radios"),
        ("how much is a lamp", "It costs 49 euros"),
        ("Tell me about your radios", "wooden case"),
        ("do you have any bicycles", "I am afraid not: Acme sells lamp, clock, radio"),
        ("When are you open?", "from nine to six"),
        ("who are you?", "the greeter of Acme"),
        ("How are you?", "Very well"),
        ("my name is ada", "Nice to meet you, ada"),
        ("What is my name?", "You have not told me"),
        ("is it raining?", "inside of the shop"),
        ("Tell me a joke", "Why did the lamp"),
        ("thanks", "With pleasure"),
        ("what is the airspeed of a swallow", "That I do not know"),
        ("{braces} and \\ backslashes", "That I do not know"),
    ],
)
async def test_the_greeter_has_an_answer_of_its_own_to_each_question(
    line: str, answer: str
) -> None:
    (reply,) = await converse(line)
    assert reply.startswith("greeter: ") and answer in reply


async def test_the_greeter_remembers_a_name() -> None:
    assert (await converse("My name is Ada", "hm", "what is my name?"))[-1] == (
        "greeter: You are Ada, if I remember well."
    )


@pytest.mark.parametrize(
    ("problem", "answer"),
    [
        ("I cannot log in", "acme.example/password"),
        ("my password is lost", "acme.example/password"),
        ("My lamp is broken", "another bulb"),
        ("the radio does not work", "battery of the radio"),
        ("Where is my order 1044?", "Order 1044, a clock, is ordered: it leaves us tomorrow"),
        ("My parcel has not come", "What is the number of the order?"),
        ("I want a refund for order 1043", "89 euros for order 1043"),
        ("order 9999 is late", "there is no order 9999"),
        ("I have a problem", "What is wrong?"),
    ],
)
async def test_support_takes_up_the_problem_that_it_is_told_of(problem: str, answer: str) -> None:
    handing, reply = await converse(problem)
    assert handing == "greeter: That is one for support: I hand you over."
    assert reply.startswith("support: Hello, this is support. ")
    assert answer in reply


@pytest.mark.parametrize(
    ("lines", "answer"),
    [
        (["lamp broken", "yes, it does"], "it was only the bulb"),
        (["lamp broken", "no", "yes"], "it was the socket"),
        (["lamp broken", "no", "no", "1043"], "89 euros for order 1043"),
        (["refund please", "1042"], "order 1042 is on its way: only what has arrived"),
        (["refund please", "1043", "refund order 1043"], "order 1043 is refunded"),
        (["where is order 1043", "then I want my money back"], "89 euros for order 1043"),
        (["password", "there is no mail"], "among your spam"),
        (["support", "who are you"], "I look after orders"),
        (["support", "it is all so strange"], "Tell me more"),
        (["support", "thank you"], "anything else"),
        (["order 1042", "no, that is all"], "Here is the greeter again"),
        (["order 1042", "what do you sell?"], "Here is the greeter again"),
    ],
)
async def test_support_goes_on_by_what_it_has_heard(lines: list[str], answer: str) -> None:
    assert answer in (await converse(*lines))[-1]


async def test_a_refund_is_not_given_twice_and_what_was_found_is_shown() -> None:
    async with Session(together(as_it_is)) as session:
        await say(session, "refund for 1043", "my money back for 1043")
    events = await read(session)
    calls = [(event.worker, event.name) for event in events if isinstance(event, ToolCalled)]
    assert calls[1:] == [("support", "refund_order")] * 2
    results = [event.result or event.error for event in events if isinstance(event, ToolEnded)]
    assert results[1] == {"number": "1043", "euros": 89}
    assert "order 1043 is refunded" in results[2]


@pytest.mark.parametrize("lines", [["bye"], ["support", "goodbye"]])
async def test_a_goodbye_is_said_and_ends_the_session(lines: list[str]) -> None:
    async with Session(together(as_it_is)) as session:
        await say(session, *lines)
        assert session.ended is not None and not session.ended.failed
    events = await read(session)
    assert "Goodbye" in replies(events)[-1]
    assert "interrupted=True" not in repr(events)


async def test_the_script_is_a_conversation_with_an_answer_to_each_line() -> None:
    replies = await converse(*SCRIPT)
    assert len(replies) == len(SCRIPT) + 2  # each hand-over has the words of both
    assert len(set(replies)) == len(replies)
    assert not any("do not know" in reply or "Tell me more" in reply for reply in replies)
