"""Builds what a step gets: typed values for its parameters, and KFP's executor input."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from . import wire
from .documents import Record, Request
from .errors import LaunchError, shorten, together
from .parameters import coerce
from .paths import Layout, local_path
from .placeholders import EXECUTOR_INPUT, Scope, facts_of, resolve
from .records import replace
from .task import InputParameter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

CHANNEL = "pipelinechannel--"
"""How the compiler names an upstream value that a template refers to; no component declares such an input."""


def build(request: Request, layout: Layout) -> tuple[dict[str, Any], Scope]:
    """KFP's executor input for a step, and what the placeholders in its command can name.

    Args:
        request: the step and what it is given.
        layout: where its outputs go.

    Raises:
        LaunchError: an input is missing, of another type or not among its literals, or a placeholder in a
            template names nothing; `where` is the input. Several of them are one error.
    """
    values, scope, problems = _settled(request, layout)
    if problems:
        raise together(problems)
    executor_input = _executor_input(values, scope, layout)
    facts = {**scope.facts, EXECUTOR_INPUT: json.dumps(executor_input)}
    return executor_input, replace(scope, facts=facts)


def problems_of(request: Request, layout: Layout) -> list[LaunchError]:
    """All that `build` would complain of."""
    return _settled(request, layout)[2]


def _settled(request: Request, layout: Layout) -> tuple[dict[str, Any], Scope, list[LaunchError]]:
    facts = {
        **facts_of(request.context),
        "outputs.output_file": layout.output_file,
        "outputMetadataUri": layout.output_file,
    }
    values: dict[str, Any] = {}
    problems: list[LaunchError] = []
    scope = Scope(
        parameter=lambda name: _look_up(values, name),
        inputs=_artifacts(request, problems),
        outputs={name: [record] for name, record in layout.records.items()},
        output_files=layout.output_files,
        facts=facts,
        path=lambda record: local_path(record, request),
    )
    for name in dict.fromkeys([*request.task.parameters, *request.parameters]):
        try:
            _settle(name, request, scope, values, ())
        except LaunchError as error:
            problems.append(error)
    return values, scope, problems


def _executor_input(values: Mapping[str, Any], scope: Scope, layout: Layout) -> dict[str, Any]:
    given = {name: records for name, records in scope.inputs.items() if records is not None}
    return {
        "inputs": {
            "parameterValues": {name: value for name, value in values.items() if value is not None},
            "artifacts": {name: {"artifacts": list(records)} for name, records in given.items()},
        },
        "outputs": {
            "parameters": {name: {"outputFile": path} for name, path in layout.output_files.items()},
            "artifacts": {name: {"artifacts": [record]} for name, record in layout.records.items()},
            "outputFile": layout.output_file,
        },
    }


def _artifacts(request: Request, problems: list[LaunchError]) -> dict[str, Sequence[Record] | None]:
    artifacts: dict[str, Sequence[Record] | None] = {}
    for name, spec in request.task.artifacts.items():
        records = request.artifacts.get(name)
        # An empty list is a list; for a single artifact it is none.
        artifacts[name] = records if records or (spec.is_list and records is not None) else None
        if artifacts[name] is None and not spec.optional:
            mend = "the step before has to give one"
            problems.append(LaunchError("the artifact is missing", f"input {name!r}", mend))
    return artifacts


def _look_up(values: Mapping[str, Any], name: str) -> Any:
    # The value of a skipped task does not travel: its name is then all there is.
    return values.get(name) if name.startswith(CHANNEL) else values[name]


def _settle(name: str, request: Request, scope: Scope, values: dict[str, Any], trail: tuple[str, ...]) -> Any:
    """Put the final value of a parameter into `values`, and before it those that its template refers to."""
    if name in values:
        return values[name]
    spec = request.task.parameters.get(name)
    if spec is None and name not in request.parameters:
        return _look_up(values, name)
    try:
        if name in trail:
            circle = " -> ".join([*trail[trail.index(name) :], name])
            raise LaunchError(f"its value refers to itself ({circle})")
        value, is_template = _given(name, request)
        if is_template:
            inner = replace(
                scope, parameter=lambda other: _settle(other, request, scope, values, (*trail, name))
            )
            value = resolve(value, inner)
        values[name] = _typed(value, spec)
    except LaunchError as error:
        # Whoever asks first gets the blame; naming the whole chain would only repeat it.
        raise error if error.where.startswith("input") else error.at(f"input {name!r}") from None
    return values[name]


def _given(name: str, request: Request) -> tuple[Any, bool]:
    """The value as it came, or the default, and whether it may hold placeholders."""
    spec = request.task.parameters.get(name)
    value = wire.decode(request.parameters.get(name, wire.NULL))
    if value is not None or spec is None:
        return value, name in request.templates
    if spec.has_default:
        return spec.default, True  # the component's author wrote it
    if not spec.optional and spec.type != "TASK_CONFIG":
        raise LaunchError(
            f"the parameter is missing: it has no value, and no default (type {spec.type})",
            mend="give it a value, or a default in the component",
        )
    return None, False


def _typed(value: Any, spec: InputParameter | None) -> Any:
    if value is None or spec is None:
        return value
    typed = coerce(value, spec.type)
    # Compared as wire text: for Python, 1 == True.
    texts = [wire.encode(coerce(literal, spec.type), None) for literal in spec.literals]
    if texts and wire.encode(typed, None) not in texts:
        raise LaunchError(f"{shorten(typed)} is none of {', '.join(texts)}", mend="use one of those")
    return typed
