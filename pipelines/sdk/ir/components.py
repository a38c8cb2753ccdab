"""Component specs and executors of IR -> interfaces and steps."""

from __future__ import annotations

import re
from typing import Any

import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2 as pb

from pipelines.sdk.errors import BadPipeline, Finding
from pipelines.sdk.ir.load import Documents
from pipelines.sdk.plan import Importer, PythonCode, Resources, Step
from pipelines.sdk.values import ArtifactSpec, Interface, Json, Parameter, ParameterType

# SDK 2.0 had the executor in kfp.components, later ones in kfp.dsl.
_EXECUTOR_MAIN = re.compile(r"-m\s+kfp(\.\w+)*\.executor_main\s.*--component_module_path", re.S)
_PIP_INSTALL = re.compile(r"pip\s+install\s+(?P<arguments>[^&\n]*)")
EXACT = 2**53  # beyond it, a double no longer says which whole number was meant
_LEGACY_TYPES = {"INT": ParameterType.INTEGER, "DOUBLE": ParameterType.DOUBLE, "STRING": ParameterType.STRING}


def json_value(value: Any) -> Any:
    """A protobuf Value or Struct as JSON; whole numbers become ints, since protobuf knows doubles alone."""
    if "kind" in value.DESCRIPTOR.oneofs_by_name and value.WhichOneof("kind") is None:
        return None
    return _whole(json_format.MessageToDict(value))


def _whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer() and abs(value) <= EXACT:
        return int(value)
    if isinstance(value, list):
        return [_whole(each) for each in value]
    if isinstance(value, dict):
        # A protobuf map has another order in every process.
        return {key: _whole(each) for key, each in sorted(value.items())}
    return value


def typed(value: Json, kind: ParameterType) -> Json:
    """A number as its declared type has it (in IR, 1 and 1.0 are the same)."""
    if kind is ParameterType.DOUBLE and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value


def interface(component: Any) -> Interface:
    """The inputs and outputs of a component spec."""
    inputs, outputs = component.input_definitions, component.output_definitions
    return Interface(
        parameters={name: _parameter(name, spec) for name, spec in sorted(inputs.parameters.items())},
        artifacts={name: _artifact(name, spec) for name, spec in sorted(inputs.artifacts.items())},
        output_parameters={name: _parameter(name, spec) for name, spec in sorted(outputs.parameters.items())},
        output_artifacts={name: _artifact(name, spec) for name, spec in sorted(outputs.artifacts.items())},
    )


def _parameter(name: str, spec: Any) -> Parameter:
    kind = _type(spec)
    fields = spec.DESCRIPTOR.fields_by_name
    has_default = "default_value" in fields and spec.HasField("default_value")
    default = typed(json_value(spec.default_value), kind) if has_default else None
    return Parameter(
        name=name,
        type=kind,
        has_default=has_default and default is not None,
        default=default,
        optional="is_optional" in fields and spec.is_optional,
        literals=tuple(typed(json_value(v), kind) for v in spec.literals) if "literals" in fields else (),
        description=spec.description,
    )


def _type(spec: Any) -> ParameterType:
    if spec.parameter_type:
        return ParameterType(pb.ParameterType.ParameterTypeEnum.Name(spec.parameter_type))
    legacy = pb.PrimitiveType.PrimitiveTypeEnum.Name(spec.type)
    return _LEGACY_TYPES.get(legacy, ParameterType.STRING)


def _artifact(name: str, spec: Any) -> ArtifactSpec:
    schema = spec.artifact_type
    metadata = json_value(spec.metadata) if "metadata" in spec.DESCRIPTOR.fields_by_name else {}
    return ArtifactSpec(
        name=name,
        schema_title=schema_title(schema),
        schema_version=schema.schema_version or "0.0.1",
        is_list=spec.is_artifact_list,
        optional="is_optional" in spec.DESCRIPTOR.fields_by_name and spec.is_optional,
        metadata=metadata,
        description=spec.description,
    )


