"""Conditions as expressions, with the meaning that `conditions.evaluate` gives them.

One thing is lost: Argo reads every number as a 64-bit float, so whole numbers beyond 2**53 are compared as
the nearest float.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from pipelines.sdk import conditions
from pipelines.sdk.argo.exprlang import fail, given, literal, of, tag, value
from pipelines.sdk.argo.travel import Carrier
from pipelines.sdk.conditions import (
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
)
from pipelines.sdk.errors import RunFailed
from pipelines.sdk.launch.inputs import CHANNEL
from pipelines.sdk.plan import Task
from pipelines.sdk.values import Json

_INTEGER = "^(0|-?[1-9][0-9]*)$"
_FLOAT = "^-?(0|[1-9][0-9]*)[.]([0-9]*[1-9]|0)$|^-?[1-9]([.][0-9]*[1-9])?e[+-][0-9]+$"
_WRITTEN_INTEGER = "^ *[+-]?[0-9]+ *$"
_WRITTEN_NUMBER = "^ *[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)? *$"
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_ANY = "0, ''"
"""Elements of two types, so that an expression's compiler takes an array for one of anything."""
_IS_TEXT = "type(#) == 'string'"
_IS_NUMBER = "type(#) == 'float'"
_IS_BOOLEAN = "type(#) == 'bool'"


@dataclass(frozen=True)
class _Side:
    """One side of a comparison.

    Args:
        text: its expression.
        shown: what it is, for messages.
        known: whether it is a constant of the condition.
        constant: it, then.
    """

    text: str
    shown: str
    known: bool = False
    constant: Json = None


def when(task: Task, carriers: Mapping[str, Carrier], where: str) -> str:
    """The condition of a task.

    Args:
        task: it has one.
        carriers: its arguments, as seen from its group.
        where: its path.

    Raises:
        BadPipeline: the condition cannot be read, or looks at text with placeholders.
    """

    def operand(name: str) -> str:
        return value(carriers[name], f"task {where}") if name in carriers else "nil"

    def wire(name: str) -> str:
        carrier = carriers.get(name)
        return of(carrier.text) if carrier and not carrier.via else ""

    return tag(printed(conditions.parse(task.when), operand, wire))


def printed(condition: Condition, operand: Callable[[str], str], wire: Callable[[str], str]) -> str:
    """A condition as an expression.

    Args:
        condition: its tree.
        operand: gives the expression of an input's decoded value.
        wire: gives that of its wire text; empty where it has none of its own.
    """
    match condition:
        case And(parts):
            return " && ".join(f"({printed(each, operand, wire)})" for each in parts)
        case Or(parts):
            return " || ".join(f"({printed(each, operand, wire)})" for each in parts)
        case Not(of):
            return f"!({printed(of, operand, wire)})"
        case Comparison(operator, left, right):
            if isinstance(left, Literal) and isinstance(right, Literal):
                return _known(condition)
            sides = _side(left, operand, wire), _side(right, operand, wire)
            if operator in ("==", "!="):
                return _equal(*sides) if operator == "==" else f"!({_equal(*sides)})"
            return _ordered(operator, *sides)


def _known(condition: Comparison) -> str:
    try:
        # No literal: `x && false` would be false without a look at x, and x may have no answer.
        return f"fromJSON('{literal(conditions.evaluate(condition, {}))}')"
    except RunFailed as error:
        return fail(str(error.findings[0].what))


def _side(side: Operand, operand: Callable[[str], str], wire: Callable[[str], str]) -> _Side:
    match side:
        case Literal(constant):
            whole = isinstance(constant, int) and not isinstance(constant, bool)
            text = f"{constant}.0" if whole and constant is not None else literal(constant)
            return _Side(text, repr(constant), True, constant)
        case Input(name):
            return _Side(operand(name), f"input '{name.removeprefix(CHANNEL)}'")
        case Conversion(kind, inner):
            found = _side(inner, operand, wire)
            if isinstance(inner, Literal):  # of a type that is only looked at when it runs
                found = replace(found, text=f"fromJSON({literal(json.dumps(inner.value))})", known=False)
            if kind is Kind.TEXT:
                shown = wire(inner.name) if isinstance(inner, Input) else ""
                return _Side(given(found.text, f"{_IS_NUMBER} ? {shown or 'string(#)'} : #"), found.shown)
            return _number(found, kind)


def _number(side: _Side, kind: Kind) -> _Side:
    written = _WRITTEN_INTEGER if kind is Kind.INTEGER else _WRITTEN_NUMBER
    wrong = fail(f"condition: {side.shown} is no {'whole ' if kind is Kind.INTEGER else ''}number")
    text = f"{_IS_TEXT} && # matches '{written}' ? float(trim(#)) : {wrong}"
    return _Side(given(side.text, f"{_IS_NUMBER} || # == nil ? # : {text}"), side.shown)


