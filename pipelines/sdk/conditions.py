"""Conditions: what `dsl.If`, `dsl.Elif` and `dsl.Else` compile to, evaluated as their author meant them.

The result is that of the Python expression in the pipeline file, not that of CEL:

* `int()` and `double()` are put around whatever KFP takes for a number of the wrong kind. They are no
  truncation: `item == 0.1` in a loop over `[1, 0.1]` is compiled to `double(int(item)) == 0.1`.
* A number or boolean equals the text that KFP writes for it: where KFP takes a value for text, as it may with
  a loop's items, `item.n == 5` is compiled to `item.n == '5'`.
* Values that have no order, or are of types that cannot be equal, are an error and never silently false.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

from pipelines.sdk.condition_grammar import (
    And,
    Comparison,
    Condition,
    Conversion,
    Input,
    Kind,
    Literal,
    Not,
    Operand,
    Or,
    parse,
)
from pipelines.sdk.errors import Finding, RunFailed
from pipelines.sdk.values import Json

__all__ = [
    "And",
    "Comparison",
    "Condition",
    "Conversion",
    "Input",
    "Kind",
    "Literal",
    "Not",
    "Operand",
    "Or",
    "evaluate",
    "inputs",
    "parse",
]

_OPERATIONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_TYPES: Mapping[type, str] = {
    str: "text",
    bool: "boolean",
    int: "number",
    float: "number",
    list: "list",
    dict: "struct",
    type(None): "null",
}
_BOOLEANS: Mapping[str, bool] = {"true": True, "false": False, "True": True, "False": False}


def inputs(condition: Condition) -> tuple[str, ...]:
    """Names of the input parameters that a condition looks at, each once, in the order of the text."""
    return tuple(dict.fromkeys(_names(condition)))


def evaluate(condition: Condition, values: Mapping[str, Json]) -> bool:
    """Whether a condition holds.

    `&&` and `||` are evaluated from the left, as far as needed. Null equals null and nothing else.

    Args:
        condition: from `parse`.
        values: of the input parameters; one that is missing is null.

    Returns:
        What the author's Python expression gives for these values.

    Raises:
        RunFailed: two values cannot be compared; the message names the inputs and both types.
    """
    match condition:
        case And(parts):
            return all(evaluate(part, values) for part in parts)
        case Or(parts):
            return any(evaluate(part, values) for part in parts)
        case Not(of):
            return not evaluate(of, values)
        case Comparison():
            return _compare(condition, values)


def _names(node: Condition | Operand) -> Iterator[str]:
    match node:
        case Input(name):
            yield name
        case Conversion(_, of) | Not(of):
            yield from _names(of)
        case Comparison(_, left, right):
            yield from _names(left)
            yield from _names(right)
        case And(parts) | Or(parts):
            for part in parts:
                yield from _names(part)


def _compare(comparison: Comparison, values: Mapping[str, Json]) -> bool:
    left, right = _value(comparison.left, values), _value(comparison.right, values)
    equality = comparison.operator in ("==", "!=")
    if equality and (left is None or right is None):
        return (left is right) == (comparison.operator == "==")
    types = {_TYPES[type(left)], _TYPES[type(right)]}
    if types in ({"text", "number"}, {"text", "boolean"}):
        left, right = _read_as(left, right), _read_as(right, left)
        types = {_TYPES[type(left)], _TYPES[type(right)]}
        if equality and len(types) == 2:
            return comparison.operator == "!="
    if len(types) == 2 or types & {"null", "list", "struct"}:
        _refuse(comparison, left, right)
    return _OPERATIONS[comparison.operator](left, right)


def _value(operand: Operand, values: Mapping[str, Json]) -> Json:
    match operand:
        case Literal(constant):
            return constant
        case Input(name):
            return values.get(name)
        case Conversion(kind, of):
            return _converted(operand, kind, _value(of, values))


def _converted(conversion: Conversion, kind: Kind, value: Json) -> Json:
    """What a conversion makes of a value; null stays null."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind is Kind.TEXT:
        # A boolean stays one: it is compared with `true` as KFP writes it, and `True` as Python does.
        return str(value) if number else value
    if number or value is None:
        return value
    try:
        if isinstance(value, str):
            return int(value) if kind is Kind.INTEGER else float(value)
    except ValueError:
        pass
    wanted = "whole number" if kind is Kind.INTEGER else "number"
    raise RunFailed(_finding(f"{_described(conversion.of, value)} is no {wanted}"))


def _read_as(value: Json, other: Json) -> Json:
    """A text as the boolean or number that KFP writes so, where the other value is one; else the value."""
    if not isinstance(value, str):
        return value
    if isinstance(other, bool):
        return _BOOLEANS.get(value, value)
    for number in (int, float):
        try:
            if str(number(value)) == value:
                return number(value)
        except ValueError:
            continue
    return value


def _refuse(comparison: Comparison, left: Json, right: Json) -> NoReturn:
    shown = _described(comparison.left, left), _described(comparison.right, right)
    raise RunFailed(_finding(f"{shown[0]} {comparison.operator} {shown[1]} has no answer"))


def _finding(what: str) -> Finding:
    return Finding(what=what, where="condition", mend="compare values that are there and of the same type")


def _described(operand: Operand, value: Json) -> str:
    kind = _TYPES[type(value)]
    shown = kind if value is None else f"{kind} {str(value)[:60]!r}"
    names = list(_names(operand))
    return f"input '{names[0]}' ({shown})" if names else shown
