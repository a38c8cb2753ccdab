"""Which templates run when a workflow is over."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.sdk.argo.lint.nodes import dig, mapping, text
from pipelines.sdk.argo.lint.tags import Reference
from pipelines.sdk.argo.lint.verdict import Place, Verdict
from pipelines.sdk.argo.lint.views import Spec, Template, runs


def misplaced_failures(reference: Reference, place: Place) -> Verdict | None:
    """What is wrong with `workflow.failures` where it stands.

    Args:
        reference: any.
        place: where.
    """
    if reference.parts[:2] != ("workflow", "failures"):
        return None
    template = place.template
    while template and template.around:
        template = template.around.owner
    if place.spec.reusable and not place.spec.value("onExit"):
        return None  # another workflow may run it on exit
    if not template or any(template is each for each in _reached(place.spec)):
        return None
    what = f"{reference.shown}: template {template.name!r} does not run on exit"
    return Verdict("failures-outside-exit", what, "use it in the template that spec.onExit names")


def _reached(spec: Spec) -> Iterator[Template]:
    hook = mapping(dig(spec.node, "hooks", "exit"))
    waiting = [spec.template(text(spec.value("onExit"))), runs(hook, spec) if hook else None]
    seen: list[Template] = []
    while waiting:
        template = waiting.pop()
        if template and not any(template is each for each in seen):
            seen.append(template)
            yield template
            waiting += [task.target for task in template.tasks]
