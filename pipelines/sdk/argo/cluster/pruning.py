"""ConfigMaps of earlier versions of a pipeline, which nothing needs any more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pipelines.sdk import kube
from pipelines.sdk.argo.cluster.kinds import (
    COMPLETED_LABEL,
    CONFIG_MAP,
    OURS,
    PHASE_LABEL,
    TEMPLATE,
    WORKFLOW,
)
from pipelines.sdk.argo.cluster.references import used_config_maps
from pipelines.sdk.argo.options import NAME_LABEL
from pipelines.sdk.errors import PipelineError
from pipelines.sdk.kube import Cluster, Selection

_UNFINISHED = f"{COMPLETED_LABEL}!=true"
_CAN_BE_RETRIED = f"{PHASE_LABEL} in (Failed,Error)"


def unused(
    name: str, config_maps: Iterable[Mapping[str, Any]], holders: Iterable[Mapping[str, Any]]
) -> list[str]:
    """Names of the ConfigMaps with a pipeline's steps or launcher that nobody holds.

    Args:
        name: of the pipeline's WorkflowTemplate.
        config_maps: those with the pipeline's labels; others of them are left alone.
        holders: templates and runs, with what Argo stored of a template in a run's status.
    """
    held = {each for holder in holders for each in used_config_maps(holder)}
    prefixes = (f"{name}-steps-", f"{name}-launcher-")
    names = (str(each["metadata"]["name"]) for each in config_maps)
    return [each for each in names if each.startswith(prefixes) and each not in held]


def prune(cluster: Cluster, name: str) -> tuple[list[str], str]:
    """Deletes what `unused` finds. Failed runs hold theirs, since they can be retried.

    Args:
        cluster: see Cluster.
        name: of the pipeline's WorkflowTemplate.

    Returns:
        The names of those deleted, and what hindered it: housekeeping is no reason for a command to fail.
    """
    deleted: list[str] = []
    try:
        for each in _unused(cluster, name):
            if kube.delete(cluster, CONFIG_MAP, each):
                deleted.append(each)
    except PipelineError as error:
        return deleted, f"old ConfigMaps are not deleted: {error.findings[0].what}"
    return deleted, ""


def _unused(cluster: Cluster, name: str) -> list[str]:
    # ConfigMaps first: one that appears later belongs to a template that may not be there yet.
    chosen = Selection(labels=f"{OURS},{NAME_LABEL}={name}", metadata_only=True)
    config_maps = kube.listing(cluster, CONFIG_MAP, chosen)
    if not config_maps:
        return []
    holders = kube.listing(cluster, TEMPLATE)
    if not unused(name, config_maps, holders):
        return []
    for selector in (_UNFINISHED, _CAN_BE_RETRIED):
        holders += kube.listing(cluster, WORKFLOW, Selection(labels=selector))
    return unused(name, config_maps, holders)
