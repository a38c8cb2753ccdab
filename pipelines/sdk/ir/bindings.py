"""A task's inputs and a group's outputs in IR -> bindings and selectors."""

from __future__ import annotations

import json
import re
from typing import Any

from pipelines.sdk.errors import BadPipeline, Finding
from pipelines.sdk.ir.values import json_value, typed
from pipelines.sdk.plan import Loop
from pipelines.sdk.values import (
    Binding,
    Constant,
    DagInput,
    FinalStatus,
    Interface,
    Json,
    LoopItem,
    Selector,
    TaskOutput,
)

_SELECTOR = re.compile(r"parseJson\(string_value\)(?P<keys>(\[(\"[^\"]*\"|'[^']*')\])*)")
_KEY = re.compile(r"\[(?:\"([^\"]*)\"|'([^']*)')\]")


def arguments(task: Any, component: Interface, where: str) -> dict[str, Binding]:
    """Where each input of a task comes from, parameters and artifacts together.

    Args:
        task: the task spec.
        component: its component's inputs, whose types the constants take.
        where: the task's path, for messages.

    Raises:
        BadPipeline: where an input has no source, or one that cannot be said.
    """
    found: dict[str, Binding] = {}
    for name, spec in sorted(task.inputs.parameters.items()):
        found[name] = _parameter(name, spec, component, f"{where}, input {name}")
    for name, spec in sorted(task.inputs.artifacts.items()):
        if name in found:
            raise BadPipeline(Finding("it is both a parameter and an artifact", f"{where}, input {name}"))
        kind = spec.WhichOneof("kind")
        if kind == "task_output_artifact":
            source = spec.task_output_artifact
            found[name] = TaskOutput(source.producer_task, source.output_artifact_key)
        elif kind == "component_input_artifact":
            found[name] = DagInput(spec.component_input_artifact)
        else:
            raise BadPipeline(Finding("it has no source", f"{where}, input {name}"))
    return found


def _parameter(name: str, spec: Any, component: Interface, where: str) -> Binding:
    path = _path(spec.parameter_expression_selector, where)
    kind = spec.WhichOneof("kind")
    if kind == "task_output_parameter":
        source = spec.task_output_parameter
        return TaskOutput(source.producer_task, source.output_parameter_key, path)
    if kind == "component_input_parameter":
        return DagInput(spec.component_input_parameter, path)
    if kind == "task_final_status":
        if path:
            raise BadPipeline(Finding("a final status has no expression selector", where))
        return FinalStatus(spec.task_final_status.producer_task)
    source = spec.runtime_value.WhichOneof("value")
    if source == "runtime_parameter":
        return DagInput(spec.runtime_value.runtime_parameter, path)
    if source is None:
        raise BadPipeline(Finding("it has no source", where))
    value = _follow(_constant(spec.runtime_value), path, where)
    declared = component.parameters.get(name)
    return Constant(typed(value, declared.type) if declared else value)


def _constant(runtime_value: Any) -> Json:
    if runtime_value.WhichOneof("value") == "constant_value":  # SDK 2.0's older, typed form
        legacy = runtime_value.constant_value
        kind = legacy.WhichOneof("value")
        older: Json = getattr(legacy, kind) if kind else None
        return older
    newer: Json = json_value(runtime_value.constant)
    return newer


def _follow(value: Json, path: tuple[str, ...], where: str) -> Json:
    for key in path:
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except (ValueError, RecursionError) as error:
                raise BadPipeline(Finding(f"the constant is no JSON, so it has no {key!r}", where)) from error
        if not isinstance(value, dict) or key not in value:
            raise BadPipeline(Finding(f"the constant has no key {key!r}", where))
        value = value[key]
    return value


def _path(selector: str, where: str) -> tuple[str, ...]:
    """`parseJson(string_value)["a"]`, the one form that compilers write, as `("a",)`."""
    if not selector:
        return ()
    match = _SELECTOR.fullmatch(selector.strip())
    if match is None:
        raise BadPipeline(
            Finding(
                f"expression selector {selector!r} is unknown", where, 'known: parseJson(string_value)["key"]'
            )
        )
    return tuple(double or single for double, single in _KEY.findall(match["keys"]))


def loop(task: Any, bound: dict[str, Binding], where: str) -> Loop | None:
    """The loop of a `dsl.ParallelFor` task; adds the element to the task's arguments.

    Args:
        task: the task spec.
        bound: the task's arguments; gets the binding of the element.
        where: the task's path, for messages.

    Raises:
        BadPipeline: where it loops over nothing, or over what is no list.
    """
    kind = task.WhichOneof("iterator")
    if kind is None:
        return None
    iterator = getattr(task, kind)
    over_artifacts = kind == "artifact_iterator"
    if over_artifacts:
        items = _items_input(iterator.items.input_artifact, bound, where)
    elif iterator.items.WhichOneof("kind") == "raw":
        items = Constant(_raw_items(iterator.items.raw, where))
    else:
        items = _items_input(iterator.items.input_parameter, bound, where)
    if not iterator.item_input:
        raise BadPipeline(Finding("it loops, but has no itemInput for the element", where))
    bound[iterator.item_input] = LoopItem()
    limit = task.iterator_policy.parallelism_limit
    if limit < 0:
        raise BadPipeline(Finding(f"parallelismLimit {limit} is less than none", where))
    return Loop(items, iterator.item_input, limit, over_artifacts)


def _items_input(name: str, bound: dict[str, Binding], where: str) -> Binding:
    if not name:
        raise BadPipeline(Finding("it loops, but has no items", where))
    if name not in bound:
        raise BadPipeline(Finding(f"it loops over {name!r}, which is none of its inputs", where))
    items = bound[name]
    if isinstance(items, Constant):  # KFP allows a list as JSON text
        value = items.value
        return Constant(_raw_items(value if isinstance(value, str) else json.dumps(value), where))
    return items


def _raw_items(raw: str, where: str) -> Json:
    try:
        items: Json = json.loads(raw, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise BadPipeline(Finding(f"the items of the loop are not JSON: {error}", where)) from error
    if not isinstance(items, list):
        raise BadPipeline(Finding("the items of the loop are no list", where))
    return items


def _refuse(name: str) -> Json:
    raise ValueError(f"{name} is no JSON value")


def selectors(outputs: Any, where: str) -> dict[str, Selector]:
    """Where each output of a group comes from.

    Args:
        outputs: the spec of its outputs.
        where: the group's path, for messages.

    Raises:
        BadPipeline: where an output has no source.
    """
    found: dict[str, Selector] = {}
    for name, spec in sorted(outputs.parameters.items()):
        if spec.WhichOneof("kind") == "value_from_oneof":
            sources = list(spec.value_from_oneof.parameter_selectors)
        else:
            sources = [spec.value_from_parameter]
        found[name] = Selector(tuple(TaskOutput(s.producer_subtask, s.output_parameter_key) for s in sources))
    for name, spec in sorted(outputs.artifacts.items()):
        if name in found:
            raise BadPipeline(Finding("it is both a parameter and an artifact", f"{where}, output {name}"))
        sources = list(spec.artifact_selectors)
        found[name] = Selector(tuple(TaskOutput(s.producer_subtask, s.output_artifact_key) for s in sources))
    for name, selector in found.items():
        if not selector.sources or not all(source.task for source in selector.sources):
            raise BadPipeline(Finding("it has no source", f"{where}, output {name}"))
    return found
