"""Tools: which methods are offered, how their schema is made, which arguments they take."""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callboard import SpecError, Worker
from callboard.actors.llm import LLMStage, LLMWorker, ScriptedModel, tool
from callboard.actors.llm.schema import Misfit
from callboard.actors.llm.tools import Tool, content_of, parse_docstring


class Unit(enum.Enum):
    CELSIUS = "celsius"
    KELVIN = "kelvin"


class Reporter(LLMWorker):
    @tool
    async def weather(self, city: str, days: int = 1, unit: Unit = Unit.CELSIUS) -> str:
        """Tell the weather.

        It is made up.

        Args:
            city: Where; a name
                of a city.
            days (int): For how many days.

        Returns:
            A sentence: it may be long.
        """
        return f"{city} {days} {unit}"

    @tool(timeout=5, cancel_on_interruption=False)
    def clock(self, zone: Literal["utc", "local"] | None = None) -> str:
        return f"twelve {zone}"

    async def no_tool(self) -> None:
        raise AssertionError("nobody may call this")


@pytest.mark.check("M143")
def test_the_schema_is_made_of_signature_and_docstring() -> None:
    made = Reporter.own_tools["weather"].schema
    assert made.name == "weather"
    assert made.description == "Tell the weather.\n\nIt is made up."
    assert made.parameters == {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "Where; a name of a city."},
            "days": {"type": "integer", "description": "For how many days.", "default": 1},
            "unit": {"enum": ["celsius", "kelvin"], "default": "celsius"},
        },
        "required": ["city"],
        "additionalProperties": False,
    }
    assert made.as_openai() == {
        "type": "function",
        "function": {
            "name": "weather",
            "description": made.description,
            "parameters": made.parameters,
        },
    }


@pytest.mark.check("M142")
def test_methods_marked_bare_or_with_options_are_offered_with_them() -> None:
    assert list(Reporter.own_tools) == ["weather", "clock"]
    weather, clock = Reporter.own_tools["weather"], Reporter.own_tools["clock"]
    assert (weather.options.timeout, weather.options.cancel_on_interruption) == (60, True)
    assert (clock.options.timeout, clock.options.cancel_on_interruption) == (5, False)


@pytest.mark.check("M142")
def test_an_override_replaces_and_keeps_the_options_unless_it_is_marked_anew() -> None:
    class Younger(Reporter):
        def clock(self, zone: Literal["utc", "local"] | None = None, hand: str = "") -> str:
            """Look at the clock."""
            return f"one {zone} {hand}"

        @tool
        async def weather(
            self, city: str, days: int = 2, unit: Unit = Unit.KELVIN, hour: int = 0
        ) -> str:
            return f"{city} {days} {unit} {hour}"

    class Mute(Younger):
        clock = None  # type: ignore[assignment]

    clock, weather = Younger.own_tools["clock"], Younger.own_tools["weather"]
    assert (clock.schema.description, clock.options.timeout) == ("Look at the clock.", 5)
    assert list(clock.schema.parameters["properties"]) == ["zone", "hand"]
    assert list(weather.schema.parameters["properties"]) == ["city", "days", "unit", "hour"]
    assert weather.options.cancel_on_interruption
    assert list(Mute.own_tools) == ["weather"]
    assert list(Reporter.own_tools["clock"].schema.parameters["properties"]) == ["zone"]


@pytest.mark.check("M142")
def test_functions_and_bound_methods_are_offered_by_the_same_rules() -> None:
    async def debate(worker: LLMWorker, topic: str) -> str:
        """Have a debate.

        Args:
            topic: About what.
        """
        return topic

    stage = LLMStage(ScriptedModel(), tools=[debate, Reporter().clock])
    assert [each.name for each in stage.schemas() or ()] == ["debate", "clock"]
    made = stage.tools["debate"]
    assert made.worker_parameter == "worker"
    assert made.schema.parameters["properties"] == {
        "topic": {"type": "string", "description": "About what."}
    }
    assert stage.tools["clock"].options.timeout == 5
    assert LLMStage(ScriptedModel()).schemas() is None


@dataclass
class Circle:
    inner: Circle | None = None


def greedy(*names: str) -> None: ...
def bytewise(data: bytes) -> None: ...
def circular(circle: Circle) -> None: ...
def positional(name: str, /) -> None: ...


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (greedy, "greedy: names: a model gives arguments by name"),
        (positional, "positional: name: a model gives arguments by name"),
        (bytewise, "bytewise: data: a tool cannot take it: bytes has no JSON schema"),
        (circular, "circular: circle: a type that holds itself"),
    ],
)
def test_a_signature_that_no_model_can_serve_is_refused(function: Any, text: str) -> None:
    with pytest.raises(SpecError, match=text):
        Tool.of(function)


