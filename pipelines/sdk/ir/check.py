"""What must hold for a Plan to be run: every reference points at something."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.sdk import conditions
from pipelines.sdk.errors import BadPipeline, Finding
from pipelines.sdk.plan import Dag, Importer, Plan, Step, Task
from pipelines.sdk.values import Binding, DagInput, Interface, ParameterType, TaskOutput


def check(plan: Plan) -> None:
    """Checks every reference of a Plan.

    Raises:
        BadPipeline: with all that is wrong.
    """
    findings = list(_dag(plan.root, "root"))
    if findings:
        raise BadPipeline(*findings)


def _dag(dag: Dag, where: str) -> Iterator[Finding]:
    tasks = {task.name: task for task in dag.tasks}
    if not tasks:
        yield Finding("it has no tasks", where)
    for task in dag.tasks:
        for each in (task, *task.on_exit):
            yield from _task(each, dag, tasks, f"{where}/{each.name}".removeprefix("root/"))
    declared = {*dag.interface.output_parameters, *dag.interface.output_artifacts}
    for name, selector in dag.outputs.items():
        for source in selector.sources:
            yield from _source(source, dag.interface, tasks, f"{where}, output {name}")
        if name not in declared:
            yield Finding(f"output {name!r} is not declared", where)


def _task(task: Task, dag: Dag, tasks: dict[str, Task], path: str) -> Iterator[Finding]:
    where = f"task {path}"
    for name, binding in task.arguments.items():
        yield from _source(binding, dag.interface, tasks, f"{where}, input {name}")
    if task.loop:
        yield from _source(task.loop.items, dag.interface, tasks, f"{where}, loop")
        if not isinstance(task.body, Dag):
            yield Finding("it loops, but is no group of tasks", where)
    if task.when:
        for name in conditions.inputs(conditions.parse(task.when)):
            if name not in task.arguments:
                yield Finding(f"its condition reads {name!r}, which is none of its inputs", where)
    yield from _inputs(task, where)
    if isinstance(task.body, Dag):
        yield from _dag(task.body, path)


def _inputs(task: Task, where: str) -> Iterator[Finding]:
    """Inputs that a step cannot do without; a group passes on what it gets."""
    if isinstance(task.body, Step):
        for name, parameter in task.body.interface.parameters.items():
            free = parameter.optional or parameter.has_default or parameter.type is ParameterType.TASK_CONFIG
            if not free and name not in task.arguments:
                yield Finding(f"its input {name!r} has no value", where)
        for name, artifact in task.body.interface.artifacts.items():
            if not artifact.optional and name not in task.arguments:
                yield Finding(f"its input artifact {name!r} has no value", where)
    if isinstance(task.body, Importer) and task.body.uri_input and task.body.uri not in task.arguments:
        yield Finding(f"its URI comes from {task.body.uri!r}, which is none of its inputs", where)


def _source(binding: Binding, enclosing: Interface, tasks: dict[str, Task], where: str) -> Iterator[Finding]:
    if isinstance(binding, DagInput):
        known = {*enclosing.parameters, *enclosing.artifacts}
        if binding.name not in known:
            yield Finding(f"it reads {binding.name!r}, which the enclosing pipeline does not have", where)
    elif isinstance(binding, TaskOutput):
        if binding.task not in tasks:
            yield Finding(f"it reads from task {binding.task!r}, which is not there", where)
            return
        produced = tasks[binding.task].body.interface
        known = {*produced.output_parameters, *produced.output_artifacts}
        if binding.output not in known:
            yield Finding(f"task {binding.task!r} has no output {binding.output!r}", where)
