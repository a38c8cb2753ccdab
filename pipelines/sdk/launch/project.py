"""Whether the image has the helpers that the pipeline was compiled with."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Mapping

from .errors import LaunchError

WAYS_OUT = "rebuild the step image from this state of the project, or compile with --allow-skew"


def digest(folder: str | os.PathLike[str]) -> str:
    """A hash of a package's Python files, the same on every machine.

    Args:
        folder: of the package, or a module's file.

    Returns:
        `sha256:` and 64 digits.
    """
    root = os.fspath(folder)
    files = [(os.path.basename(root), root)] if os.path.isfile(root) else []
    for place, _, names in os.walk(root):
        paths = [os.path.join(place, name) for name in names if name.endswith(".py")]
        files += [(os.path.relpath(path, root).replace(os.sep, "/"), path) for path in paths]
    whole = hashlib.sha256()
    for name, path in sorted(files):
        with open(path, "rb") as file:
            content = file.read()
        # Lengths keep what is in the name apart from what is in the file.
        whole.update(f"{len(name.encode())} {name} {len(content)}\n".encode() + content)
    return f"sha256:{whole.hexdigest()}"


def check(project: Mapping[str, str]) -> None:
    """Compare the packages that a step finds with those of the compiler; nothing is imported.

    Args:
        project: hash by name.

    Raises:
        LaunchError: one is absent, or another.
    """
    from importlib.machinery import PathFinder

    # The launcher's own folder comes first in sys.path; for the step, it is the working directory.
    path = [os.getcwd(), *sys.path[1:]]
    for name, wanted in project.items():
        spec = PathFinder.find_spec(name, path)
        if spec is None:
            raise LaunchError(f"the image lacks the package {name!r} of the project", mend=WAYS_OUT)
        place = spec.submodule_search_locations[0] if spec.submodule_search_locations else str(spec.origin)
        found = digest(place)
        if found != wanted:
            seen = f"the package {name!r} at {place} is {found[:19]}"
            what = f"{seen}, but the pipeline was compiled with {wanted[:19]}"
            raise LaunchError(what, mend=WAYS_OUT)
