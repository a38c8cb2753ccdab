"""The code that a model brings: it is what runs, also where the process has imported its namesake before."""

from __future__ import annotations

import importlib
import sys
import sysconfig
from pathlib import Path
from types import ModuleType
from typing import Final

# The server's own package cannot be exchanged while it runs.
_OURS: Final = __name__.partition(".")[0]


def make_way(code: Path) -> list[str]:
    """Let this process forget other modules that it has imported under the names of those in a folder.

    MLflow puts the folder first on the path, but an `import` takes what was imported before: the project's
    own package, in the process of somebody who has a pipeline open. What is the same stays.

    Args:
        code: with modules and packages in it.

    Returns:
        What cannot be forgotten: the server's own package, and installed ones; one line each.
    """
    stuck = []
    for entry in sorted(code.iterdir()):
        name = entry.stem if entry.suffix == ".py" else entry.name
        module = sys.modules.get(name)
        if module is None or name == "__main__" or not (entry.suffix == ".py" or entry.is_dir()):
            continue
        if _same(entry, module):
            continue
        if name == _OURS or _is_installed(module):
            stuck.append(f"the model brings its own {name}, but what runs is the server's")
            continue
        for known in [each for each in sys.modules if each == name or each.startswith(f"{name}.")]:
            del sys.modules[known]
    importlib.invalidate_caches()
    return stuck


def _same(entry: Path, module: ModuleType) -> bool:
    """Whether every source in a package, or the one of a module, is what has been or would be imported."""
    packages = [Path(place) for place in getattr(module, "__path__", ())]
    if not entry.is_dir():
        return not packages and [_reads(place) for place in _places(module)] == [_reads(entry)]
    if len(packages) != 1:
        return False
    return all(_reads(packages[0] / file.relative_to(entry)) == _reads(file) for file in entry.rglob("*.py"))


def _reads(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except OSError:
        return None


def _is_installed(module: ModuleType) -> bool:
    installed = [sysconfig.get_path(each) for each in ("stdlib", "platlib", "purelib")]
    places = _places(module)
    # What has no place is built in.
    return not places or any(place.is_relative_to(folder) for place in places for folder in installed)


def _places(module: ModuleType) -> list[Path]:
    file = getattr(module, "__file__", None)
    return [Path(place) for place in ([file] if file else getattr(module, "__path__", ()))]
