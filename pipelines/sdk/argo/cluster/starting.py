"""A run from the template that was applied, not from one that the controller still remembers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pipelines.sdk import kube
from pipelines.sdk.argo.cluster.kinds import WORKFLOW, phase
from pipelines.sdk.argo.options import VERSION_ANNOTATION
from pipelines.sdk.errors import Finding, PipelineError, Unreachable
from pipelines.sdk.kube import Cluster

SEEN_SECONDS = 10.0
"""For the controller to look at a run; longer only where none is there, or it is overloaded."""
LATE_SECONDS = 30.0
"""For the controller to notice a template; usually it takes milliseconds."""
_Found = TypeVar("_Found")


def start(cluster: Cluster, run: dict[str, Any], template: Mapping[str, Any]) -> tuple[str, str]:
    """Creates a run, and again where the controller took it before it noticed the template.

    The controller keeps templates in memory, and is told of changes a little later. A run that it meets
    before ends at once ("not found") or, worse, runs what the template was before. Each run is marked with
    the version that it was made from, so that this can be told; such a run is deleted.

    Args:
        cluster: see Cluster.
        run: a Workflow of a template that was applied.
        template: the WorkflowTemplate.

    Returns:
        Name of the run, and a note where no controller has looked at it yet; empty otherwise.

    Raises:
        PipelineError: the run is refused, or the template goes unnoticed; then there is no run.
    """
    end = time.monotonic() + LATE_SECONDS
    while True:
        name = str(kube.create(cluster, run)["metadata"]["name"])
        seen = _until(lambda: _looked_at(cluster, name), SEEN_SECONDS)  # noqa: B023 - called here and now
        if seen is None:
            return name, _unseen(cluster, name)
        if not _is_late(seen, template):
            return name, ""
        kube.delete(cluster, WORKFLOW, name)
        if time.monotonic() > end:
            where = f"WorkflowTemplate {template['metadata']['name']}"
            what = f"Argo's controller has not noticed the template in {LATE_SECONDS:g} s; no run was started"
            raise Unreachable(Finding(what, where, "look at the controller's log, then submit again"))
        time.sleep(1)


def _unseen(cluster: Cluster, run: str) -> str:
    where = f"namespace {cluster.namespace}"
    what = f"no Argo controller has looked at {run} in {SEEN_SECONDS:g} s"
    return f"{what}: is one running, and does it watch {where}? -n chooses another one"


def _looked_at(cluster: Cluster, name: str) -> Mapping[str, Any] | None:
    """The run, when a controller has looked at it; nothing of one that is gone or cannot be read."""
    try:
        found = kube.get(cluster, WORKFLOW, name)
    except PipelineError:
        return {}
    return {} if found is None else found if phase(found) else None


def _is_late(run: Mapping[str, Any], template: Mapping[str, Any]) -> bool:
    message = (run.get("status") or {}).get("message") or ""
    if phase(run) == "Error" and f'"{template["metadata"]["name"]}" not found' in message:
        return True
    wanted = template["spec"].get("workflowMetadata", {}).get("annotations", {}).get(VERSION_ANNOTATION)
    got = (run.get("metadata", {}).get("annotations") or {}).get(VERSION_ANNOTATION)
    return bool(run) and wanted != got


def _until(look: Callable[[], _Found | None], seconds: float) -> _Found | None:
    end = time.monotonic() + seconds
    while (found := look()) is None and time.monotonic() < end:
        time.sleep(0.1)
    return found
