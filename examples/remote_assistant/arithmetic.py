"""Arithmetic: what a sum comes to. Pure, and no more than numbers and signs: nothing is run."""

from __future__ import annotations

import ast
from collections.abc import Callable

__all__ = ["Incalculable", "calculate"]

LONGEST = 200
"""Characters of a sum."""

MOST = 1e15
"""No number on the way may be greater: whole numbers stay exact."""

SIGNS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: lambda left, right: left + right,
    ast.Sub: lambda left, right: left - right,
    ast.Mult: lambda left, right: left * right,
    ast.Div: lambda left, right: left / right,
}


class Incalculable(ValueError):
    """This is no sum of numbers, or one that has no result."""


def calculate(text: str) -> float:
    """Return the result of a sum such as `2 * (3 + 4)`.

    Raises:
        Incalculable: it is something else, too long or too great; or it divides by zero.

    """
    if len(text) > LONGEST:
        raise Incalculable(f"a sum has at most {LONGEST} characters")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise Incalculable(f"{text!r} is no sum of numbers") from None
    result = _value(tree.body)
    return int(result) if result == int(result) else result


def _value(node: ast.expr) -> float:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            result = float(number) if abs(number) <= MOST else MOST * 10
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            result = -_value(operand)
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in SIGNS:
            try:
                result = SIGNS[type(sign)](_value(left), _value(right))
            except ZeroDivisionError:
                raise Incalculable("nothing is divided by zero") from None
        case _:
            raise Incalculable("a sum has numbers, + - * / and brackets")
    if not abs(result) <= MOST:
        raise Incalculable(f"the numbers go up to {MOST:g}")
    return result
