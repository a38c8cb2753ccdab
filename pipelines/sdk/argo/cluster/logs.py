"""What the steps of a run have written."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pipelines.sdk.argo.cluster import pods
from pipelines.sdk.argo.cluster.costs import without_iterations
from pipelines.sdk.argo.cluster.following import Board, observed
from pipelines.sdk.argo.cluster.nodes import StepState, nodes, steps
from pipelines.sdk.errors import Finding, PipelineError, UsageError
from pipelines.sdk.kube import ApiError, Cluster

Say = Callable[[str, str], None]
"""Called with a step's path and a line of its log."""

_PAUSE_SECONDS = 1.0
_LAST_WORDS_SECONDS = 60.0  # that a log may take to arrive when its run has ended
_SCHEMES = {"gcs": "gs", "s3": "s3", "oss": "oss"}


def chosen(found: Sequence[StepState], step: str) -> list[StepState]:
    """The steps that a person means.

    Args:
        found: all of the run.
        step: a path, with or without the numbers of iterations, or the end of one; empty for all.

    Raises:
        UsageError: none is called that.
    """
    real = [each for each in found if each.step]
    for fits in (_is_path, _is_general_path, _is_end):
        if matching := [each for each in real if fits(each.path, step)]:
            return matching
    if not step:
        return []
    known = ", ".join(dict.fromkeys(without_iterations(each.path) for each in real))
    mend = f"steps that have begun: {known}" if known else "none has begun yet"
    raise UsageError(Finding("the run has no such step", f"step {step}", mend))


def _is_path(path: str, step: str) -> bool:
    return not step or path == step


def _is_general_path(path: str, step: str) -> bool:
    return without_iterations(path) == step


def _is_end(path: str, step: str) -> bool:
    return path.endswith(f"/{step}") or without_iterations(path).endswith(f"/{step}")


def texts(
    cluster: Cluster, workflow: Mapping[str, Any], step: str
) -> Iterator[tuple[StepState, list[str], str]]:
    """The logs of a run's steps, in the order in which these began.

    Args:
        cluster: see Cluster.
        workflow: the run.
        step: see `chosen`.

    Yields:
        A step, the lines of its last attempt, and why there are none.

    Raises:
        UsageError: there is no such step.
        ApiError: pods may not be listed.
    """
    wanted = chosen(steps(workflow), step)
    names = pods.of_run(cluster, workflow["metadata"]["name"]) if wanted else {}
    for each in wanted:
        lines, note = pods.last_lines(cluster, names, each.pods, 0)
        archived = _archived(workflow, each) if note and each.pods and each.pods[-1] not in names else ""
        yield each, lines, f"{note}; Argo has kept it at {archived}" if archived else note


def _archived(workflow: Mapping[str, Any], step: StepState) -> str:
    """Where Argo has put a step's log (`archiveLogs`); empty where it has not."""
    node = nodes(workflow).get(step.pods[-1]) or {}
    default = (workflow.get("status") or {}).get("artifactRepositoryRef") or {}
    repository = default.get("artifactRepository") or {}
    for each in (node.get("outputs") or {}).get("artifacts") or ():
        kind = next((kind for kind in _SCHEMES if kind in each), "")
        if each["name"] == f"{pods.CONTAINER}-logs" and kind:
            bucket = each[kind].get("bucket") or (repository.get(kind) or {}).get("bucket") or "?"
            return f"{_SCHEMES[kind]}://{bucket}/{each[kind].get('key', '')}"
    return ""


def follow(board: Board, workflow: dict[str, Any], step: str, say: Say) -> dict[str, Any]:
    """Says every line of a run's steps as they write them, until the run has ended.

    Args:
        board: for what hinders the run.
        workflow: the run.
        step: see `chosen`; one that has not begun is waited for.
        say: is called from several threads, one at a time.

    Returns:
        The run as it ended.

    Raises:
        UsageError: the run has ended without such a step.
        PipelineError: the run was deleted, did not end in time, or the cluster is out of reach.
    """
    cluster = board.cluster
    readers: dict[str, threading.Thread] = {}
    one_at_a_time = threading.Lock()

    def said(path: str, line: str) -> None:
        with one_at_a_time:
            say(path, line)

    for state in observed(board, workflow):
        workflow = state
        if step and not known(workflow, step):
            began = ", ".join(dict.fromkeys(each.path for each in chosen(steps(workflow), ""))) or "none"
            board.tell(f"no step {step} has begun yet, waiting for it; begun: {began}", "not begun")
        names: dict[str, str] = {}
        for each, node in _attempts(workflow, step):
            if node in readers or each.phase == "Pending":
                continue
            names = names or pods.of_run(cluster, workflow["metadata"]["name"])
            arguments = (cluster, names.get(node, ""), each.path, said)
            readers[node] = threading.Thread(target=_read, args=arguments, daemon=True)
            readers[node].start()
    for reader in readers.values():
        reader.join(_LAST_WORDS_SECONDS)
    if not readers:
        chosen(steps(workflow), step)
    return workflow


def _attempts(workflow: Mapping[str, Any], step: str) -> Iterator[tuple[StepState, str]]:
    try:
        wanted = chosen(steps(workflow), step)
    except UsageError:  # it may still begin
        return
    for each in wanted:
        for node in each.pods:
            yield each, node


def _read(cluster: Cluster, pod: str, path: str, say: Say) -> None:
    """Says what a pod writes until its step has ended, through connections that end before that."""
    if not pod:
        say(path, "(its pod is gone, and its log with it)")
        return
    said = 0
    while True:
        try:
            for number, line in enumerate(pods.log(cluster, pod, follow=True), 1):
                if number > said:
                    said = number
                    say(path, line)
        except ApiError as error:
            what = "its container never started" if error.status == 400 else error.findings[0].what
            say(path, f"({what})")
            return
        except PipelineError:  # a step that says nothing for long, or something on the way had enough
            pass
        if not pods.runs(cluster, pod):
            return
        time.sleep(_PAUSE_SECONDS)


def begun(workflow: Mapping[str, Any]) -> bool:
    """Whether any step of a run has."""
    return any(each.step for each in steps(workflow))


def known(workflow: Mapping[str, Any], step: str) -> bool:
    """Whether a run has a step that could be meant."""
    try:
        return bool(chosen(steps(workflow), step))
    except UsageError:
        return False
