"""The hand-over by a model behind a network: the real client, a server of OpenAI's kind."""

import pytest

from callboard.actors.llm import OpenAIModel
from callboard.examples.handoff.cast import together
from callboard.examples.talking.session import Session
from tests.examples.handoff.hearing import one_at_a_time, replies, say
from tests.examples.handoff.models import scripts
from tests.examples.talking.cast import read
from tests.servers.openai_server import OpenAIServer, Trouble

pytestmark = pytest.mark.realtime


@pytest.mark.check("M156")
async def test_greeter_and_support_hand_over_to_each_other_by_a_model_behind_a_network() -> None:
    with OpenAIServer(scripts()) as server:
        example = together(lambda _: OpenAIModel("any", api_key="sk-test", base_url=server.url))
        async with Session(example) as session:
            await say(session, "My lamp is broken", "order 1042", "no, that is all", "the clock?")
        tools = {tool["function"]["name"] for tool in server.requests[0].body["tools"]}
    events = await read(session)
    one_at_a_time(events)
    said = replies(events)
    assert [reply.partition(":")[0] for reply in said] == [
        "greeter",
        "greeter",
        "support",
        "support",
        "support",
        "greeter",
        "greeter",
    ]
    assert said[3].startswith("support: Order 1042, a lamp, is on its way")
    assert tools == {"look_up_product", "transfer", "say_goodbye"}


async def test_trouble_of_the_model_is_told_and_the_conversation_goes_on() -> None:
    with OpenAIServer(scripts()) as server:
        example = together(
            lambda _: OpenAIModel("any", api_key="sk-test", base_url=server.url, retries=0)
        )
        async with Session(example) as session:
            await say(session)
            server.trouble(Trouble(status=500))
            await say(session, "what do you sell?", "and the clock?")
    events = await read(session)
    one_at_a_time(events)
    assert any(type(event).__name__ == "Trouble" for event in events)
    assert "It costs 35 euros" in replies(events)[-1]
