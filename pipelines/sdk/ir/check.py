"""What must hold for a Plan to be run: every reference points at something, of the right kind."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from pipelines.sdk import conditions
from pipelines.sdk.errors import BadPipeline, Finding
from pipelines.sdk.ir.leftovers import MARK
from pipelines.sdk.launch.inputs import CHANNEL
from pipelines.sdk.plan import Dag, Importer, Plan, Step, Task
from pipelines.sdk.values import (
    Binding,
    Constant,
    DagInput,
    FinalStatus,
    Interface,
    Json,
    LoopItem,
    Parameter,
    ParameterType,
    TaskOutput,
    fits,
)

_NO_LISTS = (ParameterType.INTEGER, ParameterType.DOUBLE, ParameterType.BOOLEAN)


def check(plan: Plan) -> None:
    """Checks every reference of a Plan.

    Raises:
        BadPipeline: with all that is wrong.
    """
    findings = [*_defaults(plan.root.interface, "root"), *_dag(plan.root, "")]
    if findings:
        raise BadPipeline(*findings)


def _dag(dag: Dag, path: str) -> Iterator[Finding]:
    where = f"task {path}" if path else "root"
    tasks = {each.name: each for task in dag.tasks for each in (task, *task.on_exit)}
    if not tasks:
        yield Finding("it has no tasks", where)
    for name, task in tasks.items():
        yield from _task(task, dag, tasks, f"{path}/{name}" if path else name)
    for name, selector in dag.outputs.items():
        wanted = _output_kind(dag.interface, name)
        if not wanted:
            yield Finding("it is not declared", f"{where}, output {name}")
        for source in selector.sources:
            yield from _source(source, wanted, dag.interface, tasks, f"{where}, output {name}")
    for name in {**dag.interface.output_parameters, **dag.interface.output_artifacts}:
        if name not in dag.outputs:
            yield Finding("nothing gives it", f"{where}, output {name}")


def _task(task: Task, dag: Dag, tasks: Mapping[str, Task], path: str) -> Iterator[Finding]:
    where, takes = f"task {path}", task.body.interface
    for name, binding in task.arguments.items():
        wanted = _input_kind(takes, name)
        # A text with another task's output in it brings that output along, under its channel's name.
        if not wanted and isinstance(task.body, Dag) and not name.startswith(CHANNEL):
            yield Finding("its component has no such input", f"{where}, input {name}")
        elif not wanted and isinstance(task.body, Step) and _is_artifact(binding, dag.interface, tasks):
            yield Finding(
                "its component has no such input, and text can hold no artifact", f"{where}, input {name}"
            )
        if isinstance(binding, LoopItem):
            given = "artifact" if task.loop and task.loop.over_artifacts else "parameter"
            yield from _mismatch(wanted, given, f"{where}, input {name}", "the loop's element")
        else:
            yield from _source(binding, wanted, dag.interface, tasks, f"{where}, input {name}")
        if isinstance(binding, Constant) and MARK in json.dumps(binding.value):
            yield _leftover(f"{where}, input {name}", "its text")
        if isinstance(binding, Constant) and name in takes.parameters:
            yield from _constant(binding.value, takes.parameters[name], f"{where}, input {name}")
    yield from _loop(task, dag.interface, tasks, where)
    yield from _condition(task, where)
    if isinstance(task.body, Dag):
        yield from _dag(task.body, path)
    else:
        yield from _leaf(task, task.body, where)


def _leftover(where: str, subject: str) -> Finding:
    what = f"{subject} holds {MARK}...}}}}, which kfp could not resolve and nothing around it gives"
    return Finding(what, where, "let a component put the text together")


def _is_artifact(binding: Binding, enclosing: Interface, tasks: Mapping[str, Task]) -> bool:
    if isinstance(binding, DagInput):
        return _input_kind(enclosing, binding.name) == "artifact"
    if isinstance(binding, TaskOutput) and binding.task in tasks:
        return _output_kind(tasks[binding.task].body.interface, binding.output) == "artifact"
    return False


def _leaf(task: Task, body: Step | Importer, where: str) -> Iterator[Finding]:
    """Inputs that a step cannot do without; a group passes on what it gets."""
    given = {name for name, binding in task.arguments.items() if binding != Constant(None)}
    for name, parameter in body.interface.parameters.items():
        free = parameter.optional or parameter.has_default or parameter.type is ParameterType.TASK_CONFIG
        if not free and name not in given:
            yield Finding("it has no value", f"{where}, input {name}")
    for name, artifact in body.interface.artifacts.items():
        if not artifact.optional and name not in given:
            yield Finding("it has no artifact", f"{where}, input {name}")
    if isinstance(body, Importer) and body.uri_input and body.uri not in given:
        yield Finding(f"its URI comes from {body.uri!r}, which is none of its inputs", where)
    if isinstance(body, Importer) and not body.uri_input and MARK in body.uri:
        yield _leftover(where, "its URI")
    yield from _defaults(body.interface, where)


def _loop(task: Task, enclosing: Interface, tasks: Mapping[str, Task], where: str) -> Iterator[Finding]:
    if task.loop is None:
        return
    if not isinstance(task.body, Dag):
        yield Finding("it loops, but is no group of tasks", where)
    items = task.loop.items
    wanted = "artifact" if task.loop.over_artifacts else "parameter"
    yield from _source(items, wanted, enclosing, tasks, f"{where}, loop")
    declared = _declared(items, enclosing, tasks)
    if declared and declared.type in _NO_LISTS:
        yield Finding(f"it loops over {declared.name!r}, a {declared.type}, which is no list", where)


def _declared(binding: Binding, enclosing: Interface, tasks: Mapping[str, Task]) -> Parameter | None:
    """The parameter that a binding reads whole, where it is one value and not one for each iteration."""
    if isinstance(binding, DagInput) and not binding.path:
        return enclosing.parameters.get(binding.name)
    if isinstance(binding, TaskOutput) and not binding.path and binding.task in tasks:
        producer = tasks[binding.task]
        return None if producer.loop else producer.body.interface.output_parameters.get(binding.output)
    return None


def _condition(task: Task, where: str) -> Iterator[Finding]:
    if not task.when:
        return
    try:
        names = conditions.inputs(conditions.parse(task.when))
    except BadPipeline as error:
        yield from (Finding(f"{each.where}: {each.what}", where, each.mend) for each in error.findings)
        return
    for name in names:
        if name not in task.arguments:
            yield Finding(f"its condition reads {name!r}, which is none of its inputs", where)


def _source(
    binding: Binding, wanted: str, enclosing: Interface, tasks: Mapping[str, Task], where: str
) -> Iterator[Finding]:
    """Is what a binding reads there, and a parameter or artifact as it should be?"""
    if isinstance(binding, DagInput):
        given = _input_kind(enclosing, binding.name)
        if not given:
            yield Finding(f"it reads {binding.name!r}, which the enclosing pipeline does not have", where)
        yield from _mismatch(wanted, given, where, f"{binding.name!r}")
    elif isinstance(binding, FinalStatus) and binding.task not in tasks:
        yield Finding(f"it reads the status of task {binding.task!r}, which is not there", where)
    elif isinstance(binding, TaskOutput):
        if binding.task not in tasks:
            yield Finding(f"it reads from task {binding.task!r}, which is not there", where)
            return
        given = _output_kind(tasks[binding.task].body.interface, binding.output)
        if not given:
            yield Finding(f"task {binding.task!r} has no output {binding.output!r}", where)
        yield from _mismatch(wanted, given, where, f"{binding.output!r} of task {binding.task!r}")
    elif isinstance(binding, Constant):
        yield from _mismatch(wanted, "parameter", where, "a constant")


def _mismatch(wanted: str, given: str, where: str, source: str) -> Iterator[Finding]:
    if wanted and given and wanted != given:
        yield Finding(f"it is {_a(wanted)}, and {source} is {_a(given)}", where)


def _a(kind: str) -> str:
    return "an artifact" if kind == "artifact" else "a parameter"


def _input_kind(interface: Interface, name: str) -> str:
    if name in interface.artifacts:
        return "artifact"
    return "parameter" if name in interface.parameters else ""


def _output_kind(interface: Interface, name: str) -> str:
    if name in interface.output_artifacts:
        return "artifact"
    return "parameter" if name in interface.output_parameters else ""


def _defaults(interface: Interface, where: str) -> Iterator[Finding]:
    for name, parameter in interface.parameters.items():
        if parameter.has_default:
            yield from _constant(parameter.default, parameter, f"{where}, default of input {name}")


def _constant(value: Json, parameter: Parameter, where: str) -> Iterator[Finding]:
    """A value that the pipeline itself gives; text with placeholders is known at run time only."""
    if value is None or (isinstance(value, str) and "{{$" in value):
        return
    text = json.dumps(value)
    shown = text if len(text) <= 60 else f"{text[:57]}..."
    if not fits(value, parameter.type):
        yield Finding(f"{shown} is no {parameter.type}", where)
    elif parameter.literals and value not in parameter.literals:
        allowed = ", ".join(json.dumps(literal) for literal in parameter.literals)
        yield Finding(f"{shown} is not one of {allowed}", where)
