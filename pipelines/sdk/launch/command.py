"""The launcher as a program: `python3 -m launch REQUEST.json RESULT.json`, or with options in a pod."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from .documents import Problem, Request, Result
from .errors import LaunchError
from .execute import execute, write_result


def main(arguments: list[str]) -> int:
    """Run the step of a request file and write its result file; or that of a pod, which options describe.

    Args:
        arguments: paths of the two files, or what `pod.read` knows.

    Returns:
        The exit code of the step's program; 1 for any other mistake, which one line on standard error names.
    """
    if any(each.startswith(("--", "@")) for each in arguments):
        from .pod import run_pod  # the other way needs none of it

        try:
            run_pod(arguments)
        except LaunchError as error:
            return _fail(error)
        return 0
    if len(arguments) != 2:
        return _fail(LaunchError("usage: python3 -m launch REQUEST.json RESULT.json", exit_code=2))
    request_file, result_file = map(Path, arguments)
    try:
        result, code = _run(_read(request_file))
        write_result(result_file, result)
    except LaunchError as error:
        return _fail(error)
    except OSError as error:
        return _fail(LaunchError(f"{result_file} cannot be written: {error}"))
    return code


def _read(path: Path) -> Request:
    try:
        return Request.from_json(json.loads(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise LaunchError(f"{path} cannot be read: {error}") from None


def _run(request: Request) -> tuple[Result, int]:
    try:
        return execute(request), 0
    except LaunchError as error:
        return Result(error=Problem(error.what, error.where, error.mend)), _fail(error)


def _fail(error: LaunchError) -> int:
    sys.stderr.write(f"error: {error}\n")
    return error.exit_code
