"""The settings of kfp-kubernetes as they stand in a Plan: their shape, and what they refer to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from google.protobuf import json_format
from google.protobuf.message import Message
from kfp.pipeline_spec import pipeline_spec_pb2 as ir

from pipelines.sdk.argo.pods import proto
from pipelines.sdk.argo.pods.reaching import PREFIX, handed_in
from pipelines.sdk.errors import BadPipeline, Finding
from pipelines.sdk.ir import bindings
from pipelines.sdk.ir.shape import misfits
from pipelines.sdk.ir.values import json_value
from pipelines.sdk.plan import Dag, Plan, Step, Task
from pipelines.sdk.values import Binding, Constant, DagInput, Interface, TaskOutput

_REFERENCE: Final = ir.TaskInputsSpec.InputParameterSpec.DESCRIPTOR.full_name
_OLD_REFERENCES: Final = ("component_input_parameter", "task_output_parameter")


def normalised(kubernetes: Mapping[str, Any], where: str) -> dict[str, Any]:
    """A step's settings in the one spelling that the rest of this package reads.

    Args:
        kubernetes: as they stand in the platform document.
        where: path of the task, for messages.

    Raises:
        BadPipeline: with each key that kfp-kubernetes does not know, and each value of a wrong type.
    """
    found: dict[str, Any] = json_value(_message(kubernetes, where))
    return found


def _message(kubernetes: Mapping[str, Any], where: str) -> Message:
    findings = [
        Finding(f"{each.path}: {each.what}", f"task {where}, kubernetes", each.mend or "remove it")
        for each in misfits(dict(kubernetes), proto.descriptor())
    ]
    if findings:
        raise BadPipeline(*findings)
    try:
        message: Message = json_format.ParseDict(dict(kubernetes), proto.message())
    except json_format.ParseError as error:
        text = " ".join(str(error).split())
        raise BadPipeline(Finding(f"protobuf refuses it: {text}", f"task {where}, kubernetes")) from error
    return message


def settings_as_inputs(plan: Plan) -> Plan:
    """A Plan in which no setting refers beyond its own step.

    KFP resolves a setting's reference in the group around the step. Argo can only do so inside the step's
    template; so the step is given one more argument, which travels as all others do, and the setting
    refers to that one: `{"runtimeValue": {"runtimeParameter": NAME}}`.

    Args:
        plan: of the pipeline.

    Raises:
        BadPipeline: a setting is unknown, or refers to what is not there.
    """
    return replace(plan, root=handed_in(_dag(plan.root, "")))


def _dag(dag: Dag, prefix: str) -> Dag:
    return replace(dag, tasks=tuple(_task(task, f"{prefix}{task.name}") for task in dag.tasks))


def _task(task: Task, path: str) -> Task:
    parent = path.rpartition("/")[0]
    handlers = tuple(_task(each, f"{parent}/{each.name}".lstrip("/")) for each in task.on_exit)
    task = replace(task, on_exit=handlers)
    if isinstance(task.body, Dag):
        return replace(task, body=_dag(task.body, f"{path}/"))
    if not isinstance(task.body, Step) or not task.body.kubernetes:
        return task
    message = _message(task.body.kubernetes, path)
    arguments = dict(task.arguments)
    # An input of the component can have a default of its own, which is none of the setting's.
    shared = {n: b for n, b in arguments.items() if n not in task.body.interface.parameters}
    for spec in _specs(message):
        _take(spec, arguments, shared, path)
    body = replace(task.body, kubernetes=json_value(message))
    return replace(task, body=body, arguments=arguments)


def _specs(message: Message) -> Iterator[Any]:
    """Every InputParameterSpec in a message; the older form of a claim's reference becomes one."""
    fields = message.DESCRIPTOR.fields_by_name
    if "pvc_name_parameter" in fields:
        _renew(message)
    for descriptor, value in message.ListFields():
        if descriptor.message_type is None or descriptor.message_type.GetOptions().map_entry:
            continue
        for each in value if descriptor.is_repeated else (value,):
            if each.DESCRIPTOR.full_name == _REFERENCE:
                yield each
            else:
                yield from _specs(each)


def _renew(mount: Any) -> None:
    old = mount.WhichOneof("pvc_reference")
    if old in _OLD_REFERENCES and not mount.HasField("pvc_name_parameter"):
        value = getattr(mount, old)
        if old == "task_output_parameter":
            mount.pvc_name_parameter.task_output_parameter.CopyFrom(value)
        else:
            mount.pvc_name_parameter.component_input_parameter = value
    if old in _OLD_REFERENCES:
        mount.ClearField(old)


def _take(spec: Any, arguments: dict[str, Binding], shared: dict[str, Binding], path: str) -> None:
    where = f"task {path}, kubernetes"
    task = ir.PipelineTaskSpec()
    task.inputs.parameters["reference"].CopyFrom(spec)
    binding = bindings.arguments(task, Interface(), where)["reference"]
    if isinstance(binding, Constant):
        return
    if not isinstance(binding, DagInput | TaskOutput):
        raise BadPipeline(Finding("how a task ended cannot decide on a pod", where, "use an output instead"))
    name = next((n for n, known in shared.items() if known == binding), "")
    name = name or _new_name(binding, arguments)
    arguments[name] = shared[name] = binding
    spec.Clear()
    spec.runtime_value.runtime_parameter = name


def _new_name(binding: DagInput | TaskOutput, arguments: Mapping[str, Binding]) -> str:
    source = binding.name if isinstance(binding, DagInput) else f"{binding.task}-{binding.output}"
    name = wished = f"{PREFIX}{'-'.join((source, *binding.path))}"
    number = 1
    while name in arguments:
        number += 1
        name = f"{wished}-{number}"
    return name
