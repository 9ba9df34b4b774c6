"""The LLM worker: inactive until it is told, activated with messages, handing over, ending."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from typing import Any, ClassVar

import pytest

from callboard import (
    ActorFailed,
    AskTimeout,
    Child,
    JobCrashed,
    NoActor,
    Node,
    NotStarted,
    SpecError,
    StartFailed,
    Supervisor,
    on,
)
from callboard.actors.frames import (
    ReplyEndFrame,
    SpeakFrame,
    TextFrame,
    ToolResultFrame,
    TranscriptionFrame,
)
from callboard.actors.llm import (
    Call,
    ChatMessage,
    LLMActivationArgs,
    LLMWorker,
    Pause,
    Say,
    ScriptedModel,
    after,
    tool,
    when,
)
from callboard.actors.testing import drive, eventually, settle
from tests.actors.jobs.crew import Boom
from tests.actors.llm.parlour import Parlour, kinds, parlour, words


def user(text: str) -> ChatMessage:
    return {"role": "user", "content": text}


def said(worker: Any) -> list[tuple[str, str | None]]:
    return [(each["role"], each["content"]) for each in worker.conversation]


class Idle(LLMWorker):
    bridged: ClassVar[tuple[str, ...] | None] = ()

    def __init__(self, model: Any = None) -> None:
        super().__init__(model)
        self.log: list[Any] = []

    async def on_turn_ended(self, reply: str) -> None:
        self.log.append(reply)


class Host(Idle):
    """Hands over, and ends the session, by its tools."""

    active = True

    async def on_deactivated(self) -> None:
        self.log.append("deactivated")

    @tool
    async def transfer(self, to: str, reason: str) -> None:
        """Hand the user over."""
        await self.push_frame(SpeakFrame("One moment.", keep=False))
        await self.hand_over(to, [user(reason)])
        self.log.append("handed over")

    @tool
    async def transfer_plainly(self, to: str) -> str:
        await self.activate(to, LLMActivationArgs([user("plainly")]), deactivate_self=True)
        return "it is theirs now"

    @tool
    async def rest(self) -> None:
        await self.deactivate()

    @tool
    async def end(self, reason: str = "they said goodbye") -> None:
        await self.push_frame(SpeakFrame("So long.", keep=False))
        await self.end_session(reason)

    @tool
    async def dawdle(self) -> str:
        await asyncio.sleep(4)
        return "dawdled"


GREET = ScriptedModel(
    when(r"^to (\w+)", "I connect you.", Call("transfer", to="{1}", reason="the lamp is broken")),
    when(r"^plainly", Call("transfer_plainly", to="b")),
    when(r"^both", Call("dawdle"), Call("transfer", to="b", reason="both")),
    when(r"^twice", Call("transfer", to="b", reason="1"), Call("transfer", to="b", reason="2")),
    when(r"^rest", "I rest.", Call("rest")),
    when(r"^bye", "Goodbye.", Call("end")),
    when(r"^slow", Say("one two three four", pace=1)),
    after("transfer", "They do not answer: {error}", failed=True),
    after("end", "I cannot: {error}", failed=True),
    otherwise="Host: {text}",
)

SUPPORT = ScriptedModel(otherwise="Support: {text}")


def pair(**settings: Any) -> Any:
    support = settings.pop("support", Idle)
    return parlour(("a", partial(Host, GREET)), ("b", partial(support, SUPPORT)))


def actives(place: Parlour) -> list[str]:
    return [name for name in ("a", "b") if place.worker(name).active]


# -- inactive, and activated ----


class Watching(Idle):
    """Notes what was there when its activation hook ran."""

    @tool
    async def look(self) -> None:
        """Look."""

    async def on_activated(self, args: Any) -> None:
        self.log.append((args, list(self.conversation)))
        self.llm.add_tool(added)


async def added() -> None:
    """Be added in the hook."""


@pytest.mark.check("M38")
async def test_it_starts_inactive_and_its_hook_has_not_run() -> None:
    async with drive(partial(Watching, GREET)) as w:
        assert w.worker.active is False
        assert w.worker.log == []


@pytest.mark.check("M44")
async def test_a_job_to_an_inactive_one_is_refused_at_once() -> None:
    async with drive(partial(Watching, GREET)) as w:
        with pytest.raises(JobCrashed, match="'worker' is inactive"):
            await w.request(payload="hello")


@pytest.mark.check("M44")
async def test_jobs_that_run_go_on_when_it_is_deactivated() -> None:
    async with parlour(("a", partial(Host, GREET))) as p:
        running = asyncio.create_task(p.node.request("a", payload="slow"))
        await eventually(lambda: p.worker("a").llm.busy)
        await p.node.deactivate("a")
        with pytest.raises(JobCrashed, match="'a' is inactive"):
            await p.node.request("a", payload="too late")
        assert await running == "one two three four"


@pytest.mark.check("M144")
async def test_activation_adds_the_messages_after_the_tools_are_set_and_runs_the_model() -> None:
    model = ScriptedModel(otherwise="Welcome.")
    async with parlour(("a", partial(Watching, model)), heard=None) as p:
        args = LLMActivationArgs([user("greet them")])
        await p.node.activate("a", args)
        await p.until(lambda: p.replies == 1)
        worker = p.worker("a")
        assert worker.log == [(args, []), "Welcome."]  # the hook ran before them
        assert words(p.heard) == "Welcome."
        assert said(worker) == [("user", "greet them"), ("assistant", "Welcome.")]
        assert [each.name for each in model.runs[0].tools or ()] == ["look", "added"]


@pytest.mark.check("M144")
async def test_without_run_the_messages_are_added_and_the_model_does_not_run() -> None:
    model = ScriptedModel()
    async with parlour(("a", partial(Idle, model)), heard=None) as p:
        await p.node.activate("a", LLMActivationArgs([user("note")], run=False))
        assert said(p.worker("a")) == [("user", "note")]
        await settle()
        assert not model.runs
        await p.node.activate("a", {"messages": [user("as others write it")], "run": False})
        assert said(p.worker("a"))[1:] == [("user", "as others write it")]
        await p.node.activate("a", {"something": "else"})
        await p.node.activate("a", None)
        assert len(p.worker("a").conversation) == 2
        assert not model.runs


async def test_a_kept_activation_greets_in_the_next_life_too() -> None:
    model = ScriptedModel(otherwise="Welcome.")

    class Fragile(Idle):
        @on(str)
        def fail(self, text: str) -> None:
            raise Boom(text)

    async with parlour(("a", partial(Fragile, model)), heard=None) as p:
        await p.node.activate("a", LLMActivationArgs([user("greet")]))
        await p.until(lambda: p.replies == 1)
        p.node.tell("a", "oh")
        await p.until(lambda: p.replies == 2)
        assert said(p.worker("a")) == [("user", "greet"), ("assistant", "Welcome.")]


async def test_a_deactivation_ends_the_turn_that_is_heard() -> None:
    async with parlour(("a", partial(Host, GREET))) as p:
        await p.say("slow")
        await p.until(lambda: words(p.heard).endswith("two "))
        await p.node.deactivate("a")
        await p.until(lambda: p.replies == 1)
        assert p.heard[-1] == ReplyEndFrame(interrupted=True)
        await asyncio.sleep(10)
        assert words(p.heard) == "one two "


# -- handing over ----


@pytest.mark.check("M150")
async def test_a_hand_over_records_its_result_lets_the_speech_out_and_then_activates() -> None:
    async with pair() as p:
        await p.say("to b")
        await p.until(lambda: p.replies == 2)
        assert actives(p) == ["b"]
        assert kinds(p.heard) == [
            "ReplyStart",
            "ReplyText",
            "ToolCall",
            "ToolResult",
            "Speak",
            "ReplyEnd",
            "ReplyStart",
            "ReplyText",
            "ReplyEnd",
        ]
        assert words(p.heard) == "I connect you.Support: the lamp is broken"
        a = p.worker("a")
        assert said(a)[-2:] == [("assistant", "I connect you."), ("tool", "handed over to b")]
        assert a.log == ["deactivated", "handed over", "I connect you."]
        assert said(p.worker("b"))[0] == ("user", "the lamp is broken")
        assert await p.reply("and the switch") == "Support: and the switch"
        assert not any(run.messages[-1]["role"] == "tool" for run in GREET.runs)


@pytest.mark.check("M150")
async def test_an_unknown_worker_is_an_error_for_the_model_and_this_one_stays_active() -> None:
    async with pair() as p:
        reply = await p.reply("to nobody")
        assert reply == "I connect you. They do not answer: NoActor: no worker is called 'nobody'"
        assert actives(p) == ["a"]
        assert p.worker("a").log == [reply]
        error = {"error": "NoActor: no worker is called 'nobody'"}
        assert said(p.worker("a"))[2] == ("tool", json.dumps(error))
        assert await p.reply("well") == "Host: well"


@pytest.mark.check("M150")
async def test_a_worker_whose_activation_fails_gives_it_back_and_nothing_is_said_twice() -> None:
    class Broken(Idle):
        async def on_activated(self, args: Any) -> None:
            raise Boom("not today")

    model = ScriptedModel(
        when("welcome", "Hello."), when("to b", Call("transfer", to="b", reason="x"))
    )

    class Lazy(Host):
        active = False

    async with parlour(
        ("a", partial(Lazy, model)), ("b", partial(Broken, SUPPORT)), heard=None
    ) as p:
        await p.node.activate("a", LLMActivationArgs([user("welcome")]))
        await p.until(lambda: p.replies == 1)
        await p.say("to b")
        await p.until(lambda: "That did not work" in words(p.heard) and p.replies == 3)
        assert p.worker("a").active
        assert [text for _, text in said(p.worker("a"))].count("welcome") == 1
        await p.until(lambda: p.worker("b") is not None)


async def test_a_tool_may_activate_another_plainly_to_the_same_effect() -> None:
    async with pair() as p:
        await p.say("plainly")
        await p.until(lambda: p.replies == 2)
        assert words(p.heard) == "Support: plainly"
        assert said(p.worker("a"))[-1] == ("tool", "it is theirs now")
        assert actives(p) == ["b"]


async def test_a_hand_over_waits_for_the_other_tools_of_its_round() -> None:
    async with pair() as p:
        await p.say("both")
        await p.until(lambda: p.replies == 2)
        results = [each for each in p.heard if isinstance(each, ToolResultFrame)]
        assert [each.name for each in results] == ["dawdle", "transfer"]
        assert said(p.worker("a"))[-2:] == [("tool", "dawdled"), ("tool", "handed over to b")]


async def test_of_two_hand_overs_in_one_round_one_is_an_error() -> None:
    async with pair() as p:
        await p.say("twice")
        await p.until(lambda: p.replies == 2)
        errors = [each.error for each in p.heard if isinstance(each, ToolResultFrame)]
        assert errors == ["CallboardError: the tool 'transfer' ends this turn already", ""]
        assert words(p.heard) == "Support: 1"


async def test_what_a_user_says_while_it_hands_over_is_handed_over_too() -> None:
    async with pair() as p:
        await p.say("both")
        await eventually(lambda: p.worker("a").tool_calls_active == 2)
        await p.say("are you there")
        await p.until(lambda: p.replies == 2)
        assert words(p.heard) == "Support: are you there"
        assert [each for each in said(p.worker("b")) if each[0] == "user"] == [
            ("user", "both"),
            ("user", "are you there"),
        ]


async def test_an_interruption_does_not_tear_a_hand_over_apart() -> None:
    class Slow(Idle):
        async def on_activated(self, args: Any) -> None:
            await asyncio.sleep(2)

    async with pair(support=Slow) as p:
        await p.say("to b")
        await p.until(lambda: p.worker("a").log == ["deactivated"])
        await p.interrupt()
        await p.until(lambda: len(p.worker("a").log) == 3)
        assert p.worker("a").log == ["deactivated", "handed over", "I connect you."]
        assert actives(p) == ["b"]


async def test_a_hand_over_from_outside_a_turn_ends_what_is_being_said() -> None:
    class Manager(Host):
        @on(str)
        async def manage(self, to: str) -> None:
            await self.hand_over(to, [user("now")])

    async with parlour(("a", partial(Manager, GREET)), ("b", partial(Idle, SUPPORT))) as p:
        await p.say("slow")
        await p.until(lambda: words(p.heard).endswith("two "))
        await p.node.ask("a", "b")
        await p.until(lambda: p.replies == 2)
        assert words(p.heard) == "one two Support: now"
        assert ReplyEndFrame(interrupted=True) in p.heard


async def test_a_hook_may_hand_over_too() -> None:
    class Polite(Host):
        async def on_turn_ended(self, reply: str) -> None:
            if reply == "Host: your turn":
                await self.hand_over("b", [user(reply)])

    async with parlour(("a", partial(Polite, GREET)), ("b", partial(Idle, SUPPORT))) as p:
        await p.say("your turn")
        await p.until(lambda: p.replies == 2)
        assert words(p.heard) == "Host: your turnSupport: Host: your turn"


async def test_a_tool_may_put_its_worker_to_rest() -> None:
    async with pair() as p:
        assert await p.reply("rest") == "I rest."
        await p.until(lambda: actives(p) == [])
        assert p.worker("a").log == ["deactivated", "I rest."]


async def test_a_silent_worker_is_an_error_after_a_while() -> None:
    class Deaf(Idle):
        @on(str)
        async def sleep(self, text: str) -> None:
            await asyncio.sleep(100)

    async with pair(support=Deaf) as p:
        p.node.tell("b", "sleep")
        await settle()
        reply = await p.reply("to b")
        assert "They do not answer: AskTimeout" in reply
        assert actives(p) == ["a"]


async def test_what_a_failed_hand_over_raises_may_be_handled_by_the_tool() -> None:
    class Careful(Host):
        @tool
        async def attempt(self) -> str:
            for name in ("nobody", "b"):
                try:
                    await self.hand_over(name, [user("second try")])
                except (NoActor, AskTimeout, ActorFailed):
                    self.log.append(f"not {name}")
            return "tried"

    model = ScriptedModel(when("go", "Wait.", Call("attempt")))
    async with parlour(("a", partial(Careful, model)), ("b", partial(Idle, SUPPORT))) as p:
        await p.say("go")
        await p.until(lambda: p.replies == 2)
        assert p.worker("a").log == ["not nobody", "deactivated", "Wait."]
        assert words(p.heard) == "Wait.Support: second try"
        assert len(model.runs) == 1


# -- the end of a session ----


@pytest.mark.check("M151")
async def test_a_tool_ends_the_session_after_the_last_words() -> None:
    before = len(GREET.runs)
    async with pair() as p:
        main, a = p.main, p.worker("a")
        await p.say("bye")
        await p.until(lambda: p.node.state == "stopped")
        assert kinds(main.after.frames) == [
            "ReplyStart",
            "ReplyText",
            "ToolCall",
            "ToolResult",
            "Speak",
            "ReplyEnd",
        ]
        assert words(main.after.frames) == "Goodbye."
        assert main.after.lifecycle[-1] == "EndFrame"
        assert a.log == ["Goodbye."]
        assert len(GREET.runs) == before + 1


async def test_where_there_is_no_node_no_session_can_be_ended() -> None:
    async with drive(partial(Host, GREET)) as w:
        reply = await w.request(payload="bye")
        assert reply.startswith("Goodbye. I cannot: NotStarted: 'worker' stands on no node")


async def test_a_session_may_be_ended_from_outside_a_turn() -> None:
    class Manager(Host):
        @on(str)
        async def manage(self, reason: str) -> None:
            await self.end_session(reason)

    async with parlour(("a", partial(Manager, GREET))) as p:
        main = p.main
        await p.say("slow")
        await p.until(lambda: words(p.heard).endswith("two "))
        p.node.tell("a", "enough")
        await p.until(lambda: p.node.state == "stopped")
        assert words(main.after.frames) == "one two three four"  # it is let finish


# -- how it is made ----


async def test_its_model_may_be_given_built_or_of_the_class() -> None:
    class Closing(ScriptedModel):
        closed = 0

        async def aclose(self) -> None:
            self.closed += 1

    built, given = Closing(otherwise="built"), Closing(otherwise="given")

    class OfTheClass(LLMWorker):
        active = True
        model = ScriptedModel(otherwise="of the class")

    class Building(OfTheClass):
        def build_model(self) -> Any:
            return built

    for factory, reply in (
        (OfTheClass, "of the class"),
        (partial(OfTheClass, given), "given"),
        (Building, "built"),
    ):
        async with drive(factory) as w:
            assert await w.request(payload="x") == reply
    assert (built.closed, given.closed) == (1, 0)


async def test_without_a_model_it_does_not_start() -> None:
    with pytest.raises(StartFailed, match="give it a model, or override build_model") as caught:
        async with drive(LLMWorker):
            raise AssertionError
    assert isinstance(caught.value.__cause__, SpecError)


async def test_a_pipeline_without_the_model_is_refused() -> None:
    class Forgetful(LLMWorker):
        def build_pipeline(self) -> Any:
            return ()

    with pytest.raises(StartFailed, match="have build_pipeline return") as caught:
        async with drive(partial(Forgetful, GREET)):
            raise AssertionError
    assert isinstance(caught.value.__cause__, NotStarted)


async def test_users_may_override_every_hook_without_calling_ours() -> None:
    class Own(LLMWorker):
        bridged = ()
        active = True
        model = ScriptedModel(otherwise="Yes.")

        def __init__(self) -> None:
            self.log: list[str] = []

        def on_start(self) -> None:
            self.log.append("start")
            self.conversation.user("before all")

        def on_activated(self, args: Any) -> None:  # type: ignore[override]
            self.log.append("activated")

        def on_stop(self) -> None:
            self.log.append("stop")

    async with parlour(("a", Own)) as p:
        own = p.worker("a")
        assert await p.reply("hello") == "Yes."
        assert said(own)[0] == ("user", "before all")
    assert own.log == ["start", "activated", "stop"]


async def test_frames_may_be_queued_where_there_is_no_bridge() -> None:
    class Alone(LLMWorker):
        active = True
        model = ScriptedModel(when("long", "a", Pause(5), " b"), otherwise="Yes.")

        async def on_turn_ended(self, reply: str) -> None:
            self.replies = [*getattr(self, "replies", ()), reply]

    async with Node(Supervisor([Child("main", Alone)]), watchdog=False) as node:
        place = Parlour(node)
        alone = place.worker("main")
        await alone.queue_frame(TextFrame("long"))
        await alone.queue_frame(TranscriptionFrame("then"))
        await eventually(lambda: getattr(alone, "replies", None) == ["a b", "Yes."], within=20)
