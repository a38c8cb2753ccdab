"""Rules about tasks that run once for each item."""

from __future__ import annotations

import json
from collections.abc import Iterator

from pipelines.sdk.argo.lint.finding import Hit, Rule
from pipelines.sdk.argo.lint.nodes import has, mapping, sequence
from pipelines.sdk.argo.lint.views import Task
from pipelines.sdk.ir.shape import described

_LOOPS = ("withItems", "withParam", "withSequence")


def _one_loop(task: Task) -> Iterator[Hit]:
    found = [key for key in _LOOPS if task.node.get(key)]
    if len(found) > 1:
        yield Hit((*task.at, found[1]), f"the task loops twice: {' and '.join(found)}", "keep one of them")


def _items(task: Task) -> Iterator[Hit]:
    for index, item in enumerate(sequence(task.node.get("withItems"))):
        if item is None:
            yield Hit(
                (*task.at, "withItems", index), "an item is nothing at all", 'write a value, or the text ""'
            )


def _param(task: Task) -> Iterator[Hit]:
    value = task.node.get("withParam")
    if not isinstance(value, str) or "{{" in value or not value:
        return
    try:
        items = json.loads(value)
    except (ValueError, RecursionError):
        items = None
    if not isinstance(items, list):
        yield Hit(
            (*task.at, "withParam"),
            f"{described(value)} is no JSON list",
            'write one, as ["a", "b"], or a reference',
        )


def _sequence(task: Task) -> Iterator[Hit]:
    loop = mapping(task.node.get("withSequence"))
    if has(task.node, "withSequence") and not has(loop, "count") and not has(loop, "end"):
        yield Hit((*task.at, "withSequence"), "withSequence has no end", "add `count` or `end`")


TASK: tuple[Rule[Task], ...] = (
    Rule("several-loops", "Argo refuses the workflow.", _one_loop),
    Rule("loop-item", "Argo cannot tell what kind of item it is.", _items),
    Rule("with-param", "The task fails with `could not be parsed as a JSON list`.", _param),
    Rule("sequence-end", "Argo does not know how often to run the task.", _sequence),
)
