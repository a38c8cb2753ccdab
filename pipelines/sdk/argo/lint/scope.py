"""What a variable can name where it stands: the scopes of Argo's own check, and those that it leaves open."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pipelines.sdk.argo.lint.cel import LEAF_TYPES, POD_TYPES
from pipelines.sdk.argo.lint.nodes import close_to, mapping, names, sequence
from pipelines.sdk.argo.lint.tags import Reference
from pipelines.sdk.argo.lint.task_scope import judge_tasks
from pipelines.sdk.argo.lint.verdict import Place, Verdict, unresolved
from pipelines.sdk.argo.lint.views import Spec
from pipelines.sdk.argo.lint.workflow_scope import judge_workflow


def judge(reference: Reference, place: Place) -> Verdict | None:
    """What is wrong with a reference; None where nothing is, or nothing can be known.

    Args:
        reference: as it stands.
        place: where.
    """
    check = _ROOTS.get(reference.parts[0])
    return check(reference, place) if check else None


def known(root: str) -> bool:
    """Whether a variable of this name exists at all."""
    return root in _ROOTS or root in _FREE


def _inputs(reference: Reference, place: Place) -> Verdict | None:
    template, parts = place.template, reference.parts
    if not template:
        return _inputs_of_pods(reference, place.spec)
    if len(parts) < 2 or parts[1] not in ("parameters", "artifacts"):
        return (
            None if len(parts) < 2 else unresolved(reference, "write inputs.parameters or inputs.artifacts")
        )
    if len(parts) == 2:
        return None
    declared = names(template.node, "inputs", parts[1])
    outer = template.around
    while outer:  # a template inside a task is filled in together with the task
        declared |= names(outer.owner.node, "inputs", parts[1])
        outer = outer.owner.around
    if parts[2] not in declared:
        what = f"{reference.shown}: template {template.name!r} has no input {parts[2]!r}"
        mend = close_to(parts[2], declared) or f"declare it in inputs.{parts[1]}"
        return Verdict("unknown-input", what, mend)
    if parts[1] == "artifacts" and parts[3:] == ("path",) and template.type not in LEAF_TYPES:
        return unresolved(reference, "only a template that runs a pod has the artifact at a path")
    return None


def _inputs_of_pods(reference: Reference, spec: Spec) -> Verdict | None:
    """Beside the templates, what belongs to each pod is filled in with the inputs of its template."""
    parts = reference.parts
    if reference.at[len(spec.at)] not in _OF_PODS or parts[1:2] != ("parameters",):
        return unresolved(reference, "inputs belong to templates: use workflow.parameters")
    source = spec.referenced or spec
    known = {name for each in source.everything for name in names(each.node, "inputs", "parameters")}
    if parts[2:3] and parts[2] not in known and not (spec.refers and not spec.referenced):
        mend = close_to(parts[2], known) or "use workflow.parameters"
        return Verdict("unknown-input", f"{reference.shown}: no template has an input {parts[2]!r}", mend)
    return None


def _outputs(reference: Reference, place: Place) -> Verdict | None:
    template, parts = place.template, reference.parts
    if not template:
        return unresolved(reference, "outputs belong to templates")
    if len(parts) < 3 or parts[1] not in ("parameters", "artifacts"):
        return None
    declared = names(template.node, "outputs", parts[1])
    if parts[2] in declared:
        return None
    what = f"{reference.shown}: template {template.name!r} has no output {parts[2]!r}"
    return Verdict(
        "unknown-output", what, close_to(parts[2], declared) or f"declare it in outputs.{parts[1]}"
    )


def _pod(reference: Reference, place: Place) -> Verdict | None:
    at = reference.at[len(place.spec.at)]
    below = place.template.type in POD_TYPES if place.template else at in _OF_PODS
    if reference.parts == ("pod", "name") and below:
        return None
    if reference.parts != ("pod", "name"):
        return unresolved(reference, "pod.name is all there is")
    return unresolved(reference, "use it in a template that runs a pod; a group of tasks has none")


def _item(reference: Reference, place: Place) -> Verdict | None:
    task, template = place.task, place.template
    while template and not (task and task.loops) and template.around:
        task, template = template.around, template.around.owner
    if not task or not task.loops:
        what = f"{reference.shown} stands outside of a loop"
        mend = "pass it as an argument of the task that loops, and use inputs.parameters here"
        return Verdict("item-outside-loop", what, mend)
    items = sequence(task.node.get("withItems"))
    key = reference.parts[1] if len(reference.parts) > 1 else ""
    keys = {str(key) for each in items for key in mapping(each)} | {
        f"[{index}]" for each in items for index, _ in enumerate(sequence(each))
    }
    indexed = key.isdigit() and f"[{key}]" in keys
    if not items or not key or key in keys or indexed or any("{{" in str(each) for each in items):
        return None
    return unresolved(reference, close_to(key, keys), f"{reference.shown}: no item has {key!r}")


def _retry(reference: Reference, place: Place) -> Verdict | None:
    if not place.template or place.template.retried:
        return None
    return unresolved(reference, "only a template with retryStrategy has it")


_ROOTS: Mapping[str, Callable[[Reference, Place], Verdict | None]] = {
    "workflow": judge_workflow,
    "inputs": _inputs,
    "outputs": _outputs,
    "pod": _pod,
    "item": _item,
    "retries": _retry,
    "lastRetry": _retry,
    "tasks": judge_tasks,
    "steps": judge_tasks,
}
# The fields of a spec that belong to the pods.
_OF_PODS = frozenset(
    {
        "affinity",
        "dnsConfig",
        "hostAliases",
        "imagePullSecrets",
        "nodeSelector",
        "podMetadata",
        "podSpecPatch",
        "schedulerName",
        "securityContext",
        "serviceAccountName",
        "tolerations",
        "volumes",
    }
)
_FREE = frozenset({"$env", "node", "sprig", "status", "duration", "exitCode", "resourcesDuration"})
