"""What `tasks...` and `steps...` can name: what runs before, in the same template."""

from __future__ import annotations

from pipelines.sdk.argo.lint import outputs
from pipelines.sdk.argo.lint.nodes import close_to, has
from pipelines.sdk.argo.lint.tags import Reference
from pipelines.sdk.argo.lint.verdict import Place, Verdict, unresolved
from pipelines.sdk.argo.lint.views import Task, Template


def judge_tasks(reference: Reference, place: Place) -> Verdict | None:
    """What is wrong with `tasks...` or `steps...`; None where nothing is.

    Args:
        reference: as it stands.
        place: where.
    """
    root, *rest = reference.parts
    template, task, own = place.template, place.task, place.own
    wanted = "dag" if root == "tasks" else "steps"
    while (
        template
        and template.around
        and (template.type != wanted or (rest and rest[0] not in template.by_name))
    ):
        task, template, own = template.around, template.around.owner, False
    if not rest or rest == ["name"]:
        return None
    if not template or template.type != wanted:
        mend = "pass the value as an argument, and use inputs.parameters here"
        return unresolved(
            reference, mend, f"{reference.shown}: {root} are known in a template of type {wanted} only"
        )
    found = template.by_name.get(rest[0])
    if not found:
        kind = "task" if wanted == "dag" else "step"
        what = f"{reference.shown}: template {template.name!r} has no {kind} {rest[0]!r}"
        hint = f"write {root}['{rest[0]}-...'] where the name has a `-`" if _cut(rest[0], template) else ""
        return Verdict("unknown-task", what, hint or close_to(rest[0], set(template.by_name)))
    return _edge(reference, found, task, own) or _output(reference, found)


def _cut(name: str, template: Template) -> bool:
    return any(each.startswith(f"{name}-") for each in template.by_name)


def _output(reference: Reference, found: Task) -> Verdict | None:
    what, mend = outputs.missing(reference, found)
    return Verdict("unknown-output", f"{reference.shown}: {what}", mend) if what else None


def _edge(reference: Reference, found: Task, task: Task | None, own: bool) -> Verdict | None:
    """Whether a task can see another one: it must run after it."""
    if not task or (task is found and own):
        return None
    if task is found:
        return Verdict(
            "refers-to-itself", f"{reference.shown}: a task cannot use its own result", "use it in a hook"
        )
    if task.owner.type == "steps":
        if found.group < task.group:
            return None
        when = "at the same time" if found.group == task.group else "later"
        mend = "put them into groups (`- -`) that come one after the other"
        return Verdict("missing-dependency", f"{reference.shown}: {found.name} runs {when}", mend)
    if task.owner.order.waits(task.name, found.name):
        return None
    if any(has(each.node, "dependencies") for each in task.owner.tasks):
        mend = f"add {found.name} to `dependencies`"
    else:
        mend = f'add "{found.name}.Succeeded" to `depends`'
    return Verdict(
        "missing-dependency", f"{reference.shown}: {task.name} does not wait for {found.name}", mend
    )
