"""Groups as DAG templates: a pipeline, a nested one, a condition's branch, a loop's body."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pipelines.sdk.argo import exprlang
from pipelines.sdk.argo.book import Body, Book
from pipelines.sdk.argo.names import Names, parameter_names, task_names
from pipelines.sdk.argo.nesting import PART, certain
from pipelines.sdk.argo.steps import step_body
from pipelines.sdk.argo.tasks import Group, handed_over, produced, task_entry, upstream
from pipelines.sdk.argo.travel import Carrier, Lists, Or, Text, through
from pipelines.sdk.errors import BadPipeline, Finding
from pipelines.sdk.launch import encode
from pipelines.sdk.plan import Dag, Importer, Step, Task
from pipelines.sdk.values import Interface, Selector, TaskOutput

NOTHING = {"suspend": {"duration": "0"}}
"""A template that does nothing and needs no pod: Argo takes no DAG without tasks."""


def dag_body(
    wished: str, dag: Dag, inputs: Mapping[str, Carrier], path: str, book: Book, twins: bool
) -> Body:
    """Writes a group and all below it.

    Args:
        wished: name of its template.
        dag: the group.
        inputs: as its template receives them.
        path: of its tasks, with a slash at its end, or empty.
        book: to write into.
        twins: whether a loop further out collects its outputs.
    """
    tasks = {each.name: each for task in dag.tasks for each in (task, *task.on_exit)}
    handlers = frozenset(each.name for task in dag.tasks for each in task.on_exit)
    unique = task_names()
    names = {name: unique.unique(name) for name in tasks}

    def build(task: Task, received: Mapping[str, Carrier], collected: bool) -> Body:
        return _body(task, received, collected, path, book)

    group = Group(
        path, _with_defaults(dag.interface, inputs), tasks, names, {}, build, handlers, certain(dag.tasks)
    )
    sources = {source.task for selector in dag.outputs.values() for source in selector.sources}
    entries = [
        task_entry(task, group, twins and task.name in sources)
        for task in dag.tasks
        if not isinstance(task.body, Importer)
    ]
    if not entries:
        entries = [{"name": "nothing", "template": book.templates.add("nothing", NOTHING)}]
    template: dict[str, Any] = {"dag": {"failFast": False, **_target(dag, group), "tasks": entries}}
    if parameters := _parameters(inputs):
        template = {"inputs": {"parameters": [{"name": name} for name in parameters]}, **template}
    outputs = _Outputs(parameter_names())
    body = _outputs(dag, group, outputs, twins)
    if outputs.entries:
        template["outputs"] = {"parameters": outputs.entries}
    if limit := _parallelism(dag):
        template["parallelism"] = limit
    return replace(body, template=book.templates.add(wished, template))


def _body(task: Task, received: Mapping[str, Carrier], twins: bool, path: str, book: Book) -> Body:
    if isinstance(task.body, Step):
        return step_body(task, task.body, received, f"{path}{task.name}", book, twins)
    if isinstance(task.body, Importer):
        raise BadPipeline(Finding("an importer cannot be an exit handler", f"task {path}{task.name}"))
    return dag_body(task.name, task.body, received, _below(task, task.body, path), book, twins)


def _below(task: Task, dag: Dag, path: str) -> str:
    """The path of a group's tasks. A group that only wraps a task of its own name is ours, and not seen."""
    wraps = len(dag.tasks) == 1 and dag.tasks[0].name == task.name
    return path if wraps or task.label == PART else f"{path}{task.name}/"


def _with_defaults(interface: Interface, inputs: Mapping[str, Carrier]) -> dict[str, Carrier]:
    found = dict(inputs)
    for name, parameter in interface.parameters.items():
        if parameter.has_default and parameter.default is not None:
            wire = encode(parameter.default)
            found[name] = found[name].then(Or(wire)) if name in found else Carrier(Text(static=wire))
    return found


def _parameters(inputs: Mapping[str, Carrier]) -> list[str]:
    """The parameters of a template that receives these."""
    _, arguments = handed_over(inputs)
    return list(arguments)


