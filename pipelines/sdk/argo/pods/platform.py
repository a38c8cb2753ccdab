"""What a pipeline asks of the cluster as a whole: how long its runs stay and may take, a workspace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pipelines.sdk.plan import Plan

WORKSPACE: Final = "kfp-workspace"
"""Claim template and volume of the workspace that the tasks of one run share."""

WORKSPACE_PATH: Final = "/kfp-workspace"
"""Where it is mounted: what KFP's `dsl.WORKSPACE_PATH_PLACEHOLDER` stands for."""


def platform_fields(plan: Plan) -> dict[str, Any]:
    """Fields of a WorkflowSpec for the pipeline's own settings; only those that are set.

    Args:
        plan: of the pipeline; times in it are seconds.
    """
    platform = plan.platform
    ttl = {
        "secondsAfterSuccess": platform.ttl_success_seconds,
        "secondsAfterFailure": platform.ttl_failure_seconds,
    }
    fields: dict[str, Any] = {}
    if kept := {key: seconds for key, seconds in ttl.items() if seconds}:
        fields["ttlStrategy"] = kept
    if platform.deadline_seconds:
        fields["activeDeadlineSeconds"] = platform.deadline_seconds
    if platform.workspace:
        fields["volumeClaimTemplates"] = [_claim(platform.workspace, platform.workspace_patch)]
        # Argo keeps the claims of a failed run otherwise, and nobody would find them.
        fields["volumeClaimGC"] = {"strategy": "OnWorkflowCompletion"}
    return fields


def _claim(size: str, patch: Mapping[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "accessModes": ["ReadWriteOnce"],
        **patch,
        "resources": {"requests": {"storage": size}},
    }
    return {"metadata": {"name": WORKSPACE}, "spec": spec}
