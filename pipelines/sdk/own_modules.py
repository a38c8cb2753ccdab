"""The project's own modules that its steps find in their image, each with a hash.

A step's source is in the compiled documents; the helpers that it imports are not. With an image older than
the documents, what was never tested together would run together: so the launcher compares.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipelines.sdk.local.imports import ImportFinder
from pipelines.sdk.plan import Dag, Plan, Step, Task
from pipelines.sdk.settings import STEP_IMAGE

# By its text: to parse sixty modules takes longer than all the rest of compiling. What only looks like an
# import, in a docstring for one, does no harm: it names a module that is there, or none.
_IMPORT = re.compile(
    r"(?m)^[ \t]*(?:from[ \t]+(?P<dots>\.*)(?P<base>[\w.]*)[ \t]+import[ \t]+(?P<names>\([^)]*\)|[^\n#]+)"
    r"|import[ \t]+(?P<modules>[^\n#]+))"
)
_NAME = re.compile(r"\w[\w.]*")


def own_modules(plan: Plan) -> dict[str, str]:
    """Hash of every module of the project that a step may import from its image, by name, sorted.

    Modules of installed packages are not the project's: the lock names those. Steps in images of other people
    are not looked at.

    Args:
        plan: a pipeline.
    """
    finder = ImportFinder(_names)
    found = {name: digest for source in _sources(plan.root) for name, digest in finder.of(source).own.items()}
    return {name: f"sha256:{found[name]}" for name in sorted(found)}


def _sources(dag: Dag) -> Iterator[str]:
    tasks: list[Task] = [each for task in dag.tasks for each in (task, *task.on_exit)]
    for task in tasks:
        if isinstance(task.body, Dag):
            yield from _sources(task.body)
        elif isinstance(task.body, Step) and task.body.python and task.body.image == STEP_IMAGE:
            yield task.body.python.source


def _names(source: str, package: str) -> Iterator[str]:
    """Dotted names that may be modules: of `from a import b`, both `a` and `a.b`."""
    for found in _IMPORT.finditer(source):
        if found["modules"]:
            yield from _NAME.findall(found["modules"])
            continue
        parts = (
            package.split(".")[: len(package.split(".")) - len(found["dots"]) + 1] if found["dots"] else []
        )
        if base := ".".join([*parts, *([found["base"]] if found["base"] else [])]):
            yield base
            yield from (f"{base}.{name}" for name in _NAME.findall(found["names"]))
