"""How components stand in each other: without end, too deep, too often? Known before anything is unfolded."""

from __future__ import annotations

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from typing import Any

from pipelines.sdk.errors import BadPipeline, Finding

MAX_LEVELS = 40
"""Of groups in groups."""
MAX_TASKS = 100_000
"""Of a pipeline, a nested one counted each time it is used."""


def check_nesting(spec: Any) -> None:
    """Checks that a pipeline unfolds to something finite.

    Args:
        spec: the pipeline spec.

    Raises:
        BadPipeline: where components contain each other, or too many of them.
    """
    if "root" in spec.components:
        raise BadPipeline(Finding("the name is the pipeline's own", "component root", "call it otherwise"))
    parts = {name: tuple(_used(component)) for name, component in spec.components.items()}
    try:
        order = list(TopologicalSorter({name: [*each] for name, each in parts.items()}).static_order())
    except CycleError as error:
        chain = " -> ".join(reversed(error.args[1]))
        raise BadPipeline(
            Finding(f"components contain each other: {chain}", f"component {error.args[1][0]}")
        ) from error
    levels: dict[str, int] = {}
    tasks: dict[str, int] = {}
    for name in order:  # parts come before what they are part of
        _measure(name, parts.get(name, ()), levels, tasks)
    _measure("root", tuple(_used(spec.root)), levels, tasks)
    if levels["root"] > MAX_LEVELS:
        what = f"pipelines are nested {levels['root']} deep; {MAX_LEVELS} is the most"
        raise BadPipeline(Finding(what, "root"))
    if tasks["root"] > MAX_TASKS:
        what = f"it unfolds to {tasks['root']:,} tasks; {MAX_TASKS:,} is the most"
        raise BadPipeline(Finding(what, "root", "loop over a list instead of nesting pipelines"))


def _used(component: Any) -> Iterator[str]:
    for task in component.dag.tasks.values():
        yield task.component_ref.name


def _measure(name: str, parts: tuple[str, ...], levels: dict[str, int], tasks: dict[str, int]) -> None:
    levels[name] = 1 + max((levels.get(part, 0) for part in parts), default=0)
    tasks[name] = 1 + sum(tasks.get(part, 1) for part in parts)
