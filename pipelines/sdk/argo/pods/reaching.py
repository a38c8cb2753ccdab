"""Settings that refer to what is outside of the group around their step.

Older SDKs hand a group what its tasks read, but not what their settings do: a claim that was created before a
condition and is mounted inside of it is named as if its creator stood beside the step. Here the groups hand
it on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from pipelines.sdk.errors import BadPipeline, Finding
from pipelines.sdk.ir.items import is_group
from pipelines.sdk.launch.inputs import CHANNEL
from pipelines.sdk.plan import Dag, Task
from pipelines.sdk.values import Binding, DagInput, Parameter, ParameterType, TaskOutput

PREFIX: Final = "setting--"
"""Of the inputs that a step has for the sake of its settings alone."""

_Source = DagInput | TaskOutput
_Wanted = dict[str, tuple[_Source, str]]  # by name in the group; with the path of a step that wants it


def handed_in(root: Dag) -> Dag:
    """The pipeline, where each group is given what the settings of the steps in it refer to.

    Args:
        root: whose steps have the references of their settings as arguments.

    Raises:
        BadPipeline: a setting refers to what is nowhere around its step.
    """
    return _dag(root, "")[0]


def _dag(dag: Dag, prefix: str) -> tuple[Dag, _Wanted]:
    wanted: _Wanted = {}
    tasks = tuple(_task(task, dag, prefix, wanted) for task in dag.tasks)
    if wanted and not is_group(prefix.rstrip("/").rpartition("/")[2]):
        raise BadPipeline(*(_lost(source, path) for source, path in wanted.values()))
    added = {name: Parameter(name, ParameterType.STRING, optional=True) for name in wanted}
    interface = replace(dag.interface, parameters={**dag.interface.parameters, **added})
    return replace(dag, tasks=tasks, interface=interface), wanted


def _lost(source: _Source, path: str) -> Finding:
    where = f"task {path}, kubernetes"
    if isinstance(source, TaskOutput):
        what = f"a setting refers to output {source.output!r} of task {source.task!r}, which is not there"
        return Finding(what, where, "let it refer to an output that a task before this one has")
    what = f"a setting refers to {source.name!r}, which the pipeline around it does not have"
    return Finding(what, where, "let it refer to an input of the pipeline, or to a task's output")


def _task(task: Task, dag: Dag, prefix: str, wanted: _Wanted) -> Task:
    """The task with all that is missing from its arguments; what the group itself has not, it wants."""
    handlers = tuple(_task(each, dag, prefix, wanted) for each in task.on_exit)
    arguments: dict[str, Binding] = dict(task.arguments)
    body = task.body
    missing: _Wanted = {}
    if isinstance(body, Dag):
        body, missing = _dag(body, f"{prefix}{task.name}/")
    for name, each in task.arguments.items():
        if name.startswith(PREFIX) and isinstance(each, DagInput | TaskOutput):
            missing[name] = (each, f"{prefix}{task.name}")
    for name, (source, path) in missing.items():
        arguments[name] = _found(source, dag) or _later(source, path, wanted)
    return replace(task, arguments=arguments, body=body, on_exit=handlers)


def _found(binding: _Source, dag: Dag) -> _Source | None:
    if isinstance(binding, TaskOutput):
        outputs = {task.name: task.body.interface.output_parameters for task in dag.tasks}
        return binding if binding.output in outputs.get(binding.task, {}) else None
    names = (binding.name, f"{CHANNEL}{binding.name}")
    known: Mapping[str, Parameter] = dag.interface.parameters
    return next((DagInput(name, binding.path) for name in names if name in known), None)


def _later(source: _Source, path: str, wanted: _Wanted) -> DagInput:
    label = source.name if isinstance(source, DagInput) else f"{source.task}-{source.output}"
    name = label if label.startswith(PREFIX) else f"{PREFIX}{label}"
    whole = replace(source, path=())
    while wanted.setdefault(name, (whole, path))[0] != whole:
        name = f"{name}-2"
    return DagInput(name, source.path)