def test_a_tool_with_a_name_of_the_framework_is_refused_when_the_class_is_made() -> None:
    with pytest.raises(SpecError, match="'stop' means something else"):

        class Bad(LLMWorker):
            @tool
            def stop(self) -> None:
                """Stop."""

        raise AssertionError(Bad)


def test_a_type_that_nobody_knows_is_named() -> None:
    def look(thing: Unheard) -> Unseen: ...  # type: ignore[name-defined]  # pyright: ignore[reportUndefinedVariable, reportUnknownParameterType]  # noqa: F821

    def see(thing: int) -> Unseen: ...  # type: ignore[name-defined]  # pyright: ignore[reportUndefinedVariable, reportUnknownParameterType]  # noqa: F821

    with pytest.raises(SpecError, match=r"look: signature: .*'Unheard'"):
        Tool.of(look)  # pyright: ignore[reportUnknownArgumentType]
    assert Tool.of(see).check('{"thing": 1}') == {"thing": 1}  # pyright: ignore[reportUnknownArgumentType]


@pytest.mark.check("M143")
@pytest.mark.parametrize(
    ("arguments", "taken"),
    [
        ('{"city": "Rome"}', {"city": "Rome"}),
        ('{"city": "Rome", "days": 2.0}', {"city": "Rome", "days": 2}),
        ('{"unit": "kelvin", "city": ""}', {"city": "", "unit": Unit.KELVIN}),
    ],
)
def test_arguments_that_fit_are_taken(arguments: str, taken: dict[str, Any]) -> None:
    assert Reporter.own_tools["weather"].check(arguments) == taken
    assert Reporter.own_tools["clock"].check("") == {}


@pytest.mark.check("M143")
@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ('{"city": "Ro', "the arguments are no JSON"),
        ("[1]", r"the arguments must be an object, not \[1\]"),
        ("{}", "city is missing"),
        ('{"city": 3, "days": "two"}', "city must be a string, not 3; days must be a whole"),
        ('{"city": "a", "town": "b"}', "town is not known; known: city, days, unit"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(arguments: str, text: str) -> None:
    with pytest.raises(Misfit, match=text):
        Reporter.own_tools["weather"].check(arguments)


@pytest.mark.check("M143")
@given(arguments=st.text() | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(str))
def test_whatever_a_model_sends_is_taken_or_refused(arguments: str) -> None:
    made = Reporter.own_tools["weather"]
    try:
        taken = made.check(arguments)
    except Misfit:
        pass
    else:
        assert set(taken) <= {"city", "days", "unit"} and "city" in taken


def test_a_docstring_is_taken_apart() -> None:
    text = (
        "Do it.\n\nNow.\n\nArguments:\n  one: First:\n    of all.\n"
        "  two(int): Second.\n\nRaises:\n  x: y"
    )
    assert parse_docstring(text) == ("Do it.\n\nNow.", {"one": "First: of all.", "two": "Second."})
    assert parse_docstring("") == ("", {})
    assert parse_docstring("Args:\n") == ("", {})


@given(
    summary=st.text(st.characters(categories=["Ll", "Zs"]), min_size=1).filter(str.strip),
    told=st.dictionaries(
        st.from_regex(r"[a-z_]{1,8}", fullmatch=True),
        st.from_regex(r"[a-z][a-z :,]{0,20}[a-z]", fullmatch=True),
        max_size=4,
    ),
)
def test_any_docstring_of_this_form_is_read_back(summary: str, told: dict[str, str]) -> None:
    lines = [f"    {name}: {text}" for name, text in told.items()]
    summary = " ".join(summary.split())
    text = "\n".join([summary, "", "Args:", *lines, "", "Returns:", "    nothing: at all."])
    assert parse_docstring(text) == (summary, told)


@pytest.mark.parametrize(
    ("value", "content"),
    [
        ("text", "text"),
        (None, "null"),
        ({"a": [1, True]}, '{"a": [1, true]}'),
        ("ä", "ä"),
        (["ä"], '["ä"]'),
        (Circle(), '{"inner": null}'),
        ({"b", "a"}, '["a", "b"]'),
        ({(1, 2): 3}, "{(1, 2): 3}"),
        (Unit.KELVIN, '"Unit.KELVIN"'),
    ],
)
def test_a_result_is_text_as_it_is_and_all_else_json(value: Any, content: str) -> None:
    assert content_of(value) == content


@given(value=st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_what_json_knows_is_the_same_for_the_model(value: Any) -> None:
    assert isinstance(value, str) or json.loads(content_of(value)) == value


def test_a_worker_is_no_argument_of_a_model_and_a_worker_class_alone_is() -> None:
    def ask(plain: Worker, question: str) -> str:
        return question

    assert Tool.of(ask).worker_parameter == "plain"
