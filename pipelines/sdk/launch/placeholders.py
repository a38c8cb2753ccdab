"""Resolves KFP's placeholders: `{{$.inputs.parameters['x']}}` and its kin, `Concat`, `IfPresent`.

A template is read once, from left to right. What a placeholder stands for is put in as it is and never looked
at again, so a value that itself looks like a placeholder stays the text it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence

from .documents import Context, Record
from .errors import LaunchError, shorten
from .records import dataclass, field
from .references import Reference, split

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

EXECUTOR_INPUT = ""
"""Name of the fact behind `{{$}}`."""


@dataclass(frozen=True)
class Scope:
    """What the placeholders of a step can name.

    Args:
        parameter: the value of an input parameter by name, None where it has none; raises KeyError.
        inputs: records of the input artifacts by name; None where one has been left out.
        outputs: records of the output artifacts by name.
        output_files: where each output parameter is to be written.
        facts: text of the placeholders without brackets, by name without `$.`.
        path: local path of an artifact.
    """

    parameter: Callable[[str], Any]
    inputs: Mapping[str, Sequence[Record] | None] = field(default_factory=dict)
    outputs: Mapping[str, Sequence[Record]] = field(default_factory=dict)
    output_files: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    path: Callable[[Record], str] = lambda record: str(record["uri"])


def facts_of(context: Context) -> dict[str, str]:
    """The facts about a run, under the names that placeholders have for them."""
    facts = {
        "pipeline_job_name": context.job_name,
        "pipeline_job_resource_name": context.job_resource_name,
        "pipeline_job_uuid": context.job_id,
        "pipeline_job_create_time_utc": context.create_time,
        "pipeline_job_schedule_time_utc": context.schedule_time,
        "pipeline_task_name": context.task_name,
        "pipeline_task_uuid": context.task_id,
        "pipeline_root": context.pipeline_root,
    }
    return {**facts, "workspace_path": context.workspace} if context.workspace else facts


def resolve(value: Any, scope: Scope) -> Any:
    """A JSON value with the placeholders in all its texts, keys included, resolved.

    Raises:
        LaunchError: a placeholder names nothing.
    """
    if isinstance(value, str):
        return "".join(_text(part, scope) for part in split(value))
    if isinstance(value, list):
        return [resolve(element, scope) for element in value]
    if isinstance(value, dict):
        return {resolve(key, scope): resolve(element, scope) for key, element in value.items()}
    return value


def expand(elements: Iterable[str], scope: Scope, untouched: str | None = None) -> list[str]:
    """The words of a command: an element can become any number of them.

    Args:
        elements: texts; one can be the JSON of a `Concat` or `IfPresent`.
        scope: what placeholders can name.
        untouched: an element that is no template: Python source, in which `{{$}}` is somebody's text.

    Raises:
        LaunchError: a placeholder names nothing, or a `Concat` or `IfPresent` is malformed.
    """
    words: list[str] = []
    for element in elements:
        words += [element] if element == untouched else _words(structure(element), scope)
    return words


def structure(element: str) -> Any:
    """The `Concat` or `IfPresent` that an element of a command is the JSON of, or the element itself."""
    if not element.lstrip().startswith("{"):
        return element
    try:
        value = json.loads(element)
    except (ValueError, RecursionError):
        return element
    return value if isinstance(value, dict) and list(value) in (["Concat"], ["IfPresent"]) else element


def _words(item: Any, scope: Scope) -> list[str]:
    if isinstance(item, str):
        return [resolve(item, scope)]
    if isinstance(item, list):
        return [word for each in item for word in _words(each, scope)]
    if isinstance(item, dict) and list(item) == ["Concat"]:
        return ["".join(_words(item["Concat"], scope))]
    if isinstance(item, dict) and list(item) == ["IfPresent"]:
        return _words(_branch(item["IfPresent"], scope), scope)
    raise LaunchError(f"{shorten(item)} in the command is neither text nor Concat nor IfPresent")


def _branch(choice: Any, scope: Scope) -> Any:
    """What an IfPresent comes to; nothing at all where the input is absent and there is no Else."""
    if not isinstance(choice, dict) or not isinstance(choice.get("InputName"), str) or "Then" not in choice:
        raise LaunchError(f"IfPresent needs InputName and Then, but has {shorten(choice)}")
    name = choice["InputName"]
    if name in scope.inputs:
        present = scope.inputs[name] is not None
    else:
        try:
            present = scope.parameter(name) is not None
        except KeyError:
            raise LaunchError(f"IfPresent asks for {name!r}, which is no input of the step") from None
    chosen = choice["Then"] if present else choice.get("Else")
    return [] if chosen is None else chosen


def _text(part: str | Reference, scope: Scope) -> str:
    if isinstance(part, str):
        return part
    try:
        value = _value(part, scope)
    except KeyError:
        what = "has no value here" if not part.side else f"names nothing among the {part.side} of the step"
        raise LaunchError(f"{part.text} {what}") from None
    return value if isinstance(value, str) else json.dumps(value)


def _value(reference: Reference, scope: Scope) -> Any:
    name = reference.name
    if not reference.side:
        return scope.facts[name]
    if reference.kind == "parameters":
        return scope.parameter(name) if reference.side == "inputs" else scope.output_files[name]
    records = scope.inputs[name] if reference.side == "inputs" else scope.outputs[name]
    if not reference.attribute:
        return records if records is None else list(records)
    if not records:
        return None
    if reference.attribute == "path":
        return scope.path(records[0])
    value: Any = records[0].get(reference.attribute)
    for key in reference.keys:
        value = _item(value, key)
    return value


def _item(value: Any, key: str | int) -> Any:
    """None where there is no such key: metadata is data, and a missing key no mistake in the command."""
    try:
        return value[key]
    except (KeyError, IndexError, TypeError):
        return None
