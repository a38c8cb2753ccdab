"""Runs a lightweight component without the shell, temporary files and pip of KFP's command."""

from __future__ import annotations

import json
import os
import sys

from .bootstrap import ARGUMENTS, recognise
from .documents import Request, Result
from .execute import execute
from .packages import provide
from .process import start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MODULE = "ephemeral_component"
"""As KFP's script calls it; what a step pickles has the name in it."""


def executed(request: Request, scratch: str) -> Result:
    """Like `execute`, for a step with Python source; a command that is not KFP's own is run as it is.

    Args:
        request: the step and what it is given.
        scratch: folder for what is needed while it runs.

    Raises:
        LaunchError: as `execute` does.
    """
    bootstrap = recognise(request.task)
    if bootstrap is None:
        return execute(request)
    module, mounts = bootstrap.module, dict(request.mounts)

    def call(source: str, function: str, executor_input: dict[str, Any]) -> None:
        env = {**request.task.env, **provide(bootstrap), "_KFP_RUNTIME": "true"}
        os.makedirs(scratch, exist_ok=True)
        path, arguments = os.path.join(scratch, f"{MODULE}.py"), os.path.join(scratch, "arguments.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write(source)
        words = [ARGUMENTS[0], json.dumps(executor_input), ARGUMENTS[2], function]
        words += ["--component_module_path", path]
        with open(arguments, "w", encoding="utf-8") as file:
            json.dump({"module": module, "arguments": words, "mounts": mounts}, file)
        program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "component.py")
        start([sys.executable, program, arguments], env)

    return execute(request, call)
