"""Loop elements inside text: the SDK loses their way, and here they are led back.

`say(text=f"<{item.a}>")` compiles to a task that reads `item.a` from a place that does not have it: an input
of the pipeline around the loop, or one that nobody fills (kfp 2.0 to 2.17). The names say what was meant.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from pipelines.sdk.plan import Dag, Loop, Task
from pipelines.sdk.values import Binding, DagInput, Interface, Parameter, TaskOutput

CHANNEL = "pipelinechannel--"
"""What a group calls the values that come from outside of it begins with this."""

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
        elements: of the loops around it, by the name they have in their loop's body.
        filled: its inputs that something fills.
    """

    elements: Mapping[str, Parameter]
    filled: frozenset[str]


def _dag(dag: Dag, around: _Surroundings) -> tuple[Dag, frozenset[str]]:
    """The mended group, and the elements that it must be given in addition."""
    mended = [_task(task, dag, around) for task in dag.tasks]
    wanted = frozenset(name for _, names in mended for name in names) - around.filled
    added = {name: around.elements[name] for name in sorted(wanted)}
    interface = replace(dag.interface, parameters={**dag.interface.parameters, **added})
    return replace(dag, interface=interface, tasks=tuple(task for task, _ in mended)), wanted


def _task(task: Task, dag: Dag, around: _Surroundings) -> tuple[Task, set[str]]:
    """The mended task, and the elements that its group must have for it."""
    handlers = [_task(handler, dag, around) for handler in task.on_exit]
    arguments = {
        name: _found(binding, around)
        for name, binding in task.arguments.items()
        if not (isinstance(task.body, Dag) and _astray(binding, dag, around))
    }
    loop = task.loop and replace(task.loop, items=_found(task.loop.items, around))
    body = task.body
    if isinstance(body, Dag):
        elements = _elements(task.name, loop, body.interface, around)
        inside = _Surroundings(elements, _filled(body.interface, arguments))
        body, missing = _dag(body, inside)
        arguments.update({name: DagInput(name) for name in sorted(missing)})
    used = {
        binding.name
        for binding in (*arguments.values(), *([loop.items] if loop else []))
        if isinstance(binding, DagInput) and binding.name in around.elements
    }
    done = replace(
        task, arguments=arguments, loop=loop, body=body, on_exit=tuple(handler for handler, _ in handlers)
    )
    return done, used.union(*(names for _, names in handlers))


def _elements(name: str, loop: Loop | None, body: Interface, around: _Surroundings) -> dict[str, Parameter]:
    """The elements around a group's tasks. A pipeline in a pipeline counts its loops anew, from 1."""
    own = {} if not is_group(name) else dict(around.elements)
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
