"""The pods of a run: which there are, why one does not start, what it has written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipelines.sdk import kube
from pipelines.sdk.argo.cluster.kinds import EVENT, NODE_ID, POD, WORKFLOW_LABEL
from pipelines.sdk.errors import PipelineError
from pipelines.sdk.kube import ApiError, Cluster, Selection

CONTAINER = "main"
SILENT_SECONDS = 600  # that a followed log may say nothing before the connection is made anew
# Argo's executor wraps the step's program, and writes into the same log.
_EXECUTOR = re.compile(r'time="?\S+ level=\w+ msg=.*\bargo=true\b|Error: exit status \d+$')
_EXECUTOR_LINES = 10
STUCK = (
    "ImagePullBackOff",
    "ErrImagePull",
    "ErrImageNeverPull",
    "InvalidImageName",
    "Unschedulable",
    "CreateContainerConfigError",
    "CreateContainerError",
    "CrashLoopBackOff",
    "FailedMount",
    "FailedCreatePodSandBox",
)
"""Reasons for which a pod waits and nothing will change until somebody does something."""


_SAME = (
    ("image", ("ImagePullBackOff", "ErrImagePull", "ErrImageNeverPull", "InvalidImageName")),
    ("node", ("Unschedulable", "FailedScheduling")),
)


def family(reason: str) -> str:
    """A word for why a pod waits that stays the same while Kubernetes says it in other words.

    Args:
        reason: Argo's message, which begins with Kubernetes' word for it.
    """
    word = reason.partition(":")[0]
    return next((name for name, words in _SAME if word in words), word)


def of_run(cluster: Cluster, run: str) -> dict[str, str]:
    """Names of a run's pods by the id of their node.

    Raises:
        ApiError: they may not be listed.
    """
    chosen = Selection(labels=f"{WORKFLOW_LABEL}={run}", metadata_only=True)
    found = {}
    for each in kube.listing(cluster, POD, chosen):
        node = (each["metadata"].get("annotations") or {}).get(NODE_ID)
        if node:
            found[node] = str(each["metadata"]["name"])
    return found


def log(cluster: Cluster, pod: str, *, tail: int = 0, follow: bool = False) -> Iterator[str]:
    """The lines that a step has written.

    Args:
        cluster: see Cluster.
        pod: its name.
        tail: only so many last lines, those of Argo's executor counted; 0 for all.
        follow: whether to wait for more, until the container ends.

    Raises:
        ApiError: there is no such pod, its container has not started, or it may not be read.
        Unreachable: the connection broke.
    """
    query = [("container", CONTAINER)]
    query += [("tailLines", str(tail))] if tail else []
    query += [("follow", "true")] if follow else []
    path = POD.path(cluster.namespace, pod, "log")
    for line in kube.stream(cluster, path, query, read_seconds=SILENT_SECONDS):
        if not _EXECUTOR.match(line):
            yield line


def runs(cluster: Cluster, pod: str) -> bool:
    """Whether a step's container goes on; taken for granted where the cluster does not answer.

    Args:
        cluster: see Cluster.
        pod: its name.
    """
    try:
        found = kube.get(cluster, POD, pod)
    except PipelineError as error:
        return not isinstance(error, ApiError)
    containers = ((found or {}).get("status") or {}).get("containerStatuses") or ()
    return any(each["name"] == CONTAINER and "running" in each["state"] for each in containers)


def last_lines(
    cluster: Cluster, pods: Mapping[str, str], attempts: Sequence[str], count: int
) -> tuple[list[str], str]:
    """The end of a step's log, or why there is none.

    Args:
        cluster: see Cluster.
        pods: see `of_run`.
        attempts: ids of the step's nodes; the last one that has a pod is read.
        count: lines at most; 0 for all.
    """
    names = [pods[node] for node in attempts if node in pods]
    if not names:
        return [], "its pod is gone, and its log with it" if attempts else ""
    try:
        lines = list(log(cluster, names[-1], tail=count + _EXECUTOR_LINES if count else 0))
        return lines[-count:], ""
    except ApiError as error:
        if error.status == 400:  # the container never started
            return [], "its container has not started, so there is no log"
        return [], f"its log cannot be read: {error.findings[0].what}"
    except PipelineError as error:
        return [], f"its log cannot be read: {error.findings[0].what}"


def warnings(cluster: Cluster, pod: str) -> str:
    """Why a pod waits, as its latest warning says; empty where none does or may be read.

    Argo repeats what the containers' states say; a volume that cannot be mounted is in the events alone.
    """
    try:
        chosen = Selection(fields=f"involvedObject.name={pod},type=Warning")
        found: list[dict[str, Any]] = kube.listing(cluster, EVENT, chosen)
    except PipelineError:
        return ""
    latest = max(
        found, key=lambda each: str(each.get("lastTimestamp") or each.get("eventTime") or ""), default={}
    )
    return f"{latest['reason']}: {latest.get('message', '')}" if latest else ""
