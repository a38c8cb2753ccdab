"""Many workflows at once on a small machine: submitted as others end, read once, deleted."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pipelines.sdk import kube
from pipelines.sdk.argo import Compiled
from pipelines.sdk.argo.cluster import runs
from pipelines.sdk.argo.cluster.kinds import COMPLETED_LABEL, POD, WORKFLOW, WORKFLOW_LABEL
from pipelines.sdk.argo.cluster.starting import start
from pipelines.sdk.errors import PipelineError
from pipelines.sdk.kube import Cluster, Kind, Selection

AT_ONCE = 10
TIMEOUT_SECONDS = 420
_BATCH_LABEL = "conformance-batch"


@dataclass(frozen=True)
class Job:
    """A workflow that is to be run.

    Args:
        name: of the job.
        compiled: its documents, a WorkflowTemplate last.
        arguments: of the run, in Argo's form.
    """

    name: str
    compiled: Compiled
    arguments: Sequence[Mapping[str, str]] = ()


@dataclass(frozen=True)
class Done:
    """What is left of a workflow.

    Args:
        workflow: as the API has it; a run that did not end in time has no phase that says so.
        pods: all of it that the API had at its end.
        logs: last lines of the pods that failed, by pod.
        problem: why there is nothing else.
    """

    workflow: Mapping[str, Any] = field(default_factory=dict)
    pods: Sequence[Mapping[str, Any]] = ()
    logs: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""


def run_all(cluster: Cluster, batch: str, jobs: Iterable[Job]) -> dict[str, Done]:
    """Runs workflows, some at a time, and deletes each when it has been read.

    Args:
        cluster: with a controller.
        batch: a label that no other batch has.
        jobs: their names are unique.

    Returns:
        What came of each, by the job's name.
    """
    active: dict[str, tuple[Job, float]] = {}
    done: dict[str, Done] = {}
    waiting = list(jobs)
    try:
        while waiting or active:
            while waiting and len(active) < AT_ONCE:
                _start(cluster, batch, waiting.pop(0), active, done)
            time.sleep(0.5)
            ended = _ended(cluster, batch)
            for run, (job, since) in list(active.items()):
                if run in ended or time.monotonic() - since > TIMEOUT_SECONDS:
                    done[job.name] = _read(cluster, run)
                    _clear(cluster, active.pop(run)[0], run)
    finally:
        for run, (job, _) in active.items():
            _clear(cluster, job, run)
    return done


def _start(
    cluster: Cluster, batch: str, job: Job, active: dict[str, tuple[Job, float]], done: dict[str, Done]
) -> None:
    try:
        active[_submit(cluster, batch, job)] = (job, time.monotonic())
    except PipelineError as error:
        done[job.name] = Done(problem=str(error))
        _clear(cluster, job)


def _submit(cluster: Cluster, batch: str, job: Job) -> str:
    for document in job.compiled.documents:
        kube.apply(cluster, document)
    template = job.compiled.documents[-1]
    run = runs.document(template["metadata"]["name"], job.arguments)
    run["metadata"]["labels"][_BATCH_LABEL] = batch
    return start(cluster, run, template)[0]


def _ended(cluster: Cluster, batch: str) -> set[str]:
    selection = Selection(labels=f"{_BATCH_LABEL}={batch},{COMPLETED_LABEL}=true")
    return {each["metadata"]["name"] for each in kube.listing(cluster, WORKFLOW, selection)}


def _read(cluster: Cluster, run: str) -> Done:
    workflow = kube.get(cluster, WORKFLOW, run)
    pods = kube.listing(cluster, POD, Selection(labels=f"{WORKFLOW_LABEL}={run}"))
    failed = [pod["metadata"]["name"] for pod in pods if pod["status"].get("phase") != "Succeeded"]
    return Done(workflow or {}, pods, {name: _log(cluster, name) for name in failed})


def _log(cluster: Cluster, pod: str) -> str:
    path = replace(POD.path(cluster.namespace, pod), sub="log")
    try:
        return "\n".join(kube.stream(cluster, path, [("container", "main"), ("tailLines", "40")]))
    except PipelineError as error:
        return f"no log: {error}"


def _clear(cluster: Cluster, job: Job, run: str = "") -> None:
    if run:
        kube.delete(cluster, WORKFLOW, run)
    for document in reversed(job.compiled.documents):
        kube.delete(cluster, Kind.of(document), document["metadata"]["name"])
