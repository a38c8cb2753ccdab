"""What `workflow...` can name: the same everywhere in a workflow."""

from __future__ import annotations

from pipelines.sdk.argo.lint.finding import WARNING
from pipelines.sdk.argo.lint.nodes import close_to, dig, has, mapping, sequence
from pipelines.sdk.argo.lint.tags import Reference
from pipelines.sdk.argo.lint.verdict import Place, Verdict, unresolved
from pipelines.sdk.argo.lint.views import Spec

# fmt: off
_FIELDS = frozenset(
    [
    "name", "namespace", "uid", "serviceAccountName", "mainEntrypoint", "creationTimestamp",
    "scheduledTime", "duration", "status", "priority", "parameters", "labels", "annotations", "outputs",
    "failures",
    ]
)
# fmt: on


def judge_workflow(reference: Reference, place: Place) -> Verdict | None:
    """What is wrong with `workflow...`; None where nothing is.

    Args:
        reference: as it stands.
        place: where.
    """
    _, *rest = reference.parts
    if not rest:
        return None if reference.expression else unresolved(reference, "name one of its fields")
    if rest[0] not in _FIELDS:
        return unresolved(reference, close_to(rest[0], _FIELDS))
    if rest[0] == "priority" and place.spec.value("priority") is None:
        return unresolved(reference, "set spec.priority")
    if len(rest) < 2 or rest[1] == "json":
        return None
    check = {"parameters": _parameter, "labels": _label, "annotations": _label, "outputs": _global}.get(
        rest[0]
    )
    return check(reference, place) if check else None


def _parameter(reference: Reference, place: Place) -> Verdict | None:
    name = reference.parts[2]
    declared = place.spec.names("arguments", "parameters")
    if name in declared or (place.spec.reusable and not has(place.spec.node, "entrypoint")):
        return None
    what = f"{reference.shown}: the workflow has no parameter {name!r}"
    mend = close_to(name, declared) or "declare it in spec.arguments.parameters"
    return Verdict("unknown-workflow-parameter", what, mend, WARNING if place.spec.reusable else "")


def _label(reference: Reference, place: Place) -> Verdict | None:
    kind, name = reference.parts[1], reference.parts[2]
    sources = [(place.spec.manifest, place.spec)]
    sources += [(place.spec.referenced.manifest, place.spec.referenced)] if place.spec.referenced else []
    for manifest, spec in sources:
        maps = [dig(manifest.node, "metadata", kind), dig(spec.node, "workflowMetadata", kind)]
        maps += [dig(spec.node, "workflowMetadata", "labelsFrom")] if kind == "labels" else []
        maps += [dig(manifest.node, "spec", "workflowMetadata", kind)]
        if any(name in mapping(each) for each in maps):
            return None
    what = f"{reference.shown}: the workflow has no such {kind.removesuffix('s')}"
    late = place.spec.reusable or "argoproj.io/" in name  # the controller's own labels come at run time
    return Verdict("unresolved-reference", what, f"add it to metadata.{kind}", WARNING if late else "")


def _global(reference: Reference, place: Place) -> Verdict | None:
    if len(reference.parts) < 4 or place.spec.reusable:
        return None
    kind, name = reference.parts[2], reference.parts[3]
    declared: set[str] = set()
    for spec in {place.spec, *place.spec.manifest.library.specs.values()}:
        for template in spec.everything:
            found = [
                mapping(each).get("globalName") for each in sequence(dig(template.node, "outputs", kind))
            ]
            declared |= {each for each in found if isinstance(each, str)}
    if name in declared or any("{{" in each for each in declared) or _runs_unknown(place.spec):
        return None
    what = f"{reference.shown}: no template has an output with this globalName"
    return unresolved(reference, close_to(name, declared) or "add `globalName` to an output", what)


def _runs_unknown(spec: Spec) -> bool:
    """Whether it runs templates that are in none of the documents."""
    tasks = [task for template in spec.everything for task in template.tasks]
    return (spec.refers and not spec.referenced) or any(not task.target for task in tasks)
