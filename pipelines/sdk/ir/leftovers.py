"""Values inside text that kfp did not see: `{{channel:task=make;name=Output;type=typing.List[str];}}`.

That is how an output or input is written in an f-string while a pipeline is being compiled. kfp (2.0 to 2.17)
then looks for it with a pattern that knows no brackets, and not at all in an importer's address.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from pipelines.sdk.launch.inputs import CHANNEL
from pipelines.sdk.values import Binding, Json

MARK = "{{channel:task="
"""Text that has it holds a leftover."""

_LEFTOVER = re.compile(r"\{\{channel:task=(?P<task>[^;{}]*);name=(?P<name>[^;{}]+);type=[^;{}]*;\}\}")


def restored(value: Json, find: Callable[[str], Binding | None]) -> tuple[Json, Mapping[str, Binding]]:
    """A constant with placeholders where kfp left the names of values, and what those stand for.

    Args:
        value: any.
        find: gives what a channel of that name is; None leaves the text as it is.
    """
    found: dict[str, Binding] = {}

    def placeholder(leftover: re.Match[str]) -> str:
        task = f"{leftover['task']}-" if leftover["task"] else ""
        name = f"{CHANNEL}{task}{leftover['name']}"
        binding = find(name)
        if binding is None:
            return leftover[0]
        found[name] = binding
        return f"{{{{$.inputs.parameters['{name}']}}}}"

    return _replaced(value, placeholder), found


def _replaced(value: Json, placeholder: Callable[[re.Match[str]], str]) -> Json:
    if isinstance(value, str):
        return _LEFTOVER.sub(placeholder, value) if MARK in value else value
    if isinstance(value, list):
        return [_replaced(each, placeholder) for each in value]
    if isinstance(value, dict):
        pairs = (
            (_LEFTOVER.sub(placeholder, key), _replaced(each, placeholder)) for key, each in value.items()
        )
        return dict(pairs)
    return value
