"""New interpreters that find modules where this one does."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from pipelines.sdk.local.imports import is_installed


def command(module: str, *arguments: str) -> list[str]:
    """The command line that runs a module.

    Args:
        module: dotted name.
        arguments: of it.
    """
    # -P: a file of the current folder must not take the place of a library's module.
    return [sys.executable, "-P", "-m", module, *arguments]


def environment(added: Mapping[str, str]) -> dict[str, str]:
    """The variables of a new interpreter.

    What is installed stays out of PYTHONPATH: steps start programs, and those may be of another Python.

    Args:
        added: to those of this process.
    """
    folders = (Path(entry or ".").absolute() for entry in sys.path)
    path = os.pathsep.join(str(folder) for folder in folders if folder.is_dir() and not is_installed(folder))
    return {**os.environ, "PYTHONPATH": path, "_KFP_RUNTIME": "true", **added}
