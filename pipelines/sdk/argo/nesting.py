"""Splits groups that have more tasks than a DAG of Argo can have into parts of a size it takes."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace

from pipelines.sdk.errors import BadPipeline, Finding
from pipelines.sdk.plan import Dag, Importer, Task, needs
from pipelines.sdk.values import Binding, Constant, DagInput, FinalStatus, Interface, Selector, TaskOutput

MAX_TASKS = 200
"""maxItems of a DAG's tasks in the kinds of Argo 4."""

PART = "part of a large group"
"""Label of a task that only holds others: it is not seen in their paths."""


@dataclass
class _Part:
    """One part while it is put together."""

    name: str
    tasks: list[Task] = field(default_factory=list)
    arguments: dict[str, Binding] = field(default_factory=dict)
    outputs: dict[str, Selector] = field(default_factory=dict)
    after: dict[str, None] = field(default_factory=dict)


def split(dag: Dag, where: str = "") -> Dag:
    """The same group with at most MAX_TASKS tasks in it, and in every group below.

    A part waits for the whole of those that it takes something from, so that a failure stops more than it
    otherwise would; what may be skipped must therefore be in one part with those who wait for it.

    Args:
        dag: the group; its tasks in an order in which each comes after those it needs.
        where: its path, for messages.

    Raises:
        BadPipeline: a condition or status would have to reach across parts.
    """
    tasks = tuple(_below(task, f"{where}{task.name}/") for task in dag.tasks)
    if sum(not isinstance(task.body, Importer) for task in tasks) <= MAX_TASKS:
        return replace(dag, tasks=tasks)
    size = MAX_TASKS // 2
    parts = [_Part(f"part-{n + 1}") for n in range(-(-len(tasks) // size))]
    sure = certain(tasks)
    home = {task.name: parts[number // size] for number, task in enumerate(tasks)}
    for task in tasks:
        home[task.name].tasks.append(_moved(task, home, sure, where))
    outputs = {name: _output(selector, home, where) for name, selector in dag.outputs.items()}
    return split(replace(dag, tasks=tuple(map(_as_task, parts)), outputs=outputs), where)


def _below(task: Task, path: str) -> Task:
    return replace(task, body=split(task.body, path)) if isinstance(task.body, Dag) else task


def _as_task(part: _Part) -> Task:
    body = Dag(Interface(), tuple(part.tasks), part.outputs)
    return Task(part.name, PART, body, part.arguments, tuple(part.after))


def _moved(task: Task, home: Mapping[str, _Part], sure: Container[str], where: str) -> Task:
    part = home[task.name]
    for name in needs(task):
        if home[name] is part:
            continue
        if task.always or name not in sure:
            what = f"it waits for {name}, which may be skipped or fail, among more than {MAX_TASKS} tasks"
            raise BadPipeline(Finding(what, f"task {where}{task.name}", "put both into a nested pipeline"))
        part.after[home[name].name] = None
    after = tuple(name for name in task.after if home[name] is part)
    loop = task.loop and replace(task.loop, items=_bound(task.loop.items, part, home))
    arguments = {name: _bound(each, part, home) for name, each in task.arguments.items()}
    on_exit = tuple(
        replace(each, arguments={n: _bound(b, part, home) for n, b in each.arguments.items()})
        for each in task.on_exit
    )
    return replace(task, arguments=arguments, after=after, loop=loop, on_exit=on_exit)


def certain(tasks: Iterable[Task]) -> set[str]:
    """Names of the tasks that have succeeded wherever their group has.

    Args:
        tasks: of the group, each after those it needs.
    """
    found: set[str] = set()
    for task in tasks:
        if not task.when and all(name in found for name in needs(task)):
            found.add(task.name)
    return found


def _bound(binding: Binding, part: _Part, home: Mapping[str, _Part]) -> Binding:
    match binding:
        case DagInput(name, _):
            part.arguments[name] = DagInput(name)
        case TaskOutput(producer, output, path) if home.get(producer) not in (part, None):
            name = f"{producer}--{output}"
            other = home[producer]
            other.outputs[name] = Selector((TaskOutput(producer, output),))
            part.arguments[name] = TaskOutput(other.name, name)
            return DagInput(name, path)
        case Constant() | FinalStatus():
            pass
    return binding


def _output(selector: Selector, home: Mapping[str, _Part], where: str) -> Selector:
    if len(selector.sources) > 1:
        what = f"dsl.OneOf in a group of more than {MAX_TASKS} tasks"
        raise BadPipeline(Finding(what, where or "the pipeline", "put its branches into a nested pipeline"))
    source = selector.sources[0]
    name = f"{source.task}--{source.output}"
    part = home[source.task]
    part.outputs[name] = Selector((TaskOutput(source.task, source.output),))
    return Selector((TaskOutput(part.name, name, source.path),))
