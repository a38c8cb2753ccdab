"""Loop elements inside text: the SDK loses their way, and here they are led back.

`say(text=f"<{item.a}>")` compiles to a task that reads `item.a` from a place that does not have it: an input
of the pipeline around the loop, or one that nobody fills (kfp 2.0 to 2.17). In a loop in a loop, the list of
the inner one gets lost as well. The names say what was meant.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pipelines.sdk.ir.leftovers import restored
from pipelines.sdk.ir.order import in_order
from pipelines.sdk.launch.inputs import CHANNEL
from pipelines.sdk.plan import Dag, Importer, Loop, Step, Task, needs
from pipelines.sdk.values import Binding, Constant, DagInput, Interface, Parameter, TaskOutput

_FIELD = "-subvar-"
_GROUP = re.compile(r"(for-loop|condition|condition-branches|exit-handler)-\d+")
_ELEMENT = re.compile(r"(loop-item-param-\d+|.+-loop-item)(-subvar-.+)?")


def is_group(name: str) -> bool:
    """Whether a task is a group of the SDK's making: a loop, a branch or an exit handler, not a pipeline.

    Args:
        name: of the task.
    """
    return _GROUP.fullmatch(name) is not None


def mend_items(root: Dag) -> Dag:
    """The same pipeline, where every task that reads an element of a loop around it gets that element.

    Args:
        root: of the pipeline, as the IR has it.
    """
    return _dag(root, _Surroundings({}, frozenset(root.interface.parameters)))[0]


@dataclass(frozen=True)
class _Surroundings:
    """What a group can read.

    Args:
        elements: of the loops around it, by the name they have in their loop's body; and by the names that
            a group has for them, the pipeline's inputs and the outputs of tasks beside the groups around it.
        filled: its inputs that something fills.
        sources: what it has itself, by the name that a group in it has for that.
    """

    elements: Mapping[str, Parameter]
    filled: frozenset[str]
    sources: Mapping[str, DagInput | TaskOutput] = field(default_factory=dict)


def _dag(dag: Dag, around: _Surroundings) -> tuple[Dag, frozenset[str]]:
    """The mended group, and the elements that it must be given in addition."""
    sources = {name: source for name, (source, _) in _channels(dag).items()}
    around = replace(around, sources=sources)
    mended = [_task(task, dag, around) for task in dag.tasks]
    wanted = frozenset(name for _, names in mended for name in names) - around.filled
    added = {name: around.elements[name] for name in sorted(wanted)}
    interface = replace(dag.interface, parameters={**dag.interface.parameters, **added})
    tasks = tuple(task for task, _ in mended)
    if list(map(needs, tasks)) != list(map(needs, dag.tasks)):
        tasks = in_order(tasks, "")
    return replace(dag, interface=interface, tasks=tasks), wanted


def _channels(dag: Dag) -> dict[str, tuple[DagInput | TaskOutput, Parameter]]:
    """What groups in it may be given, by the names that the SDK has for that: where it is, and what it is."""
    found: dict[str, tuple[DagInput | TaskOutput, Parameter]] = {}
    for name, parameter in dag.interface.parameters.items():
        if not name.startswith(CHANNEL):
            found[f"{CHANNEL}{name}"] = (DagInput(name), parameter)
    for task in dag.tasks:
        outputs = {} if task.loop else task.body.interface.output_parameters
        for name, parameter in outputs.items():
            found[f"{CHANNEL}{task.name}-{name}"] = (TaskOutput(task.name, name), parameter)
    return found


def _task(task: Task, dag: Dag, around: _Surroundings) -> tuple[Task, set[str]]:
    """The mended task, and the elements that its group must have for it."""
    handlers = [_task(handler, dag, around) for handler in task.on_exit]
    arguments = {
        name: _found(binding, around)
        for name, binding in task.arguments.items()
        if not (isinstance(task.body, Dag) and _astray(binding, dag, around))
    }
    loop = task.loop and replace(task.loop, items=_found(task.loop.items, around))
    loop, arguments, body = _with_leftovers(loop, arguments, task.body, around)
    if isinstance(body, Dag):
        elements = _elements(task, loop, dag, around)
        inside = _Surroundings(elements, _filled(body.interface, arguments))
        body, missing = _dag(body, inside)
        arguments.update({name: _found(DagInput(name), around) for name in sorted(missing)})
    used = {
        binding.name
        for binding in (*arguments.values(), *([loop.items] if loop else []))
        if isinstance(binding, DagInput) and binding.name in around.elements
    }
    done = replace(
        task, arguments=arguments, loop=loop, body=body, on_exit=tuple(handler for handler, _ in handlers)
    )
    return done, used.union(*(names for _, names in handlers))


def _with_leftovers(
    loop: Loop | None, arguments: Mapping[str, Binding], body: Step | Importer | Dag, around: _Surroundings
) -> tuple[Loop | None, dict[str, Binding], Step | Importer | Dag]:
    """A task's parts with what kfp left in their texts as placeholders, and one more argument for each."""
    known = around.filled | around.elements.keys()

    def find(channel: str) -> Binding | None:
        wanted = DagInput(channel)
        binding = _found(wanted, around)
        return binding if binding != wanted or channel in known else None

    found: dict[str, Binding] = {}
    for name, binding in arguments.items():
        value, more = restored(binding.value, find) if isinstance(binding, Constant) else (None, {})
        found |= {name: Constant(value) if isinstance(binding, Constant) else binding, **more}
    if loop and isinstance(loop.items, Constant):
        value, more = restored(loop.items.value, find)
        loop, found = replace(loop, items=Constant(value)), {**found, **more}
    if isinstance(body, Importer) and not body.uri_input:
        uri, more = restored(body.uri, find)
        body, found = replace(body, uri=str(uri)), {**found, **more}
    return loop, found, body


