"""`{{...}}` in texts, and what they refer to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pipelines.sdk.argo.lint import expression
from pipelines.sdk.argo.lint.finding import Path
from pipelines.sdk.argo.lint.nodes import texts

# `{{=` in the middle of nothing: Argo reads to the first `}}`, whatever stands between.
_TAG = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_NO_EXPRESSION = ("labels", "annotations", "matchLabels", "nodeSelector", "data", "limits", "requests")
_DOTTED = ("labels", "annotations")


@dataclass(frozen=True)
class Text:
    """A text with what Argo evaluates in it.

    Args:
        at: its path.
        simple: the insides of `{{...}}`, trimmed.
        expressions: the insides of `{{=...}}`, or the text itself where the field is an expression.
        open: whether a `{{` has no `}}` after it.
        nested: whether a tag stands in a tag.
    """

    at: Path
    simple: tuple[str, ...]
    expressions: tuple[str, ...]
    open: bool = False
    nested: bool = False


@dataclass(frozen=True)
class Reference:
    """A variable that a text names.

    Args:
        at: the path of the text.
        parts: `("tasks", "train", "outputs", "parameters", "score")`.
        shown: as the text has it.
        whole: whether all parts are known; not where an index is computed.
        expression: whether it stands in an expression, where values have members of their own.
    """

    at: Path
    parts: tuple[str, ...]
    shown: str
    whole: bool = True
    expression: bool = False


def tagged(node: Any, at: Path, skip: tuple[str, ...] = ()) -> Iterator[Text]:
    """The texts of a value that Argo evaluates.

    Args:
        node: the value.
        at: its path.
        skip: keys of the value itself that are left out.
    """
    if skip and isinstance(node, dict):
        node = {key: value for key, value in node.items() if key not in skip}
    for path, value in texts(node, at):
        bare = is_expression(path)
        if bare or "{{" in value:
            yield _read(path, value, bare)


def is_expression(at: Path) -> bool:
    """Whether a field is an expression without any `{{=`."""
    if at[-1] not in ("expression", "fromExpression", "successCondition") or len(at) < 2:
        return False
    if at[-1] == "successCondition":
        return at[-2] == "http"
    return at[-2] not in _NO_EXPRESSION


def _read(at: Path, value: str, bare: bool) -> Text:
    simple: list[str] = []
    found: list[str] = []
    nested = False
    for match in _TAG.finditer(value):
        body = match[1]
        if body.startswith("="):
            found.append(body[1:])
        elif "{{" in body:  # the inner one is filled in first; what the outer one is then, nobody knows
            nested = True
            simple.append(body[body.rindex("{{") + 2 :].strip())
        else:
            simple.append(body.strip())
    if bare:
        found.append(_TAG.sub("0", value))
    return Text(at, tuple(simple), tuple(found), "{{" in _TAG.sub("", value), nested)


def references(text: Text) -> Iterator[Reference]:
    """What a text refers to.

    Args:
        text: with its tags.
    """
    for body in text.simple:
        yield Reference(text.at, _split(body), f"{{{{{body}}}}}")
    for body in text.expressions:
        for chain in expression.read(body).chains:
            yield Reference(text.at, chain.parts, chain.shown, chain.whole, expression=True)


def _split(body: str) -> tuple[str, ...]:
    parts = body.split(".")
    if parts[0] == "workflow" and len(parts) > 2 and parts[1] in _DOTTED:
        return (parts[0], parts[1], ".".join(parts[2:]))  # a label's name has dots
    return tuple(parts)
