"""`python3 -m launch REQUEST.json RESULT.json`: runs one step in this process's place."""

from __future__ import annotations

import json
import sys
from pathlib import Path

if not __package__:
    # Started as `python3 DIR/launch`: that needs no PYTHONPATH, which the step's own program would inherit.
    # Not resolved: in a mounted ConfigMap each file is a link into a folder of another name.
    folder = Path(__file__).absolute().parent
    sys.path[0] = str(folder.parent)
    __package__ = folder.name
    __import__(__package__)

from .documents import Problem, Request, Result
from .errors import LaunchError
from .execute import execute, write_result


def main(arguments: list[str]) -> int:
    """Run the step of a request file and write its result file.

    Args:
        arguments: paths of the two files.

    Returns:
        The exit code of the step's program; 1 for any other mistake, which one line on standard error names.
    """
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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
