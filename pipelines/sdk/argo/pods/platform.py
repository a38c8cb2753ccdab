"""What a pipeline asks of the cluster as a whole: how long its runs stay and may take, a workspace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from pipelines.sdk.argo.pods.checks import quantity
from pipelines.sdk.argo.pods.reader import Reader
from pipelines.sdk.argo.pods.shapes import check_claim
from pipelines.sdk.errors import BadPipeline
from pipelines.sdk.plan import Plan

WORKSPACE: Final = "kfp-workspace"
"""Claim template and volume of the workspace that the tasks of one run share."""

WORKSPACE_PATH: Final = "/kfp-workspace"
"""Where it is mounted: what KFP's `dsl.WORKSPACE_PATH_PLACEHOLDER` stands for."""

_CLAIM: Final = (
    "accessModes",
    "dataSource",
    "dataSourceRef",
    "resources",
    "selector",
    "storageClassName",
    "volumeAttributesClassName",
    "volumeMode",
    "volumeName",
)


def platform_fields(plan: Plan) -> dict[str, Any]:
    """Fields of a WorkflowSpec for the pipeline's own settings; only those that are set.

    Args:
        plan: of the pipeline; times in it are seconds.

    Raises:
        BadPipeline: the workspace is no claim that Kubernetes would take.
    """
    platform = plan.platform
    ttl = {
        "secondsAfterSuccess": platform.ttl_success_seconds,
        "secondsAfterFailure": platform.ttl_failure_seconds,
    }
    fields: dict[str, Any] = {}
    if found := {key: seconds for key, seconds in ttl.items() if seconds}:
        fields["ttlStrategy"] = found
    if platform.deadline_seconds:
        fields["activeDeadlineSeconds"] = platform.deadline_seconds
    if platform.workspace:
        fields["volumeClaimTemplates"] = [_claim(platform.workspace, platform.workspace_patch)]
        # A retry of a failed run goes on where it stopped, with the files of its finished steps; the claim
        # belongs to the workflow, and goes with it.
        fields["volumeClaimGC"] = {"strategy": "OnWorkflowSuccess"}
    return fields


def _claim(size: str, patch: Mapping[str, Any]) -> dict[str, Any]:
    reader = Reader("")
    reader.only("workspace", patch, _CLAIM)
    if "{{" in str(patch):
        reader.problem("workspace", "Argo would replace what is between {{ and }}", "leave out the braces")
    spec: dict[str, Any] = {"accessModes": ["ReadWriteOnce"], **patch}
    storage = {"requests": {"storage": quantity("workspace", size, reader)}}
    resources = spec.get("resources", {})
    spec["resources"] = {**resources, **storage} if isinstance(resources, dict) else resources
    claim = {"metadata": {"name": WORKSPACE}, "spec": spec}
    if not reader.problems:
        check_claim("workspace", claim, reader)
    if reader.problems:
        raise BadPipeline(*(replace(each, where=_of_pipeline(each.where)) for each in reader.problems))
    return claim


def _of_pipeline(where: str) -> str:
    return f"pipeline config{where.removeprefix('task ')}"
