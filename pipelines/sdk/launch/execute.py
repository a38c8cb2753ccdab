"""Runs one step from its Request to its Result."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Callable

from .documents import Problem, Request, Result
from .errors import LaunchError

Call = Callable[[str, str, Mapping[str, Any]], None]
"""Runs a lightweight component in this process: source, name of the function, KFP's executor input."""


def run(request: Request, call: Call | None = None) -> Result:
    """Run one step; a user's mistake is in the result, never an exception.

    Args:
        request: see Request.
        call: runs the step's Python source instead of its command, where it has one.
    """
    try:
        return execute(request, call)
    except LaunchError as error:
        return Result(error=Problem(error.what, error.where, error.mend))


def execute(request: Request, call: Call | None = None) -> Result:
    """Like `run`, but raises.

    Raises:
        LaunchError: anything a user can cause; its `exit_code` is the step's.
    """
    raise LaunchError("the launcher is not complete yet")


def write_result(path: Path, result: Result) -> None:
    """Write a result so that a reader sees all of it or nothing."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        json.dump(result.to_json(), file)
    Path(name).replace(path)
