"""The tasks of a group in an order in which each comes after those it needs."""

from __future__ import annotations

from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter

from pipelines.sdk.errors import BadPipeline, Finding
from pipelines.sdk.plan import Task, needs


def in_order(tasks: Iterable[Task], path: str) -> tuple[Task, ...]:
    """Sorts tasks so that producers come first; those that could start together stay in order of name.

    Args:
        tasks: of one group.
        path: of the group, for messages; '' for the pipeline itself.

    Raises:
        BadPipeline: where a task waits for one that is not there, or for itself.
    """
    where, prefix = (f"task {path}", f"{path}/") if path else ("root", "")
    by_name = {task.name: task for task in tasks}
    for task in by_name.values():
        for name in needs(task):
            if name not in by_name:
                raise BadPipeline(
                    Finding(f"it waits for task {name!r}, which is not there", f"task {prefix}{task.name}")
                )
    try:
        order = tuple(TopologicalSorter({name: needs(task) for name, task in by_name.items()}).static_order())
    except CycleError as error:
        chain = " -> ".join(reversed(error.args[1]))
        raise BadPipeline(Finding(f"tasks wait for each other: {chain}", where)) from error
    return tuple(by_name[name] for name in order)
