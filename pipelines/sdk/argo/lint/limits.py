"""The limits and the choices of single fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipelines.sdk.argo.lint.finding import Hit, Path
from pipelines.sdk.argo.lint.nodes import close_to
from pipelines.sdk.argo.lint.tables import CHOICES, LIMITS, LIST_KEYS, POD_CHOICES, Limit, Place
from pipelines.sdk.ir.shape import described

_MENDS = {
    "templates": "nest: move templates into another WorkflowTemplate and use templateRef",
    "tasks": "nest: put groups of tasks into DAG templates of their own, or loop with withParam",
    "parameters": "pass one parameter that holds them all as JSON",
}


def limits(place: Place, value: Any, at: Path) -> Iterator[tuple[str, Hit]]:
    """The limits that a field's value breaks, by the ids of the rules.

    Args:
        place: the record's name and the field's.
        value: of the field.
        at: its path.
    """
    limit = LIMITS.get(place)
    if limit and isinstance(value, str):
        yield from _text(limit, value, at)
    if limit and isinstance(value, int) and not isinstance(value, bool):
        yield from _number(limit, value, at)
    if isinstance(value, list | tuple):
        yield from _list(limit or Limit(), place, value, at)


def _number(limit: Limit, value: int, at: Path) -> Iterator[tuple[str, Hit]]:
    low = limit.least is not None and value < limit.least
    high = limit.most is not None and value > limit.most
    if low or high:
        bounds = f"from {limit.least}" + ("" if limit.most is None else f" to {limit.most}")
        yield "out-of-range", Hit(at, f"{value} is out of range", f"write a number {bounds}")


def _text(limit: Limit, value: str, at: Path) -> Iterator[tuple[str, Hit]]:
    if limit.filled and not value:
        yield "empty-value", Hit(at, "it is empty", "write something")
    if limit.length and len(value) > limit.length:
        what = f"it has {len(value)} characters, and {limit.length} are allowed"
        yield "too-long", Hit(at, what, "make it shorter")
    if limit.pattern and not limit.pattern.fullmatch(value):
        yield "bad-name", Hit(at, f"{described(value)} is no name here", f"use {limit.say}")


def _list(limit: Limit, place: Place, value: Any, at: Path) -> Iterator[tuple[str, Hit]]:
    if limit.items and len(value) > limit.items:
        what = f"there are {len(value)} {at[-1]}, and the schema takes {limit.items}"
        yield "too-many-items", Hit(at, what, _MENDS.get(str(at[-1]), "have fewer"))
    if limit.some and not value:
        yield "empty-list", Hit(at, f"the list of {at[-1]} is empty", "add one, or leave the field out")
    keys = LIST_KEYS.get(place)
    seen: set[tuple[str, ...]] = set()
    for index, each in enumerate(value if keys else ()):
        key = tuple(repr(_part(each, name)) for name in keys or ())
        if isinstance(each, Mapping) and key in seen:
            shown = ", ".join(f"{name} {_part(each, name)}" for name in keys or ())
            yield (
                "duplicate-entry",
                Hit((*at, index), f"{shown} stands twice in this list", "keep one of them"),
            )
        seen.add(key)


def _part(entry: Any, name: str) -> Any:
    value = entry.get(name) if isinstance(entry, Mapping) else None
    return "TCP" if value is None and name == "protocol" else value


def choices(place: Place, value: Any, at: Path) -> Iterator[tuple[str, Hit]]:
    """A value that is none of those that a field can take.

    Args:
        place: the record's name and the field's.
        value: of the field; of a list, each element is looked at.
        at: its path.
    """
    known = CHOICES.get(place) or POD_CHOICES.get(place)
    if not known:
        return
    several = isinstance(value, list | tuple)
    found = [((*at, index), each) for index, each in enumerate(value)] if several else [(at, value)]
    for path, each in found:
        late = place in POD_CHOICES and "{{" in str(each)
        if isinstance(each, str) and each not in known and not late:
            mend = close_to(each, known - {""})
            listed = ", ".join(sorted(known - {""}))
            near = mend if mend.startswith("did") else f"use one of {listed}"
            yield "bad-choice", Hit(path, f"{described(each)} is not one of {listed}", near)
