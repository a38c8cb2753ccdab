"""A step's settings as the value of its `dsl.TaskConfig` input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pipelines.sdk.argo.pods.environment import variables
from pipelines.sdk.argo.pods.passing import handed_over
from pipelines.sdk.argo.pods.reader import Reader
from pipelines.sdk.argo.pods.resources import requirements
from pipelines.sdk.argo.pods.scheduling import placement
from pipelines.sdk.argo.pods.settings import normalised
from pipelines.sdk.argo.pods.volumes import collect
from pipelines.sdk.argo.travel import Carrier
from pipelines.sdk.errors import BadPipeline
from pipelines.sdk.plan import Step


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
    told["env"] = variables(step, [], reader)
    told["volumes"] = list(mounts.volumes.values())
    told["volumeMounts"] = [mount for mount in mounts.mounts.values() if mount]
    told["resources"] = requirements(step.resources, {}, reader)
    if reader.patch.text():
        mend = "write constants into the settings that it asks for"
        reader.problem("TaskConfig", "it asks for settings that are only known when it starts", mend)
    if reader.problems:
        raise BadPipeline(*reader.problems)
    return {key: value for key, value in told.items() if value}
