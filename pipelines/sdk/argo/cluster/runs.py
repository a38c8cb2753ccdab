"""Runs on a cluster: made, found, described."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pipelines.sdk import kube
from pipelines.sdk.argo.cluster.applying import check_namespace
from pipelines.sdk.argo.cluster.kinds import (
    ARGO,
    CRON_LABEL,
    OURS,
    SCHEDULED_TIME,
    TEMPLATE_LABEL,
    WORKFLOW,
    labels,
)
from pipelines.sdk.argo.cluster.nodes import moment, outcome
from pipelines.sdk.argo.options import NAME_LABEL
from pipelines.sdk.errors import Finding, UsageError
from pipelines.sdk.kube import Cluster, Selection

Workflow = dict[str, Any]
SHOWN = 5  # runs named in a message


@dataclass(frozen=True)
class Run:
    """A run in a few words.

    Args:
        name: of the Workflow.
        phase: see `nodes.outcome`; empty where no controller has looked at it.
        message: Argo's.
        created: when it was submitted.
        started: when its first step could start; None before.
        ended: None before.
        schedule: the CronWorkflow that made it; empty for a run by hand.
    """

    name: str
    phase: str
    message: str
    created: datetime
    started: datetime | None
    ended: datetime | None
    schedule: str

    @staticmethod
    def of(workflow: Mapping[str, Any]) -> Run:
        """Reads it from a Workflow."""
        metadata, status = workflow["metadata"], workflow.get("status") or {}
        return Run(
            name=metadata["name"],
            phase=outcome(workflow),
            message=str(status.get("message") or ""),
            created=moment(metadata["creationTimestamp"]) or datetime.now(UTC),
            started=moment(status.get("startedAt")),
            ended=moment(status.get("finishedAt")),
            schedule=(metadata.get("labels") or {}).get(CRON_LABEL, ""),
        )

    @property
    def seconds(self) -> float:
        """It has taken so far."""
        end = self.ended or datetime.now(UTC)
        return (end - self.started).total_seconds() if self.started else 0.0

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "run": self.name,
            "phase": self.phase or "Pending",
            "created": self.created.isoformat(),
            "started": self.started.isoformat() if self.started else None,
            "ended": self.ended.isoformat() if self.ended else None,
            "seconds": round(self.seconds, 1),
            **({"message": self.message} if self.message else {}),
            **({"schedule": self.schedule} if self.schedule else {}),
        }


def document(name: str, arguments: Sequence[Mapping[str, str]], scheduled: str = "") -> Workflow:
    """A run of a template that is on the cluster.

    Args:
        name: of the WorkflowTemplate.
        arguments: see `arguments.parameters`.
        scheduled: the time that the run was meant for, RFC 3339; empty for none.
    """
    annotations = {"annotations": {SCHEDULED_TIME: scheduled}} if scheduled else {}
    spec: dict[str, Any] = {"workflowTemplateRef": {"name": name}}
    if arguments:
        spec["arguments"] = {"parameters": [dict(each) for each in arguments]}
    held = {**labels(name), TEMPLATE_LABEL: name}
    return {
        "apiVersion": ARGO,
        "kind": "Workflow",
        "metadata": {"generateName": f"{name}-", "labels": held, **annotations},
        "spec": spec,
    }


def newest(cluster: Cluster, name: str, count: int) -> list[Workflow]:
    """The newest runs, newest first; those that a schedule made are among them.

    Args:
        cluster: see Cluster.
        name: of the WorkflowTemplate; empty for all that this project's templates have run.
        count: how many.
    """
    by_name = f"{OURS},{NAME_LABEL}={name}" if name else OURS
    # A run that no controller has seen has only what its maker wrote.
    selectors = [by_name, *([f"{CRON_LABEL}={name}", f"{TEMPLATE_LABEL}={name}"] if name else [])]
    known: dict[str, Workflow] = {}
    for selector in selectors:
        for each in kube.listing(cluster, WORKFLOW, Selection(labels=selector, metadata_only=True)):
            known[each["metadata"]["name"]] = each
    latest = sorted(known.values(), key=lambda w: w["metadata"]["creationTimestamp"], reverse=True)
    found = (kube.get(cluster, WORKFLOW, each["metadata"]["name"]) for each in latest[:count])
    return [each for each in found if each is not None]


def find(cluster: Cluster, run: str, name: str) -> Workflow:
    """A run by its name, or a pipeline's newest.

    Args:
        cluster: see Cluster.
        run: its name; empty for the newest.
        name: of the WorkflowTemplate, for the newest; empty for any.

    Raises:
        UsageError: there is no such run.
    """
    found = kube.get(cluster, WORKFLOW, run) if run else None
    if found is not None:
        return found
    check_namespace(cluster)
    recent = newest(cluster, name, SHOWN)
    if recent and not run:
        return recent[0]
    where = f"namespace {cluster.namespace}"
    if not run:
        what = f"no run of {name} is there" if name else "no run is there"
        raise UsageError(Finding(what, where, "start one with `submit`, or choose a namespace with -n"))
    names = ", ".join(each["metadata"]["name"] for each in recent)
    mend = f"recent runs: {names}" if names else "there are none; `submit` starts one"
    raise UsageError(Finding(f"there is no run {run!r}", where, mend))
