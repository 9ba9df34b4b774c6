"""What a scripted model goes by: the scene, rules that match it, steps that they lead to."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

from .model import ChatMessage, ToolSchema

__all__ = [
    "Call",
    "Fail",
    "Pause",
    "Rule",
    "Say",
    "Scene",
    "Step",
    "after",
    "group",
    "when",
]

JSON_ERROR = "error"
"""The one key of the result of a tool that failed."""


@dataclass(frozen=True)
class Say:
    """Words; `{1}`, `{name}`, `{text}`, `{result}` and `{error}` are filled in from the scene."""

    text: str
    pace: float | None = None
    """Seconds before each word but the first; None: the model's own."""


@dataclass(frozen=True, init=False)
class Call:
    """A tool call: `Call("weather", city="{1}", days=group(2, int))`.

    Text is filled in as in `Say`; a callable gets the scene and returns the argument.
    """

    tool: str
    arguments: Mapping[str, Any]

    def __init__(self, tool: str, /, **arguments: Any) -> None:
        """Call the tool of this name with these arguments."""
        object.__setattr__(self, "tool", tool)
        object.__setattr__(self, "arguments", arguments)


@dataclass(frozen=True)
class Pause:
    """Seconds in which nothing comes."""

    seconds: float


@dataclass(frozen=True)
class Fail:
    """The model fails here, with this error."""

    error: BaseException


Step: TypeAlias = "str | Say | Call | Pause | Fail | Callable[[Scene], Any]"
"""What a model does: text is `Say(text)`. A callable gets the scene and returns a step, or several,
or None; it may also be `async def`."""

Match: TypeAlias = "str | re.Pattern[str] | Callable[[Scene], Any]"
"""A regular expression, sought in the last words without regard to case; or a callable that gets
the scene. What that returns is true or false, a match, or a mapping of names to be filled in."""


@dataclass(frozen=True)
class Scene:
    """The conversation as a rule sees it."""

    messages: Sequence[ChatMessage]
    tools: Sequence[ToolSchema] | None = None
    tool_choice: Any = None
    found: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What the rule's match found: groups by number (as text) and by name."""

    def __getitem__(self, key: str | int) -> Any:
        """Return what the match found: `scene[1]`, `scene["city"]`."""
        return self.found[str(key)]

    @property
    def text(self) -> str:
        """The last words to the model that are no result of a tool: of the user, or of the system.

        The system's first message, the instructions, is no such words; unless there are no others.
        """
        return self.said[-1] if self.said else ""

    @property
    def said(self) -> list[str]:
        """All such words so far, oldest first."""
        words = [
            text_of(message)
            for message in self.messages
            if message.get("role") not in ("assistant", "tool")
        ]
        return words[1:] if self.instructions and len(words) > 1 else words

    @property
    def replies(self) -> list[str]:
        """What the model has said so far, oldest first."""
        return [
            text_of(message)
            for message in self.messages
            if message.get("role") == "assistant" and message.get("content")
        ]

    @property
    def instructions(self) -> str:
        """The system's first message; empty without one."""
        first = self.messages[0] if self.messages else {}
        return text_of(first) if first.get("role") in ("system", "developer") else ""

    @property
    def results(self) -> dict[str, Any]:
        """The results of the tools called since the last words, by tool; the last one of each."""
        return dict(self._results(whole=True))

    @property
    def latest(self) -> dict[str, Any]:
        """The results that the model has not replied to yet, by tool; empty if there are none."""
        return dict(self._results(whole=False))

    @property
    def result(self) -> Any:
        """The last of the results that the model has not replied to yet; None if there is none."""
        return list(self.latest.values())[-1] if self.latest else None

    @property
    def error(self) -> str:
        """What went wrong with the last of those tools that failed; empty if none did."""
        errors = [error_of(result) for result in self.latest.values()]
        return next((error for error in reversed(errors) if error), "")

    def fill(self, text: str) -> str:
        """Return the text with what the scene knows filled in."""
        numbered = [self.found[str(n)] for n in range(len(self.found)) if str(n) in self.found]
        named = {name: value for name, value in self.found.items() if not name.isdigit()}
        known = {
            "text": self.text,
            "result": self.result,
            "error": self.error,
            "results": self.results,
            **self.results,
            **named,
        }
        try:
            return text.format(*numbered, **known)
        except (LookupError, TypeError, AttributeError) as error:
            names = ", ".join([*map(str, range(len(numbered))), *known])
            raise LookupError(f"in the script, {text!r}: {error}; known: {names}") from error

    def _results(self, *, whole: bool) -> list[tuple[str, Any]]:
        names: dict[str, str] = {}
        found: list[tuple[str, Any]] = []
        start = 0
        for index, message in enumerate(self.messages):
            if message.get("role") == "tool":
                continue
            if message.get("role") == "assistant":
                if not whole:
                    start = index
            else:
                start = index
        for message in self.messages[start:]:
            for call in message.get("tool_calls") or ():
                names[call["id"]] = call["function"]["name"]
            if message.get("role") == "tool":
                name = names.get(message.get("tool_call_id", ""), "")
                found.append((name, value_of(text_of(message))))
        return found


