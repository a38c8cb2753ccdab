"""A step's settings as the value of its `dsl.TaskConfig` input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from pipelines.sdk.argo.pods.environment import BRACE, variables
from pipelines.sdk.argo.pods.passing import handed_over
from pipelines.sdk.argo.pods.reader import Reader
from pipelines.sdk.argo.pods.resources import requirements
from pipelines.sdk.argo.pods.scheduling import placement
from pipelines.sdk.argo.pods.settings import normalised
from pipelines.sdk.argo.pods.volumes import collect
from pipelines.sdk.argo.travel import Carrier
from pipelines.sdk.errors import BadPipeline
from pipelines.sdk.plan import Resources, Step
from pipelines.sdk.values import ParameterType


def task_config(step: Step, path: str, inputs: Mapping[str, Carrier] | None = None) -> dict[str, Any]:
    """What a component that asks for its own settings is told, in Kubernetes' own form.

    Args:
        step: says in `passthrough` what it wants to know.
        path: of its task, for messages.
        inputs: as its template receives them; see `pod_fields`.

    Raises:
        BadPipeline: a setting cannot be honoured, or is not known before the step starts.
    """
    step = handed_over(replace(step, kubernetes=normalised(step.kubernetes, path)))
    reader = Reader(path, inputs)
    mounts = collect(step.kubernetes, reader)
    told: dict[str, Any] = placement(step.kubernetes, reader)
    told["env"] = [_as_written(each, step) for each in variables(step, [], reader) if _is_asked(each, step)]
    told["volumes"] = list(mounts.volumes.values())
    told["volumeMounts"] = [mount for mount in mounts.mounts.values() if mount]
    told["resources"] = _quantities(step.resources, reader)
    if reader.patch.text():
        mend = "write constants into the settings that it asks for"
        reader.problem("TaskConfig", "it asks for settings that are only known when it starts", mend)
    if reader.problems:
        raise BadPipeline(*reader.problems)
    return {key: value for key, value in told.items() if value}


def _quantities(resources: Resources, reader: Reader) -> dict[str, Any]:
    """Requests and limits; with placeholders in them as they stand, since a launcher resolves them."""
    texts = asdict(resources)
    if not any("{{$" in text for text in texts.values()):
        return requirements(resources, {}, reader)
    limits = {"cpu": resources.cpu_limit, "memory": resources.memory_limit}
    if resources.accelerator_count:
        limits[resources.accelerator_type] = resources.accelerator_count
    groups = {
        "requests": {"cpu": resources.cpu_request, "memory": resources.memory_request},
        "limits": limits,
    }
    known = {name: {key: text for key, text in group.items() if text} for name, group in groups.items()}
    return {name: group for name, group in known.items() if group}


def _is_asked(variable: Mapping[str, Any], step: Step) -> bool:
    return variable["name"] != BRACE or BRACE in step.env


def _as_written(variable: dict[str, Any], step: Step) -> dict[str, Any]:
    """The author's text, without what keeps Argo and the kubelet from replacing anything in it."""
    return {**variable, "value": step.env[variable["name"]]} if "value" in variable else variable


def with_task_config(step: Step, path: str, inputs: Mapping[str, Carrier] | None = None) -> Step:
    """The step with its settings as the value of its `dsl.TaskConfig` input, if it has one.

    Args:
        step: any.
        path: of its task, for messages.
        inputs: as its template receives them; see `pod_fields`.

    Raises:
        BadPipeline: see `task_config`.
    """
    parameters = dict(step.interface.parameters)
    asking = [name for name, each in parameters.items() if each.type is ParameterType.TASK_CONFIG]
    if not asking or not step.passthrough:
        return step
    known = task_config(step, path, inputs)
    parameters |= {name: replace(parameters[name], has_default=True, default=known) for name in asking}
    return replace(step, interface=replace(step.interface, parameters=parameters))
