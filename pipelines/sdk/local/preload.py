"""What the components of a pipeline import: found without running them, imported before any starts."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

# Imported before a fork, these leave threads or device handles behind that a forked process cannot use.
NOT_BEFORE_A_FORK = frozenset({"tensorflow", "jax", "ray", "pyspark", "grpc", "cupy"})


def preload(sources: Iterable[str]) -> tuple[str, ...]:
    """Imports what the given sources import, wherever in them the import stands.

    A module that cannot be imported is left out: the step that needs it says so itself.

    Args:
        sources: Python source texts.

    Returns:
        Names of the modules imported.
    """
    imported: dict[str, None] = {}
    pending, seen = list(dict.fromkeys(sources)), set[str]()
    while pending:
        for name in _names(pending.pop()):
            if name in seen or name.partition(".")[0] in NOT_BEFORE_A_FORK:
                continue
            seen.add(name)
            if _import(name):
                imported[name] = None
                pending.extend(_project_source(name))
    return tuple(imported)


def _import(name: str) -> bool:
    try:
        importlib.import_module(name)
    except (Exception, SystemExit):  # noqa: BLE001 - other people's modules can raise anything at import
        return False
    return True


def _names(source: str) -> Iterator[str]:
    """Dotted names of modules that a source imports or reaches (`mlflow.sklearn` of `import mlflow`)."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return
    roots: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
            roots.update(alias.name for alias in node.names if alias.asname is None)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names if alias.name != "*")
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in roots:
            yield f"{node.value.id}.{node.attr}"


def _project_source(name: str) -> list[str]:
    """The source of a module that is neither installed nor the standard library's: it may import later."""
    path = getattr(sys.modules.get(name), "__file__", None)
    if not path or not path.endswith(".py"):
        return []
    installed = {sysconfig.get_path(key) for key in ("stdlib", "platstdlib", "purelib", "platlib")}
    if any(Path(path).is_relative_to(folder) for folder in installed):
        return []
    return [Path(path).read_text(encoding="utf-8")]
