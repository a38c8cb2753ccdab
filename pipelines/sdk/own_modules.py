"""The project's own modules that its steps find in their image, each with a hash.

A step's source is in the compiled documents; the helpers that it imports are not. With an image older than
the documents, what was never tested together would run together: so the launcher compares.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.machinery import PathFinder
from pathlib import Path

from pipelines.sdk.launch.project import digest
from pipelines.sdk.local.imports import is_installed
from pipelines.sdk.plan import Dag, Plan, Step, Task
from pipelines.sdk.settings import STEP_IMAGE

# By its text: to parse sixty modules takes longer than all the rest of compiling. What only looks like an
# import, in a docstring for one, does no harm: it names a module that is there, or none.
_IMPORT = re.compile(
    r"(?m)^[ \t]*(?:from[ \t]+(?P<base>[\w.]+)[ \t]+import[ \t]+(?P<names>\([^)]*\)|[^\n#]+)"
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
    found: dict[str, str] = {}
    pending = [name for source in _sources(plan.root) for name in _imported(source)]
    seen: set[str] = set()
    tops: dict[str, Path | None] = {}
    while pending:
        name = pending.pop()
        if name in seen:
            continue
        seen.add(name)
        if parent := name.rpartition(".")[0]:
            pending.append(parent)
        if file := _file(name, tops):
            found[name] = digest(file)
            pending.extend(_imported(file.read_text(encoding="utf-8")))
    return dict(sorted(found.items()))


def _sources(dag: Dag) -> Iterator[str]:
    tasks: list[Task] = [each for task in dag.tasks for each in (task, *task.on_exit)]
    for task in tasks:
        if isinstance(task.body, Dag):
            yield from _sources(task.body)
        elif isinstance(task.body, Step) and task.body.python and task.body.image == STEP_IMAGE:
            yield task.body.python.source


def _imported(source: str) -> Iterator[str]:
    """Dotted names that may be modules: of `from a import b`, both `a` and `a.b`."""
    for found in _IMPORT.finditer(source):
        if base := found["base"]:
            yield base
            yield from (f"{base}.{name}" for name in _NAME.findall(found["names"]))
        else:
            yield from _NAME.findall(found["modules"])


def _file(name: str, tops: dict[str, Path | None]) -> Path | None:
    """The file of a module of the project; None of an installed one, or where there is none."""
    top, *rest = name.split(".")
    if top not in tops:
        tops[top] = _top(top)
    if (place := tops[top]) is None:
        return None
    path = place.joinpath(*rest)
    candidates = (path.with_name(f"{path.name}.py"), path / "__init__.py")
    return next((file for file in candidates if file.is_file()), None)


def _top(name: str) -> Path | None:
    """Where a package or module of the project is, without `.py`."""
    spec = PathFinder.find_spec(name)
    if spec is None or spec.origin is None or is_installed(Path(spec.origin)):
        return None
    return Path(spec.origin).parent if spec.submodule_search_locations else Path(spec.origin).with_suffix("")
