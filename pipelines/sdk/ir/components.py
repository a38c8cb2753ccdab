"""Component specs and executors of IR -> interfaces and steps."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from typing import Any

from kfp.pipeline_spec import pipeline_spec_pb2 as pb

from pipelines.sdk.errors import BadPipeline, Finding
from pipelines.sdk.ir.load import Documents
from pipelines.sdk.ir.values import json_value, typed
from pipelines.sdk.ir.yamltext import BadYaml, documents
from pipelines.sdk.plan import Importer, PythonCode, Resources, Step
from pipelines.sdk.values import ArtifactSpec, Interface, Parameter, ParameterType

# SDK 2.0 had the executor in kfp.components, later ones in kfp.dsl.
_EXECUTOR_MAIN = re.compile(r"-m\s+kfp(\.\w+)*\.executor_main\s.*--component_module_path", re.S)
_QUOTED = r"""'((?:[^'\\]|\\.)*)'|"([^"]*)\""""
_PIP_INSTALL = re.compile(rf"""pip\s+install(?P<arguments>(?:[ \t]+(?:{_QUOTED}|[^\s&'"]+))*)""")
_LEGACY_TYPES = {"INT": ParameterType.INTEGER, "DOUBLE": ParameterType.DOUBLE, "STRING": ParameterType.STRING}


def interface(component: Any, where: str) -> Interface:
    """The inputs and outputs of a component spec.

    Args:
        component: the spec.
        where: its name, for messages.

    Raises:
        BadPipeline: with every parameter that has no type, or artifact that has what no backend reads.
    """
    inputs, outputs = component.input_definitions, component.output_definitions
    findings = [
        Finding("it has no parameterType", f"{where}, {kind} {name}")
        for kind, specs in (("input", inputs.parameters), ("output", outputs.parameters))
        for name, spec in sorted(specs.items())
        if _type(spec) is None
    ]
    findings += [
        Finding("`properties` are read by no backend", f"{where}, output {name}", "write them as metadata")
        for name, spec in sorted(outputs.artifacts.items())
        if spec.properties or spec.custom_properties
    ]
    if component.single_platform_specs:
        mend = "put them in the platform document, the second of the file"
        findings.append(Finding("`singlePlatformSpecs` of a component are read by no backend", where, mend))
    if findings:
        raise BadPipeline(*findings)
    return Interface(
        parameters={name: _parameter(name, spec) for name, spec in sorted(inputs.parameters.items())},
        artifacts={name: _artifact(name, spec) for name, spec in sorted(inputs.artifacts.items())},
        output_parameters={name: _parameter(name, spec) for name, spec in sorted(outputs.parameters.items())},
        output_artifacts={name: _artifact(name, spec) for name, spec in sorted(outputs.artifacts.items())},
    )


def _parameter(name: str, spec: Any) -> Parameter:
    """An input or output; only the first can have a default, be optional or be of a few values."""
    kind = _type(spec) or ParameterType.STRING
    if "default_value" not in spec.DESCRIPTOR.fields_by_name:
        return Parameter(name=name, type=kind, description=spec.description)
    default = typed(json_value(spec.default_value), kind) if spec.HasField("default_value") else None
    return Parameter(
        name=name,
        type=kind,
        has_default=default is not None,
        default=default,
        # null as the default: it may be absent
        optional=spec.is_optional or (spec.HasField("default_value") and default is None),
        literals=tuple(typed(json_value(v), kind) for v in spec.literals),
        description=spec.description,
    )


def _type(spec: Any) -> ParameterType | None:
    if spec.parameter_type:
        return ParameterType(pb.ParameterType.ParameterTypeEnum.Name(spec.parameter_type))
    return _LEGACY_TYPES.get(pb.PrimitiveType.PrimitiveTypeEnum.Name(spec.type))


def _artifact(name: str, spec: Any) -> ArtifactSpec:
    """An input or output; only the first can be optional, only the second has metadata."""
    fields = spec.DESCRIPTOR.fields_by_name
    return ArtifactSpec(
        name=name,
        schema_title=_schema_title(spec.artifact_type),
        schema_version=spec.artifact_type.schema_version or "0.0.1",
        is_list=spec.is_artifact_list,
        optional="is_optional" in fields and spec.is_optional,
        metadata=json_value(spec.metadata) if "metadata" in fields else {},
        description=spec.description,
    )


def _schema_title(schema: Any) -> str:
    """The artifact type's name; an instance schema (SDK 2.0, custom types) is YAML with a title."""
    title = None
    if schema.instance_schema:
        with suppress(BadYaml):
            parsed = documents(schema.instance_schema)
            title = parsed[0].get("title") if parsed and isinstance(parsed[0], dict) else None
    return str(title or schema.schema_title or schema.schema_uri or "system.Artifact")


