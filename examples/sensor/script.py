"""What the two models say where no real one is there: by rules, from real readings."""

from __future__ import annotations

import re
from typing import Any

from callboard.actors.llm import Call, Scene, ScriptedModel, after, when

__all__ = ["BEGIN", "LINES", "controller_model", "talker_model"]

BEGIN = "Greet the user, and say in one sentence what you can be asked."
"""What the talker is activated with."""

LINES = (
    "What's the temperature?",
    "Make it warmer.",
    "Is it stable yet?",
    "Why is it slow?",
    "What was the highest reading?",
)
"""The short conversation."""

NUMBER = r"(-?\d+(?:[.,]\d+)?)"

STEADY = 0.02
"""Degrees per second: a trend below it is none."""

NEAR = 0.5
"""Degrees from the target that count as having reached it."""

ENOUGH = 10
"""Readings by which one can tell whether it is stable."""


def controller_model() -> ScriptedModel:
    """Return the model of the controller: it picks a tool, and says what that has found."""
    return ScriptedModel(
        when(rf"(?:rate|respon\w*|speed)\D*{NUMBER}\s*(%?)", _set_rate),
        when(r"highest|maximum|hottest|warmest|peak|lowest|minimum|coldest", Call("statistics")),
        when(r"average|mean|statistic|trend|rising|falling", Call("statistics")),
        when(r"stable|settled|steady|reached|there yet", Call("statistics")),
        when(r"\bwhy\b|slow|how long|when will|fast", Call("read_sensor")),
        when(rf"(?:warmer|hotter|cooler|colder|up|down) by {NUMBER}", Call("read_sensor")),
        when(rf"(?:to|target|at|make it|set it)\D*{NUMBER}", _set_target),
        when(r"warmer|hotter|cooler|colder|turn it (?:up|down)|heat|cool", Call("read_sensor")),
        when(r"temperature|how (?:warm|cold|hot)|degrees|reading|target", Call("read_sensor")),
        after("statistics", _tell_statistics),
        after(
            "read_sensor", _change_target, match=r"warmer|hotter|cooler|colder|turn it|heat|cool"
        ),
        after("read_sensor", _tell_why, match=r"\bwhy\b|slow|how long|when will|fast"),
        after("read_sensor", _tell_reading),
        after("set_target", _tell_target),
        after("set_response_rate", _tell_rate),
        otherwise="I know the temperature, its target, how fast it follows, and the statistics of"
        " the last minute. Ask me about one of them.",
    )


def talker_model() -> ScriptedModel:
    """Return the model of the talker: it gives every question to the controller."""
    return ScriptedModel(
        when(
            r"^Greet the user",
            "Hello! A sensor is being read once a second. Ask how warm it is, whether it is stable,"
            " or have me make it warmer or cooler.",
        ),
        when(r"^\W*(?:hello|hi|thanks|thank you)\W*$", "You are welcome. What about the sensor?"),
        when(r"\S", Call("ask_controller", question="{text}")),
        after("ask_controller", "{result}"),
        after("ask_controller", "The controller did not answer: {error}", failed=True),
    )


def _set_rate(scene: Scene) -> Call:
    rate = _number(scene[1]) / (100 if scene[2] or _number(scene[1]) > 1 else 1)
    return Call("set_response_rate", rate=rate)


def _set_target(scene: Scene) -> Call:
    return Call("set_target", degrees=_number(scene[1]))


def _change_target(scene: Scene) -> Call:
    """Have it warmer or cooler than it is to be now, by what was said or 2 degrees."""
    words = scene.text.lower()
    said = re.search(rf"by {NUMBER}", words)
    by = _number(said[1]) if said is not None else 2.0
    down = any(each in words for each in ("cool", "cold", "down"))
    target = scene.result["target"] + (-by if down else by)
    return Call("set_target", degrees=min(100.0, max(0.0, target)))


def _tell_reading(scene: Scene) -> str:
    seen = scene.result
    text = f"It is {seen['temperature']:.1f} degrees"
    if abs(seen["temperature"] - seen["target"]) < NEAR:
        return f"{text}, which is what it is to be: {seen['target']:g}."
    return f"{text}, on its way to {seen['target']:g}."


def _tell_why(scene: Scene) -> str:
    seen = scene.result
    left = abs(seen["target"] - seen["temperature"])
    return (
        f"It follows with a lag: each second it covers {seen['rate']:.0%} of what is left to the"
        f" target. That is {left:.1f} degrees now, and half of it takes {seen['half_way']:.0f}"
        " seconds. A higher response rate makes it faster."
    )


def _tell_target(scene: Scene) -> str:
    seen = scene.result
    return f"The target is {seen['target']:g} degrees now; it was {seen['before']:g}."


def _tell_rate(scene: Scene) -> str:
    seen = scene.result
    return (
        f"Each second it covers {seen['rate']:.0%} of what is left now; before, it was"
        f" {seen['before']:.0%}."
    )


def _tell_statistics(scene: Scene) -> str:
    seen: dict[str, Any] = scene.result
    words = scene.text.lower()
    if any(word in words for word in ("highest", "maximum", "hottest", "warmest", "peak")):
        return f"The highest reading so far was {seen['highest_ever']:.1f} degrees."
    if any(word in words for word in ("lowest", "minimum", "coldest")):
        return f"The lowest reading so far was {seen['lowest_ever']:.1f} degrees."
    if any(word in words for word in ("stable", "settled", "steady", "reached", "there yet")):
        return _tell_stable(seen)
    return (
        f"Over the last {seen['readings']} readings it was {seen['average']:.1f} degrees on"
        f" average, from {seen['minimum']:.1f} to {seen['maximum']:.1f}, {_tell_trend(seen)}."
    )


def _tell_stable(seen: dict[str, Any]) -> str:
    off = abs(seen["average"] - seen["target"])
    if seen["readings"] < ENOUGH:
        return "It is too early to say: I have only begun to read."
    if abs(seen["trend"]) < STEADY and off < NEAR:
        return f"Yes: it has been at {seen['average']:.1f} degrees, {_tell_trend(seen)}."
    return (
        f"Not yet: over the last {seen['readings']} readings it is {_tell_trend(seen)}, and the"
        f" target is {seen['target']:g} degrees."
    )


def _tell_trend(seen: dict[str, Any]) -> str:
    trend = seen["trend"]
    if abs(trend) < STEADY:
        return "without a trend"
    return f"{'rising' if trend > 0 else 'falling'} by {abs(trend):.2f} degrees a second"


def _number(text: str) -> float:
    return float(text.replace(",", "."))
