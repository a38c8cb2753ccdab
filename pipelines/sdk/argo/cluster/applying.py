"""Documents onto a cluster: all are tried first, then applied; nothing is left half done in silence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pipelines.sdk import kube
from pipelines.sdk.argo.cluster import checks
from pipelines.sdk.argo.cluster.changes import Change, between
from pipelines.sdk.argo.cluster.kinds import NAMESPACE
from pipelines.sdk.errors import Finding, PipelineError, UsageError
from pipelines.sdk.kube import ApiError, Cluster, Kind

Document = dict[str, Any]


def try_all(
    cluster: Cluster,
    documents: Sequence[Document],
    runs: Sequence[Document] = (),
    *,
    force: bool = False,
) -> tuple[Change, ...]:
    """What applying would change. Every document goes to the server, which checks and keeps nothing.

    Args:
        cluster: see Cluster.
        documents: in the order in which they will be applied.
        runs: to be created afterwards.
        force: whether fields that others have changed are taken back.

    Raises:
        PipelineError: with everything that is wrong.
    """
    checks.check(documents)
    check_namespace(cluster)
    problems: list[PipelineError] = []
    changes: list[Change] = []
    for document in documents:
        try:
            changes.append(_tried(cluster, document, force))
        except ApiError as error:
            problems.append(error)
            if error.status not in {400, 403, 409, 422, 500}:  # the next one would meet the same
                break
        except UsageError as error:
            problems.append(error)
    for run in runs if not _hopeless(problems) else ():
        try:
            kube.create(cluster, run, dry_run=True)
        except ApiError as error:
            problems.append(error)
    if problems:
        raise _together(problems)
    return tuple(changes)


def apply_all(
    cluster: Cluster, documents: Sequence[Document], changes: Sequence[Change], *, force: bool = False
) -> None:
    """Applies documents in order, but those that are as they should be.

    Args:
        cluster: see Cluster.
        documents: in order.
        changes: what `try_all` said of each.
        force: whether fields that others have changed are taken back.

    Raises:
        PipelineError: where the server refuses one after all; it says which were applied before.
    """
    done: list[Change] = []
    for document, change in zip(documents, changes, strict=True):
        if change.action == "unchanged":
            continue
        try:
            kube.apply(cluster, document, force=force)
        except PipelineError as error:
            raise _partly(error, done) from error
        done.append(change)


def check_namespace(cluster: Cluster) -> None:
    """Refuses a namespace that is not there; lists in one are empty, which looks like no runs.

    Raises:
        UsageError: it is not there, or being deleted.
    """
    try:
        found = kube.get(cluster, NAMESPACE, cluster.namespace)
    except ApiError as error:
        if error.status == 403:  # who works in one namespace can often not read the namespace itself
            return
        raise
    mend = "choose another one with -n/--namespace or PIPELINES_NAMESPACE"
    if found is None:
        create = f"{mend}; or create it: kubectl create namespace {cluster.namespace}"
        raise UsageError(Finding(f"there is no namespace {cluster.namespace!r}", cluster.server, create))
    if (found.get("status") or {}).get("phase") == "Terminating":
        raise UsageError(Finding(f"the namespace {cluster.namespace!r} is being deleted", "", mend))


def _tried(cluster: Cluster, document: Document, force: bool) -> Change:
    live = kube.get(cluster, Kind.of(document), document["metadata"]["name"])
    if live is not None and (problem := checks.foreign(live, document)):
        raise UsageError(problem)
    return between(live, kube.apply(cluster, document, dry_run=True, force=force))


def _hopeless(problems: Iterable[PipelineError]) -> bool:
    return any(not isinstance(error, ApiError) or error.status in {401, 404} for error in problems)


def _together(problems: Sequence[PipelineError]) -> PipelineError:
    """One error with all findings, each once; of the first one's sort."""
    findings = dict.fromkeys(finding for error in problems for finding in error.findings)
    first = problems[0]
    first.findings = tuple(findings)
    return first


def _partly(error: PipelineError, done: Sequence[Change]) -> PipelineError:
    told = ", ".join(f"{change.kind} {change.name}" for change in done)
    note = f"applied before that: {told}" if told else "nothing was applied before that"
    error.findings = (*error.findings, Finding(note, "", "the same command again goes on where it stopped"))
    return error
