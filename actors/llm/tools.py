"""Tools: methods and functions that a model may call, their schemas, the check of its arguments."""

from __future__ import annotations

import inspect
import json
import re
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast, overload

from ..errors import SpecError
from ..worker import Worker
from .model import ToolSchema
from .schema import NO_DEFAULT, Field, Misfit, Shape, Unshapely, make_field, shape_of_fields

__all__ = ["TOOL_WITHIN", "Tool", "ToolAnswer", "content_of", "tool", "tools_of"]

F = TypeVar("F", bound=Callable[..., Any])

MARK = "__callboard_tool__"

TOOL_WITHIN = 60.0
"""Seconds that a tool may take, unless it is declared otherwise."""

SECTION = re.compile(r"^(Args|Arguments|Parameters):\s*$")
OTHER_SECTION = re.compile(r"^[A-Z]\w*:\s*$")
ARGUMENT = re.compile(r"^\*{0,2}(\w+)\s*(?:\([^)]*\))?\s*:\s*(.*)$")


@dataclass(frozen=True, slots=True)
class Options:
    """What `@tool` says of a tool."""

    timeout: float | None = TOOL_WITHIN
    cancel_on_interruption: bool = True


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """What a tool returns that has more to say than its result.

    With `run=False` the result is recorded, and the model does not run again for it.
    """

    value: Any = None
    run: bool = True


@overload
def tool(function: F, /) -> F: ...


@overload
def tool(
    *, timeout: float | None = TOOL_WITHIN, cancel_on_interruption: bool = True
) -> Callable[[F], F]: ...


def tool(
    function: Callable[..., Any] | None = None,
    /,
    *,
    timeout: float | None = TOOL_WITHIN,
    cancel_on_interruption: bool = True,
) -> Any:
    """Declare a method, or a function, that the model may call: `@tool` or `@tool(timeout=5)`.

    Its schema is made of its signature and docstring: the text before the first section says what
    it does, an `Args:` section what each argument means. It is given only arguments that fit their
    types. It may be `def`, which must be quick, or `async def`; what it returns is the result that
    the model sees, text as it is and all else as JSON. If it raises, or takes longer than `timeout`
    seconds (None: no limit), it is cancelled and the model sees an error. An interruption cancels
    it, and the jobs that it has started, unless `cancel_on_interruption` is false.

    A function that is no method may have a parameter of the type of a worker: it gets the worker
    that calls it, and the model is not told of it.
    """
    options = Options(timeout, cancel_on_interruption)

    def mark(marked: F) -> F:
        setattr(marked, MARK, options)
        return marked

    return mark if function is None else mark(function)


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool, ready to be offered and called."""

    name: str
    schema: ToolSchema
    shape: Shape
    options: Options
    function: Callable[..., Any]
    worker_parameter: str | None = None
    """The parameter that gets the worker; only of a function that is no method."""

    @classmethod
    def of(cls, function: Callable[..., Any], *, owner: type | None = None) -> Tool:
        """Make a tool of a function, a bound method, or a method of the class `owner`.

        Raises:
            SpecError: a parameter has no schema, or cannot be given by name.

        """
        name = function.__name__
        subject = f"{owner.__qualname__}.{name}" if owner is not None else name
        summary, told = parse_docstring(inspect.getdoc(function) or "")
        parameters = list(inspect.signature(function).parameters.values())
        if owner is not None:
            parameters = parameters[1:]
        hints = _hints_of(function, subject)
        worker = next((p.name for p in parameters if _is_worker(hints.get(p.name))), None)
        fields = [
            _field_of(subject, parameter, hints, told)
            for parameter in parameters
            if parameter.name != worker
        ]
        shape = shape_of_fields(fields, lambda given: given)
        options = getattr(function, MARK, Options())
        schema = ToolSchema(name, summary, shape.schema)
        return cls(name, schema, shape, options, function, worker)

    def check(self, arguments: str) -> dict[str, Any]:
        """Return the arguments as the tool takes them.

        Raises:
            Misfit: they are no JSON object, or do not fit the signature.

        """
        try:
            given: Any = json.loads(arguments) if arguments.strip() else {}
        except ValueError as error:
            raise Misfit(f"the arguments are no JSON: {error}") from None
        return cast("dict[str, Any]", self.shape.take(given, ""))


def tools_of(owner: type, framework: type) -> dict[str, Tool]:
    """Return the tools of a class by name, in order of declaration.

    An override replaces what it overrides; one that is not declared anew keeps the options.

    Raises:
        SpecError: one of them has no schema, or a name that means something else in `framework`.

    """
    marked: dict[str, Options] = {}
    for each in reversed(owner.__mro__):
        for name, attribute in vars(each).items():
            options = getattr(attribute, MARK, None)
            if isinstance(options, Options):
                marked[name] = options
            elif name in marked and not callable(attribute):
                del marked[name]
    found: dict[str, Tool] = {}
    for name, options in marked.items():
        if hasattr(framework, name):
            problem = f"{name!r} means something else in the classes of Callboard: choose another"
            raise SpecError(f"{owner.__qualname__}.{name}", "tool", problem)
        made = Tool.of(getattr(owner, name), owner=owner)
        found[name] = Tool(name, made.schema, made.shape, options, made.function)
    return found


def content_of(value: Any) -> str:
    """Return the result of a tool as the model sees it: text as it is, all else as JSON."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False, default=_as_json)
    except (TypeError, ValueError):  # keys that are no text, or a circle
        return str(value)


