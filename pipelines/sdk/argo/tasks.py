"""Tasks of one group as tasks of one DAG: arguments, order, conditions, loops, exit handlers."""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.sdk.argo import decisions, exprlang
from pipelines.sdk.argo.authored import names_in, placeholders_in
from pipelines.sdk.argo.book import Body
from pipelines.sdk.argo.importers import imported
from pipelines.sdk.argo.names import parameter_names
from pipelines.sdk.argo.travel import Carrier, Index, Key, Lists, Resolve, Text, constant, through
from pipelines.sdk.errors import BadPipeline, Finding
from pipelines.sdk.launch import WireError
from pipelines.sdk.plan import Importer, Loop, Step, Task, needs
from pipelines.sdk.values import Binding, Constant, DagInput, FinalStatus, LoopItem, TaskOutput

ITEM = Text(simple="{{item}}", expression="item")
BuildBody = Callable[[Task, Mapping[str, Carrier], bool], Body]


@dataclass(frozen=True)
class Group:
    """One group while its DAG is being written.

    Args:
        path: of its tasks, with a slash at its end, or empty.
        inputs: as its template receives them.
        tasks: by name.
        names: of the tasks in Argo.
        bodies: of the tasks that have been written, by name.
        build: writes the body of a task that is given inputs; True where a loop collects its outputs.
        handlers: names of those that are exit handlers: they run whatever happened before.
        certain: names of those that have succeeded wherever the group has.
    """

    path: str
    inputs: Mapping[str, Carrier]
    tasks: Mapping[str, Task]
    names: Mapping[str, str]
    bodies: dict[str, Body]
    build: BuildBody
    handlers: frozenset[str]
    certain: Container[str]


def handed_over(carriers: Mapping[str, Carrier]) -> tuple[dict[str, Carrier], dict[str, Text]]:
    """Inputs on both sides of a template's border.

    Args:
        carriers: by input, outside.

    Returns:
        The same inside, by input, and the arguments that bring them there, by parameter.
    """
    names, arguments = parameter_names(), {}

    def give(wished: str, text: Text) -> Text:
        name = names.unique(wished)
        arguments[name] = text
        return Text(simple=f"{{{{inputs.parameters.{name}}}}}", expression=exprlang.of_input(name))

    return {name: through(name, carrier, give) for name, carrier in carriers.items()}, arguments


def task_entry(task: Task, group: Group, twins: bool) -> dict[str, Any]:
    """A task of the Plan as a task of an Argo DAG.

    Args:
        task: other than an importer.
        group: that it belongs to.
        twins: whether a loop further out collects its outputs.
    """
    carriers = arguments(task, group)
    received, given = handed_over(carriers)
    body = group.build(task, received, twins or task.loop is not None)
    group.bodies[task.name] = body
    entry: dict[str, Any] = {"name": group.names[task.name], "template": body.template}
    if depends := _depends(task, group):
        entry["depends"] = depends
    if task.loop:
        entry |= _iterations(_items(task.loop, carriers, group, task), f"{group.path}{task.name}")
    if task.when:
        entry["when"] = decisions.when(task, carriers, f"{group.path}{task.name}")
    if isinstance(task.body, Step):
        given["task"] = Text(static=f"{group.path}{task.name}")
    if given:
        entry["arguments"] = as_arguments(given)
    if task.on_exit:
        entry["hooks"] = {"exit": _hook(task.on_exit[0], group)}
    return entry


def as_arguments(given: Mapping[str, Text]) -> dict[str, Any]:
    """Arguments in Argo's form."""
    return {"parameters": [{"name": name, "value": text.value()} for name, text in given.items()]}


def _hook(handler: Task, group: Group) -> dict[str, Any]:
    received, given = handed_over(arguments(handler, group))
    body = group.build(handler, received, False)
    if isinstance(handler.body, Step):
        given["task"] = Text(static=f"{group.path}{handler.name}")
    return {"template": body.template, **({"arguments": as_arguments(given)} if given else {})}


def arguments(task: Task, group: Group) -> dict[str, Carrier]:
    """The values of a task's inputs as seen from its group; those that are never there are left out."""
    found: dict[str, Carrier] = {}
    for name, binding in task.arguments.items():
        try:
            carrier = _bound(binding, task, group)
        except WireError as error:  # a constant that no pod could be given
            where = f"task {group.path}{task.name}, input {name!r}"
            raise BadPipeline(Finding(error.what, where, error.mend)) from None
        if carrier is None:
            continue
        if isinstance(binding, Constant) and (wanted := names_in(binding.value)) is not None:
            own = isinstance(task.body, Step)
            siblings = [(n, n if own else _bound(task.arguments[n], task, group)) for n in wanted]
            known = tuple((n, s) for n, s in siblings if s is not None)
            carrier = carrier.then(Resolve(known, placeholders_in(binding.value)))
        found[name] = carrier
    return found


