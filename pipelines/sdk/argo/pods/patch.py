"""What is only known when a step starts, as a strategic merge patch of its pod (Argo's `podSpecPatch`).

Fields of a template would do for some of it, but a failing expression in one of them stays there as text, and
the pod then waits for ever for a volume of that name. A patch that does not become JSON fails the step.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.sdk.argo import exprlang


@dataclass(frozen=True)
class Raw:
    """An expression in the place of a value."""

    expression: str


ELEMENT = Raw("#")
"""The value that `when_there` is about."""


def written(value: Any) -> str:
    """A JSON value as an expression; parts of it can be expressions themselves.

    Args:
        value: JSON, and Raw in places.
    """
    if isinstance(value, Raw):
        return value.expression
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{exprlang.literal(key)}: {written(each)}" for key, each in value.items())
        return f"{{{pairs} }}" if pairs else "{ }"  # a tag ends at the first pair of braces
    if isinstance(value, list):
        return f"[{', '.join(map(written, value))}]"
    return exprlang.literal(value)


def when_there(expression: str, value: Any) -> str:
    """An expression that gives a value, or nil where another one is nil.

    Args:
        expression: gives the other one.
        value: JSON with ELEMENT where the other one goes.
    """
    return exprlang.given(expression, f"# == nil ? nil : {written(value)}")


def json_tag(expression: str) -> str:
    """A tag that becomes JSON text, in which Argo finds nothing more to replace.

    Args:
        expression: gives any value, of which nothing is trusted.
    """
    return exprlang.tag(f"replace(toJson({expression}), '{{' + '{{', '{{' + '\\\\u007b')")


def _present(items: list[str]) -> str:
    return f"filter([{', '.join(items)}], # != nil)"


@dataclass(frozen=True)
class Patch:
    """A patch while it is collected: expressions, of which those that give nil are left out.

    Args:
        members: of the pod, by key.
        lists: of the pod, by key: Kubernetes merges them by name.
        main: of the step's container, likewise.
        resources: `limits` and `requests`, each a list of members as JSON text with tags.
    """

    members: dict[str, str] = field(default_factory=dict)
    lists: dict[str, list[str]] = field(default_factory=dict)
    main: dict[str, list[str]] = field(default_factory=dict)
    resources: dict[str, list[str]] = field(default_factory=dict)

    def text(self) -> str:
        """The field `podSpecPatch`; empty where there is nothing to patch."""
        pod = {key: json_tag(expression) for key, expression in self.members.items()}
        pod |= {key: json_tag(_present(items)) for key, items in self.lists.items()}
        main = {key: json_tag(_present(items)) for key, items in self.main.items()}
        if self.resources:
            groups = {key: f"{{ {','.join(members)}}}" for key, members in self.resources.items()}
            main["resources"] = _object(groups)
        if main:
            pod["containers"] = f"[{_object({'name': json.dumps('main'), **main})}]"
        return _object(pod) if pod else ""


def _object(members: Mapping[str, str]) -> str:
    return "{" + ",".join(f"{json.dumps(key)}:{text}" for key, text in members.items()) + "}"
