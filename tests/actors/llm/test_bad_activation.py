"""An activation that goes wrong leaves a talker as inactive as it was, and off the bridge."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import ClassVar

import pytest

from callboard import ActorFailed, LLMWorker, ScriptedModel
from callboard.actors.cell import Directive
from callboard.actors.frames import TextFrame
from callboard.actors.testing import eventually
from tests.actors.frames.studio import Main, company, texts, worker_of


class Talker(LLMWorker):
    bridged = ()
    directives: ClassVar[Mapping[type[BaseException], Directive]] = {TypeError: "resume"}


async def test_arguments_that_do_not_fit() -> None:
    model = ScriptedModel(otherwise="yes")
    owner = partial(Main, exclusive=True)
    async with company(("talker", lambda: Talker(model)), ("main", owner)) as node:
        main, talker = worker_of(node, "main"), worker_of(node, "talker")
        with pytest.raises(ActorFailed):
            await node.activate("talker", {"messages": 5})
        assert not talker.active
        await main.queue_frame(TextFrame("hi"))
        assert main.bridge.heard == ()
        await node.activate("talker")
        await eventually(lambda: texts(main.after.frames) == ["yes"])


async def test_who_deactivates_itself_as_it_is_activated_has_no_turn() -> None:
    class Unwilling(Talker):
        async def on_activated(self, args: object) -> None:
            await self.deactivate()

    model = ScriptedModel(otherwise="yes")
    async with company(("talker", lambda: Unwilling(model)), ("main", Main)) as node:
        await node.activate("talker", {"messages": [{"role": "user", "content": "hi"}]})
        talker = worker_of(node, "talker")
        assert not talker.active and not talker.llm.busy and talker.conversation == []