def _bound(binding: Binding, task: Task, group: Group) -> Carrier | None:
    match binding:
        case Constant(value):
            return None if value is None else constant(value)
        case DagInput(name, path):
            carrier = group.inputs.get(name)
            return carrier and carrier.then(*map(Key, path))
        case TaskOutput(producer, output, path):
            carrier = produced(
                group, producer, output, sure=not task.always and task.name not in group.handlers
            )
            return carrier and carrier.then(*map(Key, path))
        case FinalStatus(other):
            return Carrier(Text(expression=exprlang.final_status(group.names[other], other)))
        case LoopItem():
            loop = task.loop
            if loop is None:
                raise BadPipeline(Finding("it takes a loop's element, but loops over nothing", task.name))
            return _item(loop, task, group)


def _item(loop: Loop, task: Task, group: Group) -> Carrier | None:
    items = _bound(loop.items, task, group)
    if items is None:
        return None
    if isinstance(loop.items, Constant) and (wanted := names_in(loop.items.value)) is not None:
        siblings = [(n, _bound(task.arguments[n], task, group)) for n in wanted]
        known = tuple((n, s) for n, s in siblings if s is not None)
        items = items.then(Resolve(known, placeholders_in(loop.items.value)))
    return items.then(Index(ITEM))


def _iterations(items: Carrier | list[Any], where: str) -> dict[str, Any]:
    """How a loop says over what: over the numbers of the elements, which have no characters of their own.

    Args:
        items: the list, or what it is in.
        where: path of the task.
    """
    if isinstance(items, Carrier):
        return {"withParam": exprlang.indices(items, f"task {where}")}
    return {"withParam": json.dumps(list(range(len(items))))}


def _items(loop: Loop, carriers: Mapping[str, Carrier], group: Group, task: Task) -> Carrier | list[Any]:
    if isinstance(loop.items, Constant):
        if not isinstance(loop.items.value, list):
            raise BadPipeline(Finding("it loops over what is no list", f"task {group.path}{task.name}"))
        return loop.items.value
    items = _bound(loop.items, task, group)
    if items is None:
        where = f"task {group.path}{task.name}"
        raise BadPipeline(Finding("it loops over a value that is never there", where))
    return items


def produced(group: Group, producer: str, output: str, *, sure: bool) -> Carrier | None:
    """An output of a task as its siblings see it; None where it has none of that name.

    Args:
        group: of both.
        producer: name of the task.
        output: of it.
        sure: whether the reader only runs where the producer succeeded.
    """
    task = group.tasks[producer]
    if isinstance(task.body, Importer):
        return imported(task, task.body, arguments(task, group), f"{group.path}{producer}")
    body = group.bodies[producer]
    carrier = body.twins.get(output) if task.loop else body.outputs.get(output)
    if carrier is None:
        return None
    name = group.names[producer]

    def give(_: str, text: Text) -> Text:
        if not text.output:
            return text
        if task.loop:
            return Text(expression=exprlang.loop_output(name, text.output))
        simple = f"{{{{tasks.{name}.outputs.parameters.{text.output}}}}}" if sure else ""
        return Text(simple=simple, expression=exprlang.output(name, text.output))

    seen = through(output, carrier, give)
    return _collected(seen, f"{group.path}{producer}") if task.loop else seen


def _collected(carrier: Carrier, where: str) -> Carrier:
    if any(not isinstance(each, Lists) for each in carrier.via):
        what = "an artifact that is imported with a computed URI in a loop cannot be collected"
        raise BadPipeline(Finding(what, f"task {where}", "import it where it is used"))
    return Carrier(carrier.text, (Lists(carrier.levels + 1),), carrier.artifact, carrier.folders)


def upstream(task: Task, tasks: Mapping[str, Task]) -> list[str]:
    """Names of the tasks with a node of their own that a task waits for: importers have none.

    Args:
        task: of the group.
        tasks: of the group, by name.
    """
    found: dict[str, None] = {}
    for name in needs(task):
        other = tasks[name]
        found.update(dict.fromkeys(upstream(other, tasks) if isinstance(other.body, Importer) else [name]))
    return list(found)


def _depends(task: Task, group: Group) -> str:
    terms = []
    for name in upstream(task, group.tasks):
        argo = group.names[name]
        # An empty loop ends as Skipped, and is nothing that went wrong.
        ends = ["Succeeded", "Skipped"] if group.tasks[name].loop else ["Succeeded"]
        if task.always:
            ends = ["Succeeded", "Failed", "Errored", "Skipped", "Omitted"]
        either = " || ".join(f"{argo}.{end}" for end in ends)
        terms.append(f"({either})" if len(ends) > 1 else either)
    return " && ".join(terms)
