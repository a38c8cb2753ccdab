"""A compiled pipeline onto a cluster, and a run of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.sdk import kube
from pipelines.sdk.argo.cluster import runs
from pipelines.sdk.argo.cluster.applying import apply_all, restore, try_all, with_findings
from pipelines.sdk.argo.cluster.changes import Change
from pipelines.sdk.argo.cluster.kinds import SERVICE_ACCOUNT, TEMPLATE
from pipelines.sdk.argo.cluster.pruning import prune
from pipelines.sdk.argo.cluster.starting import start
from pipelines.sdk.argo.options import Compiled
from pipelines.sdk.errors import Finding, PipelineError
from pipelines.sdk.kube import Cluster


@dataclass(frozen=True)
class Submitted:
    """What `submit` and `schedule` did, or would do.

    Args:
        name: of the WorkflowTemplate.
        run: name of the run; empty for none.
        changes: of the documents.
        pruned: names of the ConfigMaps deleted.
        notes: what else its user should know.
    """

    name: str
    run: str
    changes: tuple[Change, ...]
    pruned: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def template_name(compiled: Compiled) -> str:
    """Name of the WorkflowTemplate that runs are made of."""
    return str(_template(compiled)["metadata"]["name"])


def _template(compiled: Compiled) -> Mapping[str, Any]:
    # A long pipeline's further ones, which hold nothing but containers, come before it.
    return [each for each in compiled.documents if each["kind"] == TEMPLATE.name][-1]


def submit(
    cluster: Cluster,
    compiled: Compiled,
    arguments: Sequence[Mapping[str, str]],
    *,
    scheduled: str = "",
    force: bool = False,
    dry_run: bool = False,
) -> Submitted:
    """Applies a pipeline, where it has changed, and starts a run.

    Args:
        cluster: see Cluster.
        compiled: the pipeline.
        arguments: of the run.
        scheduled: the time that the run was meant for, RFC 3339.
        force: whether fields that others have changed are taken back.
        dry_run: whether to say only what would change.

    Raises:
        PipelineError: where anything of it is refused; then nothing was applied, or it says what was.
    """
    name = template_name(compiled)
    run = runs.document(name, arguments, scheduled)
    changes = _applied(cluster, compiled.documents, [run], force, dry_run)
    lacking = _no_account(cluster, _template(compiled))
    if dry_run:
        return Submitted(name, "", changes, notes=lacking)
    try:
        started, note = start(cluster, run, _template(compiled))
    except PipelineError as error:
        applied = Finding("the pipeline was applied, but no run was started", f"WorkflowTemplate {name}")
        raise with_findings(error, (*error.findings, applied)) from error
    pruned, notes = _tidied(cluster, compiled)
    return Submitted(name, started, changes, pruned, (*lacking, *([note] if note else []), *notes))


def deploy(cluster: Cluster, compiled: Compiled, *, force: bool = False, dry_run: bool = False) -> Submitted:
    """Applies a pipeline with its schedule; nothing runs yet.

    Args:
        cluster: see Cluster.
        compiled: the pipeline.
        force: whether fields that others have changed are taken back.
        dry_run: whether to say only what would change.

    Raises:
        PipelineError: as in `submit`.
    """
    name = template_name(compiled)
    changes = _applied(cluster, compiled.documents, [], force, dry_run)
    lacking = _no_account(cluster, _template(compiled))
    if dry_run:
        return Submitted(name, "", changes, notes=lacking)
    pruned, notes = _tidied(cluster, compiled)
    return Submitted(name, "", changes, pruned, (*lacking, *notes))


def _tidied(cluster: Cluster, compiled: Compiled) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The ConfigMaps that nobody needs any more, deleted; and what hindered that."""
    restore(cluster, compiled.documents)
    pruned, hindered = prune(cluster, template_name(compiled))
    return tuple(pruned), (hindered,) if hindered else ()


def _no_account(cluster: Cluster, template: Mapping[str, Any]) -> tuple[str, ...]:
    """What to say where the steps' service account is not there: Argo could start none of them.

    Who may not look it up hears nothing. It is no reason to refuse: it can be made a moment later.
    """
    name = template["spec"].get("serviceAccountName") or "default"
    try:
        if kube.get(cluster, SERVICE_ACCOUNT, name) is not None:
            return ()
    except PipelineError:
        return ()
    what = f"no step can start: namespace {cluster.namespace} has no service account {name!r}"
    return (f"{what}; platform/argo/runner.yaml makes one, --service-account chooses another one",)


def _applied(
    cluster: Cluster, documents: Sequence[dict[str, Any]], made: Sequence[Any], force: bool, dry_run: bool
) -> tuple[Change, ...]:
    changes = try_all(cluster, documents, made, force=force)
    if not dry_run:
        apply_all(cluster, documents, changes, force=force)
    return changes