def _equal(left: _Side, right: _Side) -> str:
    if left.known:
        left, right = right, left
    wrong, known = _refused(left, right), right.constant
    if not right.known:
        return given(f"[{left.text}, {right.text}, {_ANY}]", _equal_at_run_time(wrong))
    if known is None:
        return f"({left.text}) == nil"
    if isinstance(known, bool):
        words = "['true', 'True']" if known else "['false', 'False']"
        other = f"{_IS_BOOLEAN} ? # == {right.text} : {_IS_TEXT} ? # in {words}"
    elif isinstance(known, str):
        number = _number_written(known)
        as_number = "false" if number is None else f"# == {literal(number)}"
        as_boolean = {"true": "#", "True": "#", "false": "!#", "False": "!#"}.get(known, "false")
        other = f"{_IS_TEXT} ? # == {right.text} : {_IS_NUMBER} ? {as_number} : {_IS_BOOLEAN} ? {as_boolean}"
    else:
        read = f"({_canonical('#')} ? float(#) == {right.text} : false)"
        other = f"{_IS_NUMBER} ? # == {right.text} : {_IS_TEXT} ? {read}"
    return given(left.text, f"{other} : # == nil ? false : {wrong}")


def _equal_at_run_time(wrong: str) -> str:
    a, b = "#[0]", "#[1]"
    return (
        f"{a} == nil || {b} == nil ? {a} == nil && {b} == nil : "
        f"type({a}) == type({b}) ? (type({a}) in ['array', 'map'] ? {wrong} : {a} == {b}) : "
        f"{_text_and_number(a, b)} ? ({_canonical(a)} ? float({a}) == {b} : false) : "
        f"{_text_and_number(b, a)} ? ({_canonical(b)} ? float({b}) == {a} : false) : "
        f"{_text_and_boolean(a, b)} ? {_words(a, b)} : {_text_and_boolean(b, a)} ? {_words(b, a)} : {wrong}"
    )


def _text_and_number(text: str, number: str) -> str:
    return f"type({text}) == 'string' && type({number}) == 'float'"


def _text_and_boolean(text: str, boolean: str) -> str:
    return f"type({text}) == 'string' && type({boolean}) == 'bool'"


def _words(text: str, boolean: str) -> str:
    return f"({boolean} ? {text} in ['true', 'True'] : {text} in ['false', 'False'])"


def _canonical(text: str) -> str:
    """Whether a text is what Python writes for a number."""
    return f"({text} matches '{_INTEGER}' || {text} matches '{_FLOAT}')"


def _number_written(text: str) -> float | None:
    return float(text) if re.search(_INTEGER, text) or re.search(_FLOAT, text) else None


def _ordered(operator: str, left: _Side, right: _Side) -> str:
    if left.known:
        left, right, operator = right, left, _MIRRORED[operator]
    wrong, known = _refused(left, right), right.constant
    if not right.known:
        return given(f"[{left.text}, {right.text}, {_ANY}]", _ordered_at_run_time(operator, wrong))
    if known is None:
        return wrong
    if isinstance(known, bool):
        one = "1" if known else "0"
        body = f"{_IS_BOOLEAN} ? (# ? 1 : 0) {operator} {one} : {_IS_TEXT} && {_boolean('#')} ? "
        body += f"({_truth('#')}) {operator} {one}"
    elif isinstance(known, str):
        body = f"{_IS_TEXT} ? # {operator} {right.text}"
        number = _number_written(known)
        body += "" if number is None else f" : {_IS_NUMBER} ? # {operator} {literal(number)}"
        if known in ("true", "True", "false", "False"):
            body += f" : {_IS_BOOLEAN} ? (# ? 1 : 0) {operator} {1 if known.lower() == 'true' else 0}"
    else:
        body = f"{_IS_NUMBER} ? # {operator} {right.text} : {_IS_TEXT} && {_canonical('#')} ? "
        body += f"float(#) {operator} {right.text}"
    return given(left.text, f"{body} : {wrong}")


def _ordered_at_run_time(operator: str, wrong: str) -> str:
    a, b = "#[0]", "#[1]"
    return (
        f"type({a}) == type({b}) && type({a}) in ['float', 'string'] ? {a} {operator} {b} : "
        f"type({a}) == 'bool' && type({b}) == 'bool' ? ({a} ? 1 : 0) {operator} ({b} ? 1 : 0) : "
        f"{_text_and_number(a, b)} && {_canonical(a)} ? float({a}) {operator} {b} : "
        f"{_text_and_number(b, a)} && {_canonical(b)} ? {a} {operator} float({b}) : "
        f"{_text_and_boolean(a, b)} && {_boolean(a)} ? ({_truth(a)}) {operator} ({b} ? 1 : 0) : "
        f"{_text_and_boolean(b, a)} && {_boolean(b)} ? ({a} ? 1 : 0) {operator} ({_truth(b)}) : {wrong}"
    )


def _boolean(text: str) -> str:
    return f"{text} in ['true', 'True', 'false', 'False']"


def _truth(text: str) -> str:
    return f"{text} in ['true', 'True'] ? 1 : 0"


def _refused(left: _Side, right: _Side) -> str:
    return fail(f"condition: {left.shown} and {right.shown} have no answer")
