"""Whether the image has the helpers that the pipeline was compiled with."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Mapping

from .errors import LaunchError

WAYS_OUT = "rebuild the step image from this state of the project, or compile with --allow-skew"
NAMED = 3
"""So many modules are named in a message."""


def digest(file: str | os.PathLike[str]) -> str:
    """A hash of a module's file, the same on every machine.

    Args:
        file: of the module.

    Returns:
        `sha256:` and 64 digits.
    """
    with open(file, "rb") as opened:
        return f"sha256:{hashlib.sha256(opened.read()).hexdigest()}"


def check(modules: Mapping[str, str]) -> None:
    """Compare the project's modules that a step finds with those of the compiler; nothing is imported.

    Args:
        modules: hash by name.

    Raises:
        LaunchError: some are absent, or others.
    """
    places: dict[str, str] = {}
    absent, other = [], []
    for name, wanted in modules.items():
        top, _, rest = name.partition(".")
        if top not in places:
            places[top] = _folder(top)
        file = _file(places[top], rest)
        if not file:
            absent.append(name)
        elif digest(file) != wanted:
            other.append(name)
    if not (absent or other):
        return
    where = ", ".join(sorted({each for each in places.values() if each}))
    found = [
        *([f"lacks {_named(absent)}"] if absent else []),
        *([f"has another {_named(other)}, in {where}"] if other else []),
    ]
    what = f"the image {' and '.join(found)}: the pipeline was compiled with other code"
    raise LaunchError(what, mend=WAYS_OUT)


def _named(modules: list[str]) -> str:
    rest = len(modules) - NAMED
    shown = ", ".join(modules[:NAMED])
    return f"{shown} and {rest} more" if rest > 0 else shown


def _folder(top: str) -> str:
    """The folder of a package, or the file of a module without its ending; empty where there is none."""
    from importlib.machinery import PathFinder

    # The launcher's own folder comes first in sys.path; for the step, it is the working directory.
    spec = PathFinder.find_spec(top, [os.getcwd(), *sys.path[1:]])
    if spec is None or spec.origin is None:
        return ""
    return os.path.dirname(spec.origin) if spec.submodule_search_locations else spec.origin[: -len(".py")]


def _file(place: str, rest: str) -> str:
    if not place:
        return ""
    path = os.path.join(place, *rest.split(".")) if rest else place
    candidates = (f"{path}.py", os.path.join(path, "__init__.py"))
    return next((each for each in candidates if os.path.isfile(each)), "")