def step_or_importer(name: str, component: Any, compiled: Documents) -> Step | Importer:
    """The body of a component that is no group.

    Args:
        name: of the component.
        component: its spec.
        compiled: where its executor is.

    Raises:
        BadPipeline: where its executor is missing, or of a kind that no backend runs.
    """
    where, label = f"component {name}", component.executor_label
    if not label:
        raise BadPipeline(Finding("it has neither tasks (dag) nor an executor (executorLabel)", where))
    if label not in compiled.deployment.executors:
        known = ", ".join(sorted(compiled.deployment.executors)) or "none"
        raise BadPipeline(
            Finding(f"executor {label!r} is not in the deploymentSpec", where, f"those there: {known}")
        )
    executor = compiled.deployment.executors[label]
    kind = executor.WhichOneof("spec")
    if kind == "container":
        return _step(name, component, executor.container, compiled.kubernetes.get(label, {}))
    if kind == "importer":
        return _importer(name, component, executor.importer)
    if kind is None:
        raise BadPipeline(Finding(f"its executor {label!r} has neither container nor importer", where))
    mend = "write it as a container component"
    raise BadPipeline(Finding(f"executors of kind {kind} run nowhere but on Vertex AI", where, mend))


def _step(name: str, component: Any, container: Any, kubernetes: Any) -> Step:
    where = f"component {name}"
    if container.HasField("lifecycle"):
        raise BadPipeline(Finding("lifecycle.preCacheCheck is not supported, nor is it in KFP", where))
    if not container.image:
        raise BadPipeline(Finding("its container has no image", where))
    command, args = tuple(container.command), tuple(container.args)
    return Step(
        component=name.removeprefix("comp-"),
        interface=interface(component, where),
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
    runs = next((i for i, text in enumerate(command) if _EXECUTOR_MAIN.search(text)), len(command))
    if runs + 1 >= len(command) or "--function_to_execute" not in args[:-1]:
        return None
    at = args.index("--function_to_execute") + 1
    packages = [
        requirement
        for text in command[:runs]
        for match in _PIP_INSTALL.finditer(text)
        for single, double in re.findall(_QUOTED, match["arguments"])
        if (requirement := double or re.sub(r"\\(.)", r"\1", single))
        if not requirement.startswith(("-", "kfp==")) and requirement != "kfp"
    ]
    return PythonCode(command[runs + 1], args[at], tuple(dict.fromkeys(packages)))


def _resources(spec: Any) -> Resources:
    """The text fields win over the deprecated numbers (memory in GB), as in KFP's driver."""

    def number(value: float, unit: str = "") -> str:
        return f"{str(value).removesuffix('.0')}{unit}" if value else ""

    return Resources(
        cpu_request=spec.resource_cpu_request or number(spec.cpu_request),
        cpu_limit=spec.resource_cpu_limit or number(spec.cpu_limit),
        memory_request=spec.resource_memory_request or number(spec.memory_request, "G"),
        memory_limit=spec.resource_memory_limit or number(spec.memory_limit, "G"),
        accelerator_type=spec.accelerator.resource_type or spec.accelerator.type,
        accelerator_count=spec.accelerator.resource_count or number(spec.accelerator.count),
    )


def _importer(name: str, component: Any, spec: Any) -> Importer:
    where, takes = f"component {name}", interface(component, f"component {name}")
    if len(takes.output_artifacts) != 1 or takes.output_parameters:
        raise BadPipeline(Finding("an importer has exactly one output, an artifact", where))
    if spec.properties or spec.custom_properties:
        mend = "write them as metadata"
        raise BadPipeline(Finding("`properties` of an importer are read by no backend", where, mend))
    kind = spec.artifact_uri.WhichOneof("value")
    uri = spec.artifact_uri.runtime_parameter
    if kind == "constant":
        uri = json_value(spec.artifact_uri.constant)
    elif kind == "constant_value":
        uri = spec.artifact_uri.constant_value.string_value
    if not isinstance(uri, str) or not uri:
        what = "its artifactUri is empty" if uri in ("", None) else "its artifactUri is no text"
        raise BadPipeline(Finding(what, where, "give dsl.importer the address of what it is to bring"))
    return Importer(
        interface=_of_type(takes, spec.type_schema),
        uri=uri,
        uri_input=kind == "runtime_parameter",
        metadata=json_value(spec.metadata),
        reimport=spec.reimport,
        download_to_workspace=spec.download_to_workspace,
    )


def _of_type(takes: Interface, schema: Any) -> Interface:
    """The importer says of what type the artifact is; its component says it again, but need not."""
    if not schema.WhichOneof("kind"):
        return takes
    typed_outputs = {
        name: replace(
            artifact, schema_title=_schema_title(schema), schema_version=schema.schema_version or "0.0.1"
        )
        for name, artifact in takes.output_artifacts.items()
    }
    return replace(takes, output_artifacts=typed_outputs)
