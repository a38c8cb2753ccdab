"""Parts of a Plan in the words of people."""

from __future__ import annotations

import re

from pipelines.sdk.launch.inputs import CHANNEL
from pipelines.sdk.values import Binding, Constant, DagInput, TaskOutput

_INPUT = re.compile(rf"inputs\.parameter_values\['(?:{CHANNEL})?([^']*)'\]")


def condition(when: str) -> str:
    """A condition's text, its inputs by their names alone."""
    return _INPUT.sub(r"\1", when)


def source(items: Binding) -> str:
    """Where a loop's list comes from."""
    if isinstance(items, Constant):
        return f"{len(items.value) if isinstance(items.value, list) else 1} constants"
    path = "".join(f".{key}" for key in getattr(items, "path", ()))
    if isinstance(items, DagInput):
        return f"{items.name.removeprefix(CHANNEL)}{path}"
    return f"{items.task}.{items.output}{path}" if isinstance(items, TaskOutput) else "its element"
