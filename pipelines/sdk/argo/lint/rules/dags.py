"""Rules about what the tasks of a DAG wait for."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.sdk.argo.lint import depends
from pipelines.sdk.argo.lint.finding import Hit, Rule
from pipelines.sdk.argo.lint.nodes import close_to, dig, has, text
from pipelines.sdk.argo.lint.views import Task, Template
from pipelines.sdk.ir.shape import described


def _depends(task: Task) -> Iterator[Hit]:
    value = text(task.node.get("depends"))
    fault = depends.read(value)[1] if value and "{{" not in value else ""
    if fault:
        mend = 'write task names joined by && and ||, as "a.Succeeded && (b || c.Failed)"'
        yield Hit((*task.at, "depends"), f"{described(value)} cannot be read: {fault}", mend)


def _depends_task(task: Task) -> Iterator[Hit]:
    if "{{" in text(task.node.get("depends")):
        return
    known = task.owner.by_name
    key = "depends" if has(task.node, "depends") else "dependencies"
    for need in dict.fromkeys(task.needs):
        if need.task and need.task not in known:
            yield Hit(
                (*task.at, key),
                f"there is no task {need.task!r}",
                close_to(need.task, set(known) - {task.name}),
            )


def _depends_result(task: Task) -> Iterator[Hit]:
    for need in dict.fromkeys(task.needs):
        other = task.owner.by_name.get(need.task)
        if need.result and need.result not in depends.RESULTS:
            mend = close_to(need.result, depends.RESULTS)
            yield Hit((*task.at, "depends"), f"a task has no result {need.result!r}", mend)
        elif need.result in depends.OF_LOOPS and other and not other.loops:
            what = f"{need.task}.{need.result} is for loops, and {need.task} is none"
            mend = f"write {need.task}.{'Succeeded' if need.result == 'AnySucceeded' else 'Failed'}"
            yield Hit((*task.at, "depends"), what, mend)


def _mixed(template: Template) -> Iterator[Hit]:
    using = [task for task in template.tasks if has(task.node, "depends")]
    for task in template.tasks if using else ():
        for key in ("dependencies", "continueOn"):
            if task.node.get(key) and not has(task.node, "depends"):
                what = f"`{key}` in a DAG where {using[0].name!r} has `depends`"
                yield Hit((*task.at, key), what, "write `depends` everywhere")


def _digit(template: Template) -> Iterator[Hit]:
    waiting = any(has(task.node, "depends") for task in template.tasks)
    for task in template.tasks if waiting else ():
        if task.name[:1].isdigit() and not has(task.node, "depends"):
            what = f"the task's name {task.name!r} begins with a digit, and the DAG uses `depends`"
            yield Hit((*task.at, "name"), what, "put a letter first")


def _circle(template: Template) -> Iterator[Hit]:
    circle = template.order.circle if template.type == "dag" else ()
    if circle:
        at = template.by_name[circle[0]].at
        key = "depends" if has(template.by_name[circle[0]].node, "depends") else "dependencies"
        yield Hit((*at, key), f"tasks wait for one another: {' -> '.join(circle)}", "break the circle")


def _target(template: Template) -> Iterator[Hit]:
    for name in text(dig(template.node, "dag", "target")).split():
        if "{{" not in name and "}}" not in name and name not in template.by_name:
            mend = close_to(name, set(template.by_name))
            yield Hit((*template.at, "dag", "target"), f"there is no task {name!r}", mend)


_REFUSED = "Argo refuses the workflow."
TASK: tuple[Rule[Task], ...] = (
    Rule("depends-syntax", _REFUSED, _depends),
    Rule("depends-unknown-task", _REFUSED, _depends_task),
    Rule("depends-result", _REFUSED, _depends_result),
)
TEMPLATE: tuple[Rule[Template], ...] = (
    Rule("depends-mixed", _REFUSED, _mixed),
    Rule("task-name-digit", _REFUSED, _digit),
    Rule("dependency-circle", "No task of the circle could ever start.", _circle),
    Rule("unknown-target", _REFUSED, _target),
)