@dataclass(frozen=True)
class Rule:
    """If the scene matches, these are the model's steps. Made by `when` and `after`."""

    match: re.Pattern[str] | Callable[[Scene], Any] | None
    steps: tuple[Step, ...]
    tool: str | None = None
    """The tool whose result it replies to; None: it replies to words."""
    failed: bool | None = None
    """Whether that tool must have failed; None: it may have."""

    def find(self, scene: Scene) -> Scene | None:
        """Return the scene with what was found in it; None if the rule does not match."""
        results = scene.latest
        if (self.tool is None) is bool(results):
            return None
        if self.tool is not None:
            if self.tool not in results:
                return None
            wrong = bool(error_of(results[self.tool]))
            if self.failed is not None and self.failed is not wrong:
                return None
        return self._found(scene)

    def _found(self, scene: Scene) -> Scene | None:
        if self.match is None:
            return scene
        found: Any
        if isinstance(self.match, re.Pattern):
            found = self.match.search(scene.text)
        else:
            found = self.match(scene)
        if found is None or found is False:
            return None
        return Scene(scene.messages, scene.tools, scene.tool_choice, _names_of(found))


def when(match: Match, *steps: Step) -> Rule:
    r"""Return a rule: if the last words to the model match, these are its steps.

        when(r"weather in (\w+)", Call("weather", city="{1}"))

    Raises:
        re.error: the pattern is none.

    """
    return Rule(_compiled(match), steps)


def after(tool: str, *steps: Step, match: Match | None = None, failed: bool | None = False) -> Rule:
    """Return a rule: if this tool has just given its result, these are the model's steps.

        after("weather", "It is {result[sky]} there.")

    It is for results that are no errors; with `failed=True` for errors only, with None for both.
    `match` looks at the scene besides: at the last words if it is a pattern.
    """
    return Rule(_compiled(match), steps, tool, failed)


def group(key: int | str, convert: Callable[[str], Any] = str) -> Callable[[Scene], Any]:
    """Return an argument for `Call`: what the match found under this key, converted."""
    return lambda scene: convert(scene[key])


def text_of(message: ChatMessage) -> str:
    """Return the text of a message, whose content may come in parts."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = cast("list[object]", content) if isinstance(content, list) else []
    return "".join(
        str(cast("dict[str, Any]", part).get("text", "")) if isinstance(part, dict) else str(part)
        for part in parts
    )


def value_of(content: str) -> Any:
    """Return the result of a tool as a value: what is no JSON is text."""
    try:
        return json.loads(content)
    except ValueError:
        return content


def error_of(result: Any) -> str:
    """Return what went wrong with a tool, by its result; empty if nothing did."""
    if isinstance(result, dict) and list(cast("dict[str, Any]", result)) == [JSON_ERROR]:
        return str(cast("dict[str, Any]", result)[JSON_ERROR])
    return ""


def _compiled(match: Match | None) -> re.Pattern[str] | Callable[[Scene], Any] | None:
    return re.compile(match, re.IGNORECASE) if isinstance(match, str) else match


def _names_of(found: Any) -> dict[str, Any]:
    if isinstance(found, re.Match):
        match = cast("re.Match[str]", found)
        every = (match[0], *match.groups(default=""))
        numbered = {str(number): text for number, text in enumerate(every)}
        return {**numbered, **match.groupdict(default="")}
    if isinstance(found, Mapping):
        named = cast("Mapping[object, Any]", found)
        return {str(name): value for name, value in named.items()}
    return {}
