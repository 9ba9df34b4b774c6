"""A model without a network: it replies by rules, always the same way."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Self, cast

from .model import ChatMessage, Finished, ModelEvent, TextPiece, ToolCall, ToolSchema, Usage
from .script import Call, Fail, Pause, Rule, Say, Scene, Step

__all__ = ["Run", "ScriptedModel", "chunked"]

REMEMBERED = 1000
"""Runs that a model remembers."""

OTHERWISE = "I have no answer to that: {text}"
"""What it says to words that no rule is for."""

FAILED = "That did not work: {error}"
"""What it says to a tool's error that no rule is for."""

WORD = re.compile(r"\s*\S+\s*|\s+")


@dataclass(frozen=True)
class Run:
    """What a model was given to reply to."""

    messages: tuple[ChatMessage, ...]
    tools: tuple[ToolSchema, ...] | None
    tool_choice: Any = None


class ScriptedModel:
    r"""A model that replies by rules: offline, always the same to the same conversation.

        model = ScriptedModel(
            when(r"weather in (\w+)", Call("weather", city="{1}")),
            after("weather", "It is {result} in the city you name."),
            when(r"hello|hi", "Hello! What can I do for you?"),
        )

    The first rule that matches decides; it looks at nothing but the conversation, so a model may be
    shared, and a restarted worker goes on where it was. Words that no rule is for get `otherwise`,
    and a tool's result that no rule is for is said as it is. Delays are in seconds on the loop's
    clock: `delay` before each run, `pace` before each word but the first.
    """

    def __init__(
        self,
        *rules: Rule,
        otherwise: Step | Sequence[Step] = OTHERWISE,
        delay: float = 0.0,
        pace: float = 0.0,
    ) -> None:
        """Reply by these rules."""
        self.rules = rules
        self.otherwise = otherwise
        self.delay = delay
        self.pace = pace
        self.runs: deque[Run] = deque(maxlen=REMEMBERED)
        """What it was given, run by run: for tests."""
        self.closed_early = 0
        """Runs that whoever read them closed before they were finished."""
        self._in_order: list[Sequence[Step]] | None = None

    @classmethod
    def in_order(cls, *runs: Step | Sequence[Step], delay: float = 0.0, pace: float = 0.0) -> Self:
        """Return a model whose first run is the first of these, and so on; then `otherwise`."""
        model = cls(delay=delay, pace=pace)
        model._in_order = [_steps(run) for run in runs]
        return model

    def __repr__(self) -> str:
        """Show how many rules it has."""
        return f"<ScriptedModel rules={len(self.rules)}>"

    async def respond(
        self,
        messages: Sequence[ChatMessage],
        tools: Sequence[ToolSchema] | None = None,
        *,
        tool_choice: Any = None,
    ) -> AsyncIterator[ModelEvent]:
        """Reply as the rules say; see `Model.respond`."""
        offered = tuple(tools) if tools is not None else None
        self.runs.append(Run(tuple(messages), offered, tool_choice))
        scene = Scene(tuple(messages), offered, tool_choice)
        words = 0
        calls = sum(len(message.get("tool_calls") or ()) for message in messages)
        called = complete = False
        try:
            if self.delay:
                await asyncio.sleep(self.delay)
            scene, steps = self._choose(scene)
            for written in steps:
                for step in await _resolved(scene, written):
                    match step:
                        case Say(text, pace):
                            wait = self.pace if pace is None else pace
                            for index, word in enumerate(chunked(scene.fill(text))):
                                if index and wait:
                                    await asyncio.sleep(wait)
                                words += 1
                                yield TextPiece(word)
                        case Call():
                            calls += 1
                            called = True
                            yield ToolCall(f"call_{calls}", step.tool, _arguments(scene, step))
                        case Pause(seconds):
                            await asyncio.sleep(seconds)
                        case Fail(error):
                            raise error
            complete = True
            prompt = sum(len(str(message.get("content") or "").split()) for message in messages)
            yield Finished("tool_calls" if called else "stop", Usage(prompt, words))
        except GeneratorExit:
            self.closed_early += not complete
            raise
        except asyncio.CancelledError:
            self.closed_early += 1
            raise

    def _choose(self, scene: Scene) -> tuple[Scene, Sequence[Step]]:
        if self._in_order is not None:
            number = len(self.runs) - 1
            left = self._in_order[number] if number < len(self._in_order) else None
            return scene, left if left is not None else _steps(self.otherwise)
        for rule in self.rules:
            if scene.tool_choice == "none" and any(isinstance(each, Call) for each in rule.steps):
                continue
            found = rule.find(scene)
            if found is not None:
                return found, rule.steps
        if scene.error:
            return scene, (FAILED,)
        if scene.latest:
            return scene, (_tell_results,)
        return scene, _steps(self.otherwise)


def chunked(text: str) -> list[str]:
    """Return a text word by word, each with the space after it; together they are the text."""
    return WORD.findall(text)


def _tell_results(scene: Scene) -> Say:
    told = [
        result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)
        for result in scene.latest.values()
    ]
    return Say(" ".join(told).replace("{", "{{").replace("}", "}}"))


async def _resolved(scene: Scene, step: Any) -> list[Say | Call | Pause | Fail]:
    """Return a step, or those that a callable returns for it."""
    if isinstance(step, str):
        return [Say(step)]
    if isinstance(step, Say | Call | Pause | Fail):
        return [step]
    made: Any = step(scene)
    if inspect.isawaitable(made):
        made = await made
    resolved: list[Say | Call | Pause | Fail] = []
    for each in _steps(made):
        # What a callable says is said as it is: it has the scene, and nothing to fill in.
        resolved += await _resolved(scene, _as_it_is(each))
    return resolved


def _as_it_is(step: Any) -> Any:
    return Say(step.replace("{", "{{").replace("}", "}}")) if isinstance(step, str) else step


def _steps(steps: Any) -> Sequence[Step]:
    if steps is None:
        return ()
    if isinstance(steps, list | tuple):
        return cast("Sequence[Step]", steps)
    return (steps,)


def _arguments(scene: Scene, call: Call) -> str:
    filled = {name: _filled(scene, value) for name, value in call.arguments.items()}
    return json.dumps(filled, ensure_ascii=False)


def _filled(scene: Scene, value: Any) -> Any:
    if isinstance(value, str):
        return scene.fill(value)
    if callable(value):
        return value(scene)
    return value
