"""What runs in a step's own process."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines.sdk import launch


def run_step(request_file: str) -> int:
    """Runs the step of a request file and leaves its result beside it.

    Args:
        request_file: path of `request.json`, as `launch.Request` reads it.

    Returns:
        The step's exit code.
    """
    path = Path(request_file)
    request = launch.Request.from_json(json.loads(path.read_text(encoding="utf-8")))
    result = launch.run(request, call=lambda *call: _call_python(path.parent, request.task.component, *call))
    launch.write_result(path.with_name("result.json"), result)
    return 0


def _call_python(
    folder: Path, component: str, source: str, function: str, executor_input: Mapping[str, Any]
) -> None:
    """A lightweight component, as `kfp.dsl.executor_main` runs it, but without another interpreter."""
    from kfp.dsl import utils
    from kfp.dsl.executor import Executor

    name = f"{component.replace('-', '_')}_component"
    (folder / f"{name}.py").write_text(source, encoding="utf-8")
    sys.dont_write_bytecode = True  # the folder is the run's record
    module = utils.load_module(module_name=name, module_directory=str(folder))
    Executor(executor_input=executor_input, function_to_execute=getattr(module, function)).execute()
