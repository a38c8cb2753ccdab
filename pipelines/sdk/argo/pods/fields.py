"""A step's settings as fields of its template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.sdk.argo.pods.defaults import container_defaults
from pipelines.sdk.errors import Finding
from pipelines.sdk.plan import Step


@dataclass(frozen=True)
class PodFields:
    """A step's pod, as parts of Argo's objects.

    Args:
        template: fields of its template, beside the container.
        container: all fields of its container but image, command and arguments.
        spec: fields of the WorkflowSpec that it needs.
        warnings: what works, but perhaps not as meant.
    """

    template: Mapping[str, Any]
    container: Mapping[str, Any]
    spec: Mapping[str, Any]
    warnings: tuple[Finding, ...]


def pod_fields(step: Step, path: str) -> PodFields:
    """Maps a step's settings to fields of Argo and Kubernetes.

    Args:
        step: the step.
        path: of its task, for messages.
    """
    return PodFields({}, container_defaults(), {}, ())