def schema_title(schema: Any) -> str:
    """The artifact type's name; an instance schema (SDK 2.0, custom types) has it as its title."""
    if schema.instance_schema:
        parsed = yaml.safe_load(schema.instance_schema)
        if isinstance(parsed, dict):
            return str(parsed.get("title", "system.Artifact"))
    return str(schema.schema_title or schema.schema_uri or "system.Artifact")


def step_or_importer(name: str, component: Any, documents: Documents) -> Step | Importer:
    """The body of a component that is no group.

    Raises:
        BadPipeline: where its executor is missing, or of a kind that no backend runs.
    """
    label = component.executor_label
    if not label:
        raise BadPipeline(Finding("it has neither tasks nor an executor", f"component {name}"))
    if label not in documents.deployment.executors:
        raise BadPipeline(Finding(f"executor {label!r} is not in the deploymentSpec", f"component {name}"))
    executor = documents.deployment.executors[label]
    kind = executor.WhichOneof("spec")
    if kind == "container":
        return _step(name, component, executor.container, documents.kubernetes.get(label, {}))
    if kind == "importer":
        return _importer(component, executor.importer)
    raise BadPipeline(
        Finding(
            f"executors of kind {kind or 'none'} run nowhere but on Vertex AI",
            f"component {name}",
            "write it as a container component",
        )
    )


def _step(name: str, component: Any, container: Any, kubernetes: Any) -> Step:
    if container.lifecycle.ByteSize():
        raise BadPipeline(
            Finding("lifecycle.preCacheCheck is not supported, nor is it in KFP", f"component {name}")
        )
    command, args = tuple(container.command), tuple(container.args)
    return Step(
        component=name.removeprefix("comp-"),
        interface=interface(component),
        image=container.image,
        command=command,
        args=args,
        env={variable.name: variable.value for variable in container.env},
        resources=_resources(container.resources),
        python=python_code(command, args),
        kubernetes=kubernetes,
        passthrough={
            pb.TaskConfigPassthroughType.TaskConfigPassthroughTypeEnum.Name(each.field): each.apply_to_task
            for each in component.task_config_passthroughs
        },
    )


def python_code(command: tuple[str, ...], args: tuple[str, ...]) -> PythonCode | None:
    """The source of a lightweight component, or None where the command is anything else."""
    runs = [i for i, text in enumerate(command) if _EXECUTOR_MAIN.search(text)]
    if not runs or runs[-1] + 1 >= len(command) or "--function_to_execute" not in args:
        return None
    at = args.index("--function_to_execute") + 1
    if at >= len(args):
        return None
    packages = [
        requirement
        for text in command[: runs[-1]]
        for match in _PIP_INSTALL.finditer(text)
        for requirement in re.findall(r"'([^']+)'", match["arguments"])
        if not requirement.startswith(("-", "kfp==")) and requirement != "kfp"
    ]
    return PythonCode(command[runs[-1] + 1], args[at], tuple(dict.fromkeys(packages)))


def _resources(spec: Any) -> Resources:
    """The text fields win over the deprecated numbers (memory in GB), as in KFP's driver."""

    def number(value: float, unit: str = "") -> str:
        return f"{value:g}{unit}" if value else ""

    return Resources(
        cpu_request=spec.resource_cpu_request or number(spec.cpu_request),
        cpu_limit=spec.resource_cpu_limit or number(spec.cpu_limit),
        memory_request=spec.resource_memory_request or number(spec.memory_request, "G"),
        memory_limit=spec.resource_memory_limit or number(spec.memory_limit, "G"),
        accelerator_type=spec.accelerator.resource_type or spec.accelerator.type,
        accelerator_count=spec.accelerator.resource_count or number(spec.accelerator.count),
    )


def _importer(component: Any, spec: Any) -> Importer:
    uri = spec.artifact_uri
    kind = uri.WhichOneof("value")
    constant = json_value(uri.constant) if kind == "constant" else uri.constant_value.string_value
    return Importer(
        interface=interface(component),
        uri=uri.runtime_parameter if kind == "runtime_parameter" else str(constant),
        uri_input=kind == "runtime_parameter",
        metadata=json_value(spec.metadata),
        reimport=spec.reimport,
        download_to_workspace=spec.download_to_workspace,
    )