def parse_docstring(text: str) -> tuple[str, dict[str, str]]:
    """Return what a docstring says of the whole, and of each argument."""
    lines = text.splitlines()
    summary: list[str] = []
    told: dict[str, str] = {}
    inside = ended = False
    current = ""
    indent = 0
    for line in lines:
        plain = line.strip()
        if SECTION.match(line):
            inside, ended, current, indent = True, True, "", 0
        elif OTHER_SECTION.match(line):
            inside, ended = False, True
        elif inside and plain:
            depth = len(line) - len(line.lstrip())
            indent = indent or depth
            entry = ARGUMENT.match(plain) if depth <= indent else None
            if entry is not None:
                current = entry[1]
                told[current] = entry[2]
            elif current:
                told[current] = f"{told[current]} {plain}".strip()
        elif not ended:
            summary.append(line)
    return "\n".join(summary).strip(), told


def _field_of(
    subject: str, parameter: inspect.Parameter, hints: Mapping[str, Any], told: Mapping[str, str]
) -> Field:
    name = parameter.name
    if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
        raise SpecError(
            subject, name, "a model gives arguments by name: write a parameter for each"
        )
    default = NO_DEFAULT if parameter.default is parameter.empty else parameter.default
    try:
        return make_field(name, hints.get(name, Any), default, told.get(name, ""))
    except Unshapely as error:
        raise SpecError(subject, name, f"a tool cannot take it: {error}") from error
    except RecursionError:
        raise SpecError(subject, name, "a type that holds itself has no schema") from None


def _hints_of(function: Callable[..., Any], subject: str) -> dict[str, Any]:
    """Return the types of the parameters; what it returns may have one that only checkers know."""
    plain = inspect.unwrap(function)
    annotations = {name: hint for name, hint in plain.__annotations__.items() if name != "return"}
    stand_in = types.SimpleNamespace(__annotations__=annotations)
    names: dict[str, Any] = getattr(plain, "__globals__", {})
    try:
        return typing.get_type_hints(stand_in, globalns=names, include_extras=True)
    except NameError as error:
        raise SpecError(
            subject, "signature", f"{error}: a tool's types must be known in its module"
        ) from error


def _is_worker(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, Worker)


def _as_json(value: Any) -> Any:
    """Make something of what JSON does not know: an object of its fields, all else as text."""
    fields = getattr(value, "__dataclass_fields__", None)
    if fields is not None and not isinstance(value, type):
        return {name: getattr(value, name) for name in fields}
    if isinstance(value, set | frozenset):
        return sorted(cast("set[Any]", value), key=repr)
    return str(value)
