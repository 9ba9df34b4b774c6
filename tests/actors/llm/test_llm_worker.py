"""The LLM worker: inactive until it is told, activated with messages; how it is made."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest

from callboard import (
    Child,
    JobCrashed,
    Node,
    NotStarted,
    SpecError,
    StartFailed,
    Supervisor,
    on,
)
from callboard.actors.frames import (
    ReplyEndFrame,
    TextFrame,
    TranscriptionFrame,
)
from callboard.actors.llm import (
    Fail,
    LLMActivationArgs,
    LLMWorker,
    Pause,
    ScriptedModel,
    tool,
    when,
)
from callboard.actors.testing import drive, eventually, settle
from tests.actors.jobs.crew import Boom
from tests.actors.llm.hosts import GREET, Host, Idle, said, user
from tests.actors.llm.parlour import Parlour, parlour, words


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


async def test_a_turn_that_begins_before_its_worker_runs_fails_it_as_any_other() -> None:
    model = ScriptedModel.in_order("Welcome.", Fail(Boom("at once")), Fail(Boom("again")), "Hi.")

    class Fragile(Idle):
        @on(str)
        def fail(self, text: str) -> None:
            raise Boom(text)

        async def on_activated(self, args: Any) -> None:
            await self.queue_frame(TextFrame("greet"))
            await asyncio.sleep(0.5)  # until then it is starting, from its second life on

    async with parlour(("a", partial(Fragile, model)), heard=None) as p:
        await p.node.activate("a")
        await p.until(lambda: p.replies == 1)
        p.node.tell("a", "oh")
        await p.until(lambda: words(p.heard) == "Welcome.Hi.")
        assert p.worker("a").incarnation == 4


async def test_a_deactivation_ends_the_turn_that_is_heard() -> None:
    async with parlour(("a", partial(Host, GREET))) as p:
        await p.say("slow")
        await p.until(lambda: words(p.heard).endswith("two "))
        await p.node.deactivate("a")
        await p.until(lambda: p.replies == 1)
        assert p.heard[-1] == ReplyEndFrame(interrupted=True)
        await asyncio.sleep(10)
        assert words(p.heard) == "one two "


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
