"""Documents onto a cluster: all are tried first, then applied; nothing is left half done in silence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from pipelines.sdk import kube
from pipelines.sdk.argo.cluster import checks
from pipelines.sdk.argo.cluster.changes import Change, between
from pipelines.sdk.argo.cluster.kinds import CONFIG_MAP, NAMESPACE, TEMPLATE, WORKFLOW
from pipelines.sdk.argo.cluster.references import used_config_maps
from pipelines.sdk.errors import Finding, PipelineError, UsageError
from pipelines.sdk.kube import ApiError, Cluster, Kind, rights

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
    earlier = _earlier(cluster, documents)
    for document in documents:
        try:
            changes.append(_tried(cluster, document, earlier, force))
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
        raise _together(cluster, problems, [*documents, *runs])
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


def restore(cluster: Cluster, documents: Sequence[Document]) -> None:
    """Makes ConfigMaps that are not there any more, as far as the server lets us: the rest is done.

    Somebody who submits another version at the same time takes them for old ones, until the template that
    names them is there; a pod without its ConfigMap would wait for ever.

    Args:
        cluster: see Cluster.
        documents: that were applied.
    """
    config_maps = [each for each in documents if each["kind"] == CONFIG_MAP.name]
    with suppress(PipelineError):
        for document in config_maps:
            if kube.get(cluster, CONFIG_MAP, document["metadata"]["name"]) is None:
                kube.apply(cluster, document)


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


def _earlier(cluster: Cluster, documents: Sequence[Document]) -> dict[str, Document]:
    """The ConfigMaps that the live templates use, by their names without the hash.

    A pipeline's code is in ConfigMaps that never change: each version has its own, and what changes is only
    seen beside the one before. Where they may not be read, the documents themselves will meet the same.
    """
    found: dict[str, Document] = {}
    with suppress(ApiError):
        for name in (each["metadata"]["name"] for each in documents if each["kind"] == TEMPLATE.name):
            live = kube.get(cluster, TEMPLATE, name) or {}
            for used in used_config_maps(live.get("spec", {}).get("volumes") or ()):
                if config_map := kube.get(cluster, CONFIG_MAP, used):
                    found[used.rpartition("-")[0]] = config_map
    return found


def _tried(cluster: Cluster, document: Document, earlier: Mapping[str, Document], force: bool) -> Change:
    name = document["metadata"]["name"]
    live = kube.get(cluster, Kind.of(document), name)
    if live is not None and (problem := checks.foreign(live, document)):
        raise UsageError(problem)
    # The launcher's code is ours, and of no interest to whoever changes a component.
    is_code = document["kind"] == CONFIG_MAP.name and "-steps-" in name
    before = earlier.get(name.rpartition("-")[0]) if is_code else None
    return between(live, kube.apply(cluster, document, dry_run=True, force=force), before)


def _hopeless(problems: Iterable[PipelineError]) -> bool:
    return any(not isinstance(error, ApiError) or error.status in {401, 404} for error in problems)


def with_findings(error: PipelineError, findings: Iterable[Finding]) -> PipelineError:
    """The same error with other findings.

    Args:
        error: whose sort and exit code stay.
        findings: in place of its own.
    """
    error.findings = tuple(findings)
    error.args = ("\n".join(map(str, error.findings)),)
    return error


def _together(
    cluster: Cluster, problems: Sequence[PipelineError], documents: Sequence[Document]
) -> PipelineError:
    """One error with all findings, each once; of the first one's sort."""
    findings = dict.fromkeys(finding for error in problems for finding in error.findings)
    if any(isinstance(error, ApiError) and error.reason == "Forbidden" for error in problems):
        kinds = dict.fromkeys(map(Kind.of, documents))
        lacking = rights.missing(cluster, [(kind, verb) for kind in kinds for verb in _verbs(kind)])
        if lacking:
            return with_findings(problems[0], [rights.finding(cluster, lacking)])
    return with_findings(problems[0], findings)


def _verbs(kind: Kind) -> tuple[str, ...]:
    return ("get", "create", "watch") if kind == WORKFLOW else ("get", "create", "patch")


def _partly(error: PipelineError, done: Sequence[Change]) -> PipelineError:
    told = ", ".join(f"{change.kind} {change.name}" for change in done)
    note = f"applied before that: {told}" if told else "nothing was applied before that"
    again = Finding(note, "", "the same command again goes on where it stopped")
    return with_findings(error, (*error.findings, again))