def _target(dag: Dag, group: Group) -> dict[str, str]:
    """The tasks that decide how the group ends, where that is not only its last ones.

    What runs after any end of a task would hide its failure: left to itself, Argo looks at the last tasks.
    """
    waited = {task.name: upstream(task, group.tasks) for task in dag.tasks}
    ignored = {name for task in dag.tasks if task.always for name in waited[task.name]}
    if not ignored:
        return {}
    last = {task.name for task in dag.tasks} - {name for names in waited.values() for name in names}
    decisive = (task for task in dag.tasks if task.name in ignored | last)
    return {"target": " ".join(group.names[t.name] for t in decisive if not isinstance(t.body, Importer))}


def _parallelism(dag: Dag) -> int:
    return max((task.loop.parallelism for task in dag.tasks if task.loop), default=0)


class _Outputs:
    """The output parameters of a DAG, as far as they are written."""

    def __init__(self, names: Names) -> None:
        self.entries: list[dict[str, Any]] = []
        self._names = names

    def give(self, wished: str, text: Text, simple: bool) -> Text:
        if not text.expression and not text.simple:
            return text
        name = self._names.unique(wished)
        # Argo replaces a tag of an input before it looks for the parameter of that name.
        plain = simple and text.simple.startswith("{{tasks.")
        source = {"parameter": text.simple} if plain else {"expression": text.expression}
        self.entries.append({"name": name, "valueFrom": source})
        return Text(output=name)


def _outputs(dag: Dag, group: Group, outputs: _Outputs, twins: bool) -> Body:
    plain: dict[str, Carrier] = {}
    paired: dict[str, Carrier] = {}
    for name, selector in dag.outputs.items():
        where = f"{group.path.rstrip('/') or 'the pipeline'}, output {name!r}"
        carrier = _selected(selector, group, where)
        if carrier is None:
            continue
        sure = _sure(selector, group)
        plain[name] = _exported(name, carrier, outputs, sure)
        if not twins:
            continue
        if carrier.levels or carrier.via:
            paired[name] = plain[name]
        else:
            twin = replace(carrier, text=_twin(selector, group))
            given = outputs.give(f"{'ac' if carrier.artifact else 'c'}-{name}", twin.text, sure)
            paired[name] = replace(carrier, text=given)
    return Body("", plain, paired)


def _exported(name: str, carrier: Carrier, outputs: _Outputs, certain: bool) -> Carrier:
    return through(name, carrier, lambda wished, text: outputs.give(wished, text, certain))


def _selected(selector: Selector, group: Group, where: str) -> Carrier | None:
    found = [(s.task, _source(s, group, selector)) for s in selector.sources]
    there = [(task, carrier) for task, carrier in found if carrier is not None]
    if not there:
        return None
    if len(there) == 1:
        return there[0][1]
    kinds = {(each.via, each.artifact) for _, each in there}
    if len(kinds) > 1 or any(not isinstance(v, Lists) for each in there for v in each[1].via):
        mend = "let a component take each of them and give a plain value"
        raise BadPipeline(Finding("its sources (dsl.OneOf) are of different kinds", where, mend))
    texts = [(group.names[task], each.text) for task, each in there]
    folders = dict.fromkeys(folder for _, each in there for folder in each.folders)
    return replace(there[0][1], text=exprlang.first(texts), folders=tuple(folders))


def _source(source: TaskOutput, group: Group, selector: Selector) -> Carrier | None:
    carrier = produced(group, source.task, source.output, sure=_sure(selector, group))
    if carrier is not None and source.path:
        what = f"an output of a group cannot be a part of {source.task}'s"
        raise BadPipeline(Finding(what, f"task {group.path}{source.task}", "let a component give the part"))
    return carrier


def _twin(selector: Selector, group: Group) -> Text:
    texts = []
    for source in selector.sources:
        twin = group.bodies[source.task].twins[source.output]
        name = group.names[source.task]
        expression = exprlang.output(name, twin.text.output)
        simple = f"{{{{tasks.{name}.outputs.parameters.{twin.text.output}}}}}"
        texts.append((name, Text(simple=simple, expression=expression)))
    return texts[0][1] if len(texts) == 1 else exprlang.first(texts)


def _sure(selector: Selector, group: Group) -> bool:
    """Whether an output is there wherever its group has succeeded."""
    task = group.tasks[selector.sources[0].task]
    return len(selector.sources) == 1 and task.name in group.certain and not task.loop
