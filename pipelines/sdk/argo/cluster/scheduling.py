"""Schedules on a cluster: what a CronWorkflow says, and how it is taken away."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from pipelines.sdk import kube
from pipelines.sdk.argo.cluster import cron
from pipelines.sdk.argo.cluster.applying import check_namespace
from pipelines.sdk.argo.cluster.changes import Change
from pipelines.sdk.argo.cluster.kinds import CRON, OURS, owner
from pipelines.sdk.argo.cluster.nodes import moment
from pipelines.sdk.argo.options import Compiled
from pipelines.sdk.errors import Finding, UsageError
from pipelines.sdk.kube import Cluster, Selection


@dataclass(frozen=True)
class Scheduled:
    """A CronWorkflow in a few words.

    Args:
        name: of it, and of its WorkflowTemplate.
        lines: cron lines.
        timezone: of these.
        suspended: whether it starts nothing for now.
        upcoming: the next time; None where it is suspended or its line is not understood here.
        last: when it started a run; None before the first.
        active: names of runs that go on.
        problems: that Argo's controller has with it.
    """

    name: str
    lines: tuple[str, ...]
    timezone: str
    suspended: bool
    upcoming: datetime | None
    last: datetime | None
    active: tuple[str, ...]
    problems: tuple[str, ...]

    @staticmethod
    def of(document: Mapping[str, Any]) -> Scheduled:
        """Reads it from a CronWorkflow."""
        spec, status = document["spec"], document.get("status") or {}
        zone = spec.get("timezone") or "UTC"
        lines = tuple(spec.get("schedules") or ())
        suspended = bool(spec.get("suspend")) or status.get("phase") == "Stopped"
        return Scheduled(
            name=document["metadata"]["name"],
            lines=lines,
            timezone=zone,
            suspended=suspended,
            upcoming=None if suspended else _next(lines, zone),
            last=moment(status.get("lastScheduledTime")),
            active=tuple(each["name"] for each in status.get("active") or ()),
            problems=tuple(c["message"] for c in status.get("conditions") or () if c["status"] == "True"),
        )

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "name": self.name,
            "schedules": list(self.lines),
            "timezone": self.timezone,
            "suspended": self.suspended,
            "next": self.upcoming.isoformat() if self.upcoming else None,
            "last": self.last.isoformat() if self.last else None,
            "active": list(self.active),
            **({"problems": list(self.problems)} if self.problems else {}),
        }


def _next(lines: Sequence[str], zone: str) -> datetime | None:
    now = datetime.now(UTC)
    times = []
    for line in lines:
        try:
            times += list(islice(cron.upcoming(cron.parse(line, zone), now), 1))
        except UsageError:  # somebody else wrote it, in a form that Argo knows and we do not
            continue
    return min(times, default=None)


def with_arguments(compiled: Compiled, arguments: Sequence[Mapping[str, str]]) -> Compiled:
    """Documents whose schedule gives its runs these parameters.

    Args:
        compiled: with a CronWorkflow.
        arguments: see `arguments.parameters`.
    """
    documents = []
    for document in compiled.documents:
        made = copy.deepcopy(document) if document["kind"] == CRON.name else document
        if made is not document and arguments:
            made["spec"]["workflowSpec"]["arguments"] = {"parameters": [dict(each) for each in arguments]}
        documents.append(made)
    return replace(compiled, documents=tuple(documents))


def find(cluster: Cluster, name: str) -> list[Scheduled]:
    """A pipeline's schedule, if it has one; with an empty name, all that this project made."""
    if not name:
        return [Scheduled.of(each) for each in kube.listing(cluster, CRON, Selection(labels=OURS))]
    found = kube.get(cluster, CRON, name)
    return [Scheduled.of(found)] if found else []


def remove(cluster: Cluster, name: str, *, dry_run: bool) -> Change:
    """Takes a schedule away; the runs that it has started stay.

    Args:
        cluster: see Cluster.
        name: of the CronWorkflow.
        dry_run: whether it only would.

    Raises:
        UsageError: there is none, or somebody else made it.
    """
    found = kube.get(cluster, CRON, name)
    where = f"CronWorkflow {name} in namespace {cluster.namespace}"
    if found is None or "deletionTimestamp" in found["metadata"]:
        check_namespace(cluster)
        raise UsageError(Finding("there is no such schedule", where, "`status` shows which there are"))
    if f"app.kubernetes.io/managed-by={owner(found)[0]}" != OURS:
        mend = f"if it is to go: kubectl delete cronworkflow {name} --cascade=orphan"
        raise UsageError(Finding("it was not made by this project", where, mend))
    # It owns its runs: without this they, their logs and their history would go with it.
    kube.delete(cluster, CRON, name, propagation="Orphan", dry_run=dry_run)
    return Change(CRON.name, name, "delete")