def _elements(task: Task, loop: Loop | None, dag: Dag, around: _Surroundings) -> dict[str, Parameter]:
    """The elements around a group's tasks. A pipeline in a pipeline counts its loops anew, from 1."""
    own, body = {}, task.body.interface
    if is_group(task.name):
        own = dict(around.elements)
        for name, (source, parameter) in _channels(dag).items():
            if not (isinstance(source, TaskOutput) and source.task == task.name):
                own[name] = Parameter(name, parameter.type, optional=parameter.optional)
    if loop and loop.item_input in body.parameters:
        own[loop.item_input] = body.parameters[loop.item_input]
    return own


def _filled(interface: Interface, arguments: Mapping[str, Binding]) -> frozenset[str]:
    defaults = {name for name, p in interface.parameters.items() if p.has_default or p.optional}
    return frozenset(arguments) | defaults


def _found(binding: Binding, around: _Surroundings) -> Binding:
    """What a binding means: where nothing fills the input it reads, perhaps an element or a field of it."""
    if not isinstance(binding, DagInput) or binding.name in around.filled:
        return binding
    name = binding.name if binding.name.startswith(CHANNEL) else f"{CHANNEL}{binding.name}"
    if name in around.elements:
        return DagInput(name, binding.path)
    if binding.name in around.sources:
        return replace(around.sources[binding.name], path=binding.path)
    for element in sorted(around.elements, key=len, reverse=True):
        field = name.removeprefix(f"{element}{_FIELD}")
        if field != name and field.isidentifier():
            return DagInput(element, (field, *binding.path))
    return binding


def _astray(binding: Binding, dag: Dag, around: _Surroundings) -> bool:
    """Whether a group is given an element of a loop from outside of that loop, where there is none."""
    if isinstance(binding, DagInput):
        known = around.filled | around.elements.keys()
        lost = binding.name not in known and _found(binding, around) == binding
        return lost and bool(_ELEMENT.fullmatch(binding.name.removeprefix(CHANNEL)))
    if isinstance(binding, TaskOutput) and _ELEMENT.fullmatch(binding.output):
        producer = next((task for task in dag.tasks if task.name == binding.task), None)
        return producer is not None and binding.output not in producer.body.interface.output_parameters
    return False
