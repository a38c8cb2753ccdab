"""Rewrites a Plan so that each of its tasks is something that one task of an Argo DAG can be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pipelines.sdk.argo.nesting import split
from pipelines.sdk.plan import Dag, Loop, Plan, Task
from pipelines.sdk.values import Binding, Constant, DagInput, Interface, Selector, TaskOutput


def wrapped(plan: Plan) -> Plan:
    """The same pipeline with a group of its own around what Argo can only say of a whole DAG.

    Args:
        plan: the pipeline.
    """
    return replace(plan, root=split(_dag(plan.root)))


def _dag(dag: Dag) -> Dag:
    return replace(dag, tasks=tuple(_task(task, len(dag.tasks) == 1) for task in dag.tasks))


def _task(task: Task, alone: bool) -> Task:
    if isinstance(task.body, Dag):
        task = replace(task, body=_dag(task.body))
    task = replace(task, on_exit=tuple(_task(each, False) for each in task.on_exit))
    if len(task.on_exit) > 1:
        task = replace(task, on_exit=(_chain(task),))
    if task.loop and task.when:
        # Argo asks the condition of every iteration, but collects nothing where none of them ran.
        task = _around_body(task)
    if task.loop and task.loop.parallelism and not alone:
        # The limit is a field of a DAG, and would hold back this loop's siblings.
        task = _around(task, task.loop)
    return task


def _around_body(task: Task) -> Task:
    """The loop around a group that has only the task, with its condition."""
    inner = replace(task, loop=None, on_exit=(), after=(), always=False, arguments=_passed_on(task.arguments))
    return replace(task, when="", body=_group(inner, task), arguments=task.arguments)


def _around(task: Task, loop: Loop) -> Task:
    """A group that has only the loop."""
    items: Constant | Binding = loop.items
    outer = {name: each for name, each in task.arguments.items() if name != loop.item_input}
    if not isinstance(items, Constant):
        outer[ITEMS] = items
        items = DagInput(ITEMS)
    arguments = {**_passed_on(outer), loop.item_input: task.arguments[loop.item_input]}
    inner = replace(
        task, loop=replace(loop, items=items), on_exit=(), after=(), always=False, arguments=arguments
    )
    return replace(task, loop=None, when="", body=_group(inner, task), arguments=outer)


ITEMS = "items"


def _passed_on(arguments: Mapping[str, Binding]) -> dict[str, Binding]:
    return {name: DagInput(name) for name in arguments}


def _group(inner: Task, task: Task) -> Dag:
    takes = task.body.interface
    outputs = [*takes.output_parameters, *takes.output_artifacts]
    # Defaults stay with the inner body: a value that is absent is still absent here.
    interface = Interface(
        {name: replace(each, has_default=False) for name, each in takes.parameters.items()},
        takes.artifacts,
        takes.output_parameters,
        takes.output_artifacts,
    )
    return Dag(interface, (inner,), {name: Selector((TaskOutput(task.name, name),)) for name in outputs})


def _chain(task: Task) -> Task:
    """One exit handler that runs several, each after the one before and whichever way that ended."""
    arguments: dict[str, Binding] = {}
    tasks: list[Task] = []
    for handler in task.on_exit:
        renamed = {name: f"{handler.name}-{name}" for name in handler.arguments}
        arguments |= {renamed[name]: each for name, each in handler.arguments.items()}
        inner: dict[str, Binding] = {name: DagInput(new) for name, new in renamed.items()}
        after = (tasks[-1].name,) if tasks else ()
        tasks.append(replace(handler, arguments=inner, after=after, always=True, on_exit=()))
    return Task(
        name=f"{task.name}-exit",
        label="exit handlers",
        body=Dag(Interface(), tuple(tasks)),
        arguments=arguments,
        always=True,
    )
