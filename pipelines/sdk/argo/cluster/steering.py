"""Runs stopped, and started again."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from pipelines.sdk import kube
from pipelines.sdk.argo.cluster import pods, runs
from pipelines.sdk.argo.cluster.kinds import CONFIG_MAP, ENDED, POD, SCHEDULED_TIME, WORKFLOW, phase
from pipelines.sdk.argo.cluster.nodes import nodes, outcome, path
from pipelines.sdk.argo.cluster.references import used_config_maps
from pipelines.sdk.argo.cluster.retrying import Restart, reopened, restart
from pipelines.sdk.errors import Finding, Unreachable, UsageError
from pipelines.sdk.kube import ApiError, Cluster

ATTEMPTS = 5
"""At writing a run that its controller changes at the same time."""

POD_SECONDS = 60.0
"""In which a pod that is deleted has to be gone."""


def stop(cluster: Cluster, run: str, *, terminate: bool, dry_run: bool) -> dict[str, Any]:
    """Ends a run before its time.

    Args:
        cluster: see Cluster.
        run: its name.
        terminate: whether exit handlers are left out too.
        dry_run: whether it is only checked.

    Returns:
        The run.

    Raises:
        UsageError: there is no such run, or it has ended.
    """
    workflow = runs.find(cluster, run, "")
    if phase(workflow) in ENDED:
        what = f"it has ended already, {phase(workflow)}"
        raise UsageError(Finding(what, f"Workflow {run}", "`status` lists runs that go on"))
    change = {"spec": {"shutdown": "Terminate" if terminate else "Stop"}}
    return kube.patch(cluster, WORKFLOW, run, change, dry_run=dry_run)


def retry(cluster: Cluster, run: str, *, dry_run: bool) -> tuple[dict[str, Any], list[str]]:
    """Starts a failed run again where it failed.

    Args:
        cluster: see Cluster.
        run: its name.
        dry_run: whether it is only checked.

    Returns:
        The run, and the paths of the steps that will run again.

    Raises:
        UsageError: there is no such run, it did not fail, or what it needs is gone.
        Unreachable: its old pods do not go away.
    """
    for attempt in range(ATTEMPTS):
        workflow = _failed(cluster, run)
        plan = restart(nodes(workflow))
        _check_config_maps(cluster, workflow)
        made = reopened(workflow, plan, datetime.now(UTC))
        kube.replace(cluster, made, dry_run=True)  # before pods, and with them logs, are deleted
        if not dry_run:
            _delete_pods(cluster, run, plan)
        try:
            return kube.replace(cluster, made, dry_run=dry_run), _paths(workflow, plan)
        except ApiError as error:
            if error.reason != "Conflict" or attempt == ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


def from_start(cluster: Cluster, run: str, *, dry_run: bool) -> dict[str, Any]:
    """Submits a run's template again with the run's arguments.

    Args:
        cluster: see Cluster.
        run: name of the earlier run, ended or not.
        dry_run: whether it is only checked.

    Returns:
        The new run.

    Raises:
        UsageError: there is no such run, or it was not made from a template.
    """
    workflow = runs.find(cluster, run, "")
    name = (workflow["spec"].get("workflowTemplateRef") or {}).get("name")
    if not name:
        what = "it was not made from a WorkflowTemplate, so there is nothing to submit again"
        raise UsageError(Finding(what, f"Workflow {run}"))
    arguments = (workflow["spec"].get("arguments") or {}).get("parameters") or ()
    scheduled = (workflow["metadata"].get("annotations") or {}).get(SCHEDULED_TIME, "")
    return kube.create(cluster, runs.document(name, arguments, scheduled), dry_run=dry_run)


def _failed(cluster: Cluster, run: str) -> dict[str, Any]:
    workflow = runs.find(cluster, run, "")
    where = f"Workflow {run}"
    match outcome(workflow):
        case "Failed" | "Error":
            return workflow
        case "Succeeded":
            raise UsageError(
                Finding("it succeeded", where, "--from-start runs it again with the same arguments")
            )
        case _:
            raise UsageError(
                Finding("it has not ended", where, f"wait for it: watch {run}; or end it: stop {run}")
            )


def _check_config_maps(cluster: Cluster, workflow: Mapping[str, Any]) -> None:
    """A pod whose ConfigMap is gone waits for ever."""
    stored = (workflow.get("status") or {}).get("storedWorkflowTemplateSpec") or {}
    wanted = dict.fromkeys(used_config_maps(stored.get("volumes") or ()))
    missing = [each for each in wanted if each and kube.get(cluster, CONFIG_MAP, each) is None]
    if missing:
        what = f"the code it ran is gone: ConfigMap {', '.join(missing)}"
        mend = "--from-start runs today's version of the pipeline with the same arguments"
        raise UsageError(Finding(what, f"Workflow {workflow['metadata']['name']}", mend))


def _delete_pods(cluster: Cluster, run: str, plan: Restart) -> None:
    """The new pods get the old ones' names, and the controller would take an old one for a new one."""
    names = {pod for node, pod in pods.of_run(cluster, run).items() if node in plan.again}
    for name in names:
        kube.delete(cluster, POD, name)
    deadline = time.monotonic() + POD_SECONDS
    while names & set(pods.of_run(cluster, run).values()):
        if time.monotonic() > deadline:
            what = f"pods of the failed steps do not go away: {', '.join(sorted(names))}"
            raise Unreachable(
                Finding(what, f"Workflow {run}", "the same command again goes on where it stopped")
            )
        time.sleep(0.5)


def _paths(workflow: Mapping[str, Any], plan: Restart) -> list[str]:
    found = nodes(workflow)
    again: Iterable[str] = (
        path(n, found) for n in found.values() if n["type"] == "Pod" and n["id"] in plan.again
    )
    return sorted(dict.fromkeys(again))
