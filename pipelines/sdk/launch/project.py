"""Whether the image has the helpers that the pipeline was compiled with."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping
from importlib.machinery import PathFinder
from pathlib import Path

from .errors import LaunchError

WAYS_OUT = "rebuild the step image from this state of the project, or compile with --allow-skew"


def digest(folder: Path) -> str:
    """A hash of a package's Python files, the same on every machine.

    Args:
        folder: of the package, or a module's file.

    Returns:
        `sha256:` and 64 digits.
    """
    files = [(folder.name, folder)] if folder.is_file() else []
    files += [(path.relative_to(folder).as_posix(), path) for path in folder.rglob("*.py")]
    whole = hashlib.sha256()
    for name, path in sorted(files):
        # Lengths keep what is in the name apart from what is in the file.
        content = path.read_bytes()
        whole.update(f"{len(name.encode())} {name} {len(content)}\n".encode() + content)
    return f"sha256:{whole.hexdigest()}"


def check(project: Mapping[str, str]) -> None:
    """Compare the packages that a step finds with those of the compiler; nothing is imported.

    Args:
        project: hash by name.

    Raises:
        LaunchError: one is absent, or another.
    """
    # The launcher's own folder comes first in sys.path; for the step, it is the working directory.
    path = [str(Path.cwd()), *sys.path[1:]]
    for name, wanted in project.items():
        spec = PathFinder.find_spec(name, path)
        if spec is None:
            raise LaunchError(f"the image lacks the package {name!r} of the project", mend=WAYS_OUT)
        place = Path(
            spec.submodule_search_locations[0] if spec.submodule_search_locations else str(spec.origin)
        )
        found = digest(place)
        if found != wanted:
            seen = f"the package {name!r} at {place} is {found[:19]}"
            what = f"{seen}, but the pipeline was compiled with {wanted[:19]}"
            raise LaunchError(what, mend=WAYS_OUT)
