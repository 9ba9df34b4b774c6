"""What has to hold of the hand-over in several processes, whatever joins them."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections.abc import Callable, Sequence

from callboard import Transport
from callboard.examples.handoff.cast import NAMES, apart
from callboard.examples.talking.session import Session
from tests.examples.handoff.hearing import one_at_a_time
from tests.examples.handoff.models import ByInstructions, tagged
from tests.examples.handoff.processes import Company
from tests.examples.remote_assistant.processes import PATIENCE
from tests.examples.talking.cast import read
from tests.servers.openai_server import OpenAIServer

__all__ = [
    "ORDERS",
    "check_a_kill_of_main",
    "check_a_kill_of_the_greeter",
    "check_conversation",
    "check_names",
    "check_one_speaker",
    "check_that_nobody_is_there",
]

ORDERS = (
    ("main", "greeter", "support"),
    ("support", "greeter", "main"),
    ("greeter", "main", "support"),
)
"""In which the processes are started."""

TOLD_WITHIN = 6.0
"""Seconds in which a silent node is down."""

BUSY = 20.0
"""More seconds, for a machine that has much else to do."""


def check_conversation(company: Company, order: tuple[str, ...]) -> None:
    """Start the processes in this order; hand over, and back, and say goodbye."""
    started = {name: company.main() if name == "main" else company.llm(name) for name in order}
    main = started["main"]
    main.until("greeter: Hello, and welcome to Acme!")
    main.until("support.\n")
    main.type("My lamp is broken")
    main.until("greeter: That is one for support: I hand you over.")
    main.until("-- greeter hands over to support")
    main.until("support: Hello, this is support.")
    main.type("order 1042")
    main.until("* support uses look_up_order")
    main.until("Order 1042, a lamp, is on its way")
    main.type("no, that is all")
    main.until("-- support hands over to greeter")
    main.until("greeter: Here is the greeter again.")
    main.type("bye")
    main.until("greeter: Goodbye, and come again!")
    assert main.end() == 0
    for name in ("greeter", "support"):
        started[name].until(f"{name} has the floor")
        started[name].until("the session has ended")


def check_a_kill_of_the_greeter(company: Company) -> None:
    """Kill the greeter's process in a conversation; it goes on when it is started again."""
    greeter, main = company.llm("greeter"), company.main()
    main.until("support.\n")
    main.type("My name is Ada")
    main.until("Nice to meet you, Ada!")
    main.type("What do you sell?")
    main.until("greeter: We")
    greeter.kill()
    killed = time.monotonic()
    main.until("! greeter is lost")
    assert time.monotonic() - killed < TOLD_WITHIN + BUSY
    company.llm("greeter")
    main.until("! greeter is back")
    main.until("greeter: We sell lamps, clocks and radios.")  # what it was saying, and all of it
    main.type("What is my name?")
    main.until("greeter: You are Ada")
    assert main.end() == 0


def check_a_kill_of_main(company: Company) -> None:
    """Kill the main process while support talks; the next one begins with the greeter, anew."""
    for name in NAMES:
        company.llm(name)
    main = company.main()
    main.until("support.\n")
    main.type("My name is Ada")
    main.until("Nice to meet you, Ada!")
    main.type("support!")
    main.until("support: Hello, this is support. What is wrong?")
    main.kill()
    again = company.main()
    again.until("greeter: Hello, and welcome to Acme!")
    again.type("What is my name?")
    again.until("greeter: You have not told me your name yet.")
    again.type("support!")
    again.until("support: Hello, this is support. What is wrong?")
    assert again.end() == 0


def check_that_nobody_is_there(company: Company) -> None:
    """Ask for support where it is not, and once more when it has come."""
    company.llm("greeter")
    main = company.main()
    main.until("greeter: Hello, and welcome to Acme!")
    main.type("support!")
    main.until("I cannot reach my colleague just now.")
    support = company.llm("support")
    support.until("support is here")
    main.type("support!")
    main.until("support: Hello, this is support. What is wrong?")
    assert support.end(signal.SIGTERM) == 0
    main.until("! support is lost")
    main.type("refund")
    company.llm("support")
    main.until("! support is back")
    main.until("support: For which order?")
    assert main.end() == 0


def check_names(company: Company) -> None:
    """Name the workers; each is activated as it becomes ready, and the last one has the floor."""
    main = company.main("--worker", "support", "--worker", "greeter")
    company.llm("support")
    main.until("support is ready, on node support")
    main.until("support: ")
    company.llm("greeter")
    main.until("greeter is ready, on node greeter")
    main.until("-- support hands over to greeter")
    main.until("greeter: Hello, and welcome to Acme!")
    main.type("how are you?")
    main.until("greeter: Very well")
    assert main.end() == 0


async def check_one_speaker(
    company: Company, transports: Callable[[], Sequence[Transport]], seed: int
) -> None:
    """Interrupt, hand over and kill at random moments; each word names who has said it.

    The workers are processes with the real client, and a model of OpenAI's kind in this one.
    """
    choose = random.Random(seed)
    model = ByInstructions(**{name: tagged(name, pace=0.02) for name in NAMES})
    with OpenAIServer(model) as server:
        company.variables |= {"OPENAI_API_KEY": server.key, "OPENAI_BASE_URL": server.url}
        programs = {name: company.llm(name) for name in NAMES}
        async with Session(apart(transports)) as session:
            assert await session.settled(within=PATIENCE)
            for number in range(24):
                await session.say(
                    "switch" if choose.random() < 0.6 else "talk", interrupt=choose.random() < 0.5
                )
                if choose.random() < 0.2:
                    await session.interrupt()
                if number in (8, 16):
                    name = choose.choice(NAMES)
                    programs[name].kill()
                    programs[name] = company.llm(name)
                await asyncio.sleep(choose.random() * 0.6)
            await session.settled(within=PATIENCE)
            for line in ("talk", "switch", "talk"):
                await session.say(line)
                assert await session.settled(within=PATIENCE), line
    pieces = one_at_a_time(await read(session))
    for piece in pieces:
        assert all(word.rstrip("0123456789") == piece.speaker for word in piece.text.split())
    assert {piece.speaker for piece in pieces} == set(NAMES)
