"""The text of a condition in KFP IR, and the tree it stands for.

KFP compiles `dsl.If`, `dsl.Elif` and `dsl.Else` to text in the style of CEL: comparisons of
`inputs.parameter_values['name']` with each other or with literals, joined by `&&` and negated as `!( )`.
Hand-written IR may use `||` and parentheses too. KFP does not escape the text it puts between single quotes,
so where such a text ends is decided by what can follow it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import takewhile
from typing import NoReturn, TypeAlias

from pipelines.sdk.errors import BadPipeline, Finding


@dataclass(frozen=True)
class Literal:
    """A value written in the condition: text, number, boolean or null."""

    value: str | int | float | bool | None


@dataclass(frozen=True)
class Input:
    """The value of an input parameter of the task that has the condition."""

    name: str


class Kind(StrEnum):
    """What a Conversion makes of its operand."""

    INTEGER = "int"
    DOUBLE = "double"
    TEXT = "text"


@dataclass(frozen=True)
class Conversion:
    """An operand taken as another type: `int()`, `double()`, or a reference in quotes for its text."""

    to: Kind
    of: Operand


@dataclass(frozen=True)
class Comparison:
    """Two operands and one of `== != < <= > >=`."""

    operator: str
    left: Operand
    right: Operand


@dataclass(frozen=True)
class Not:
    """True where the other is false."""

    of: Condition


@dataclass(frozen=True)
class And:
    """True where all parts are."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class Or:
    """True where one of the parts is."""

    parts: tuple[Condition, ...]


Operand: TypeAlias = Literal | Input | Conversion
Condition: TypeAlias = Comparison | Not | And | Or

_REFERENCE = "inputs.parameter_values["
_INPUT = re.compile(r"""inputs\.parameter_values\[\s*(?:'([^']*)'|"([^"]*)")\s*\]""")
_QUOTED_INPUT = re.compile(r"'(?=(?:(?:int|double)\()*inputs\.parameter_values\['[^']*'\]\)*')")
_DOUBLE_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_CALL = re.compile(r"(int|double)\s*\(")
_NUMBER = re.compile(r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|inf|nan)(?![\w.])")
_WORD = re.compile(r"(?:true|false|null)(?!\w)")
_OPERATOR = re.compile(r"==|!=|<=|>=|<|>")
_WORDS: Mapping[str, bool | None] = {"true": True, "false": False, "null": None}
# How a term begins: after `&&` or `||`, a quote in a text can only be its end where one of these follows.
_START = r"""(?:[!('"]|[+-]?[\d.]|[+-]?inf\b|nan\b|inputs\.|int\s*\(|double\s*\(|true\b|false\b|null\b)"""
_MAX_DEPTH = 100  # parentheses in each other; KFP writes one


def parse(text: str) -> Condition:
    """Reads a condition.

    Args:
        text: `triggerPolicy.condition` of a task in IR.

    Returns:
        Its tree.

    Raises:
        BadPipeline: the text is not of the grammar, or quotes in it can be read in more than one way.
    """
    reader = _Reader(text)
    condition = reader.condition()
    if reader.peek():
        reader.fail("`&&`, `||` or the end")
    return condition


class _Reader:
    """A recursive-descent parser: `at` is the position in the text, `depth` counts open parentheses."""

    def __init__(self, text: str) -> None:
        self.text, self.at, self.depth = text, 0, 0

    def condition(self) -> Condition:
        parts = [self.conjunction()]
        while self.take("||"):
            parts.append(self.conjunction())
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def conjunction(self) -> Condition:
        parts = [self.term()]
        while self.take("&&"):
            parts.append(self.term())
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def term(self) -> Condition:
        if self.take("!"):
            self.expect("(")
            return Not(self.parenthesised())
        return self.parenthesised() if self.take("(") else self.comparison()

    def parenthesised(self) -> Condition:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            self.fail(f"no more than {_MAX_DEPTH} parentheses in each other")
        inner = self.condition()
        self.expect(")")
        self.depth -= 1
        return inner

    def comparison(self) -> Comparison:
        left = self.operand(r"\s*(?:==|!=|<|>)")
        found = self.match(_OPERATOR)
        if not found:
            self.fail("one of == != < <= > >=")
        last = rf"(?:\s*\)){{{self.depth}}}\s*\Z"
        joined = rf"(?:\s*\)){{0,{self.depth}}}\s*(?:&&|\|\|)\s*{_START}"
        return Comparison(found[0], left, self.operand(f"{last}|{joined}"))

    def operand(self, follows: str, calls: int = 0) -> Operand:
        """The operand at this place; `follows` is the pattern of what can come after it, where it is text."""
        if calls > _MAX_DEPTH:
            self.fail(f"no more than {_MAX_DEPTH} calls in each other")
        if found := self.match(_CALL):
            inner = self.operand(r"\s*\)", calls + 1)
            self.expect(")")
            return Conversion(Kind(found[1]), inner)
        if found := self.match(_INPUT):
            return Input(found[1] if found[2] is None else found[2])
        if self.match(_QUOTED_INPUT):
            quoted = self.operand(follows)
            self.expect("'")
            while isinstance(
                quoted, Conversion
            ):  # the text of what is there, also where KFP took it for a number
                quoted = quoted.of
            return Conversion(Kind.TEXT, quoted)
        return Literal(self.literal(follows))

    def literal(self, follows: str) -> str | int | float | bool | None:
        self.peek()
        start = self.at
        if found := self.match(_WORD):
            return _WORDS[found[0]]
        try:
            if found := self.match(_NUMBER):
                return int(found[0]) if found[0].lstrip("+-").isdecimal() else float(found[0])
            if found := self.match(_DOUBLE_QUOTED):
                return str(json.loads(found[0], strict=False))
        except ValueError:  # Python reads integers of at most some thousand digits
            self.at = start
            self.fail("a shorter number, or a text with escapes as in JSON")
        if not self.text.startswith("'", start):
            self.fail("an input or a value")
        limit = self.text.find(_REFERENCE, start)
        quotes = (found.start() for found in re.compile(f"'(?={follows})").finditer(self.text, start + 1))
        ends = list(takewhile(lambda end: limit < 0 or end < limit, quotes))
        if len(ends) != 1:
            self.fail("one quote that can close this text" if ends else "a quote that closes this text")
        self.at = ends[0] + 1
        return self.text[start + 1 : ends[0]]

    def peek(self) -> str:
        """The next character that is no white space; empty at the end."""
        while self.text[self.at : self.at + 1].isspace():
            self.at += 1
        return self.text[self.at : self.at + 1]

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        self.peek()
        found = pattern.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return found

    def take(self, token: str) -> bool:
        self.peek()
        taken = self.text.startswith(token, self.at)
        self.at += len(token) if taken else 0
        return taken

    def expect(self, token: str) -> None:
        if not self.take(token):
            self.fail(f"`{token}`")

    def fail(self, expected: str) -> NoReturn:
        found = (
            f"found {self.text[self.at : self.at + 30]!r}" if self.at < len(self.text) else "the text ends"
        )
        raise BadPipeline(
            Finding(
                what=f"cannot be read at column {self.at + 1}: expected {expected}, {found}",
                where=f"condition `{self.text}`",
                mend="compare inputs and plain values without single quotes; "
                "for anything more, let a component give a boolean and compare that",
            )
        )
