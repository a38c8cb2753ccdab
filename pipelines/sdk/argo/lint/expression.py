"""Expressions (`{{=...}}`, `expression:`): the variables and functions they name, and what is no expression.

No full grammar: tokens, brackets, and what may stand beside what. That is enough to find every variable and
the usual slips.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# fmt: off
FUNCTIONS = frozenset(
    [
    "all", "none", "any", "one", "filter", "map", "find", "findIndex", "findLast", "findLastIndex",
    "count", "sum", "groupBy", "sortBy", "reduce", "len", "type", "abs", "ceil", "floor", "round",
    "int", "float", "string", "trim", "trimPrefix", "trimSuffix", "upper", "lower", "split",
    "splitAfter", "replace", "repeat", "join", "indexOf", "lastIndexOf", "hasPrefix", "hasSuffix",
    "max", "min", "mean", "median", "toJSON", "fromJSON", "toBase64", "fromBase64", "now", "duration",
    "date", "timezone", "first", "last", "get", "take", "keys", "values", "toPairs", "fromPairs",
    "reverse", "sort", "uniq", "concat", "flatten", "bitand", "bitor", "bitxor", "bitnand", "bitnot",
    "bitshl", "bitshr", "bitushr", "let", "if", "asInt", "asFloat", "toJson", "jsonpath",
    ]
)
# fmt: on
"""Those of the expression language, and those that Argo adds."""

_TOKEN = re.compile(
    r"(?P<space>\s+|//[^\n]*|/\*.*?\*/)"
    r"|(?P<string>'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|`[^`]*`)"
    r"|(?P<number>0[xX][0-9a-fA-F_]+|(?:[0-9][0-9_]*(?:\.[0-9_]+)?|\.[0-9_]+)(?:[eE][-+]?[0-9]+)?)"
    r"|(?P<name>[A-Za-z_$][A-Za-z0-9_$]*|#[A-Za-z0-9_]*)"
    r"|(?P<operator>\?\.|\?\?|\.\.|\*\*|==|!=|<=|>=|&&|\|\||[-+*/%^<>!?:,.()\[\]{}|;=])",
    re.DOTALL,
)
_WORDS = frozenset(
    ["in", "not", "and", "or", "contains", "startsWith", "endsWith", "matches", "let", "if", "else"]
)
_CONSTANTS = frozenset({"true", "false", "nil"})
# fmt: off
_BINARY = frozenset(
    [
    "==", "!=", "<=", ">=", "&&", "||", "??", "..", "**", "*", "/", "%", "^", "<", ">", "?", ":", "=",
    "|", ",", ".", "?.",
    ]
)
# fmt: on
_CLOSING = {")": "(", "]": "[", "}": "{"}
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True)
class Chain:
    """A variable with its members, as far as they are constant.

    Args:
        parts: `("tasks", "train", "outputs")`.
        shown: as the expression has it.
        whole: whether the chain ends where the parts end.
    """

    parts: tuple[str, ...]
    shown: str
    whole: bool


@dataclass(frozen=True)
class Expression:
    """What an expression names.

    Args:
        chains: its variables.
        functions: those that it calls.
        fault: why it cannot be read; "" where it can.
    """

    chains: tuple[Chain, ...] = ()
    functions: tuple[str, ...] = ()
    fault: str = ""


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    start: int
    end: int


def read(text: str) -> Expression:
    """Reads an expression.

    Args:
        text: without `{{=` and `}}`.
    """
    tokens, fault = _tokens(text)
    fault = fault or _unbalanced(tokens) or _misplaced(tokens)
    bound = {tokens[i + 1].text for i, t in enumerate(tokens[:-1]) if t.text == "let"}
    chains: list[Chain] = []
    functions: list[str] = []
    for index, token in enumerate(tokens):
        if token.kind != "name" or token.text in _WORDS | _CONSTANTS | bound or token.text.startswith("#"):
            continue
        before = tokens[index - 1].text if index else ""
        after = tokens[index + 1].text if index + 1 < len(tokens) else ""
        if before in (".", "?.") or (after == ":" and before in ("{", ",")):
            continue  # a member, or the key of a map
        if after == "(":
            functions.append(token.text)
        else:
            chains.append(_chain(tokens, index, text))
    return Expression(tuple(chains), tuple(functions), fault)


def _tokens(text: str) -> tuple[list[_Token], str]:
    tokens: list[_Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if not match:
            rest = text[position : position + 20]
            fault = (
                f"the text {rest} is never closed" if rest[0] in "'\"`" else f"{rest[0]!r} means nothing here"
            )
            return tokens, fault
        if match.lastgroup != "space":
            tokens.append(_Token(str(match.lastgroup), match[0], position, match.end()))
        position = match.end()
    return tokens, "" if tokens else "it is empty"


def _unbalanced(tokens: Sequence[_Token]) -> str:
    opened: list[str] = []
    for token in tokens:
        if token.kind != "operator":
            continue
        if token.text in "([{":
            opened.append(token.text)
        elif token.text in _CLOSING and (not opened or opened.pop() != _CLOSING[token.text]):
            return f"there is a {token.text} with nothing to close"
    if opened:
        reason = " (a tag ends at the first }})" if opened[-1] == "{" else ""
        return f"a {opened[-1]} is never closed{reason}"
    return ""


def _misplaced(tokens: Sequence[_Token]) -> str:
    if tokens and tokens[0].text in _BINARY - {"."}:
        return f"it begins with {tokens[0].text}"
    if tokens and (tokens[-1].text in _BINARY | {"+", "-", "!"} or tokens[-1].text in _WORDS):
        return f"it ends with {tokens[-1].text}"
    lets = 0
    for left, right in itertools.pairwise(tokens):
        lets += left.text == "let"
        if right.text == "=":
            lets -= 1
            if lets < 0:
                return "= compares nothing: write =="
        if _ends(left) and _starts(right):
            return f"{left.text} and {right.text} stand side by side with nothing between"
    return ""


def _ends(token: _Token) -> bool:
    return token.kind in ("string", "number") or token.text in (")", "]") or _is_operand(token)


def _starts(token: _Token) -> bool:
    return token.kind in ("string", "number") or _is_operand(token)


def _is_operand(token: _Token) -> bool:
    return token.kind == "name" and token.text not in _WORDS


def _chain(tokens: Sequence[_Token], start: int, text: str) -> Chain:
    parts = [tokens[start].text]
    position, whole = start + 1, True
    for part, after in _members(tokens, position):
        if part is None:
            whole = False
            break
        if after < len(tokens) and tokens[after].text == "(" and parts != ["sprig"]:
            break  # a method of the value
        parts.append(part)
        position = after
    return Chain(tuple(parts), text[tokens[start].start : tokens[position - 1].end], whole)


def _members(tokens: Sequence[_Token], position: int) -> Iterator[tuple[str | None, int]]:
    """The members after a name, each with the position after it; None for one that is computed."""
    while position < len(tokens):
        if tokens[position].text in (".", "?."):
            position += 1
            if position < len(tokens) and tokens[position].kind == "name":
                position += 1
                yield tokens[position - 1].text, position
                continue
        if position >= len(tokens) or tokens[position].text != "[":
            return
        inside = tokens[position + 1 : position + 3]
        constant = len(inside) == 2 and inside[1].text == "]" and inside[0].kind in ("string", "number")
        position += 3
        yield (_unquoted(inside[0].text) if constant else None), position
        if not constant:
            return


def _unquoted(text: str) -> str:
    if text[:1] == "`":
        return text[1:-1]
    return _ESCAPE.sub(r"\1", text[1:-1]) if text[:1] in "'\"" else text
