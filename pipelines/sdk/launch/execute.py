"""Runs one step from its Request to its Result."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable

from .documents import Problem, Request, Result
from .errors import LaunchError
from .inputs import build
from .outputs import collect
from .paths import lay_out, prepare
from .placeholders import EXECUTOR_INPUT, expand
from .process import ended, start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

Call: TypeAlias = "Callable[[str, str, dict[str, Any]], None]"
"""Runs a lightweight component in this process: source, name of the function, KFP's executor input."""


def run(request: Request, call: Call | None = None) -> Result:
    """Run one step: prepare its inputs, run its command, collect its outputs.

    Args:
        request: the step and what it is given.
        call: runs the step's Python source in place of its command, where it has one. What it raises goes
            through, except SystemExit, which is the step's exit code.

    Returns:
        Its outputs, or in `error` what went wrong.
    """
    try:
        return execute(request, call)
    except LaunchError as error:
        return Result(error=Problem(error.what, error.where, error.mend))


def execute(request: Request, call: Call | None = None) -> Result:
    """Like `run`, but raises.

    Raises:
        LaunchError: the inputs do not fit, the command failed, or an output is wrong; `exit_code` is the
            step's.
    """
    task = request.task
    try:
        layout = lay_out(request)
        _, scope = build(request, layout)
        prepare(layout, request)
        if call and task.python:
            # Through text and back: the function gets what it would get in a process of its own.
            _call(call, task.python.source, task.python.function, json.loads(scope.facts[EXECUTOR_INPUT]))
        else:
            source = task.python.source if task.python else None
            words = expand(task.command, scope, untouched=source)
            if not words:
                mend = "name one: the entry point of an image is only known where the image is"
                raise LaunchError("the step names no command", mend=mend)
            start([*words, *expand(task.args, scope, untouched=source)], task.env)
        return collect(request, layout)
    except LaunchError as error:
        raise error.at(f"task {task.name}") from error


def collect_outputs(request: Request) -> Result:
    """The result of a step whose process ended well but left before it could say so, as `os._exit(0)` does.

    Args:
        request: what the step was given; its root still holds what it wrote.
    """
    try:
        return collect(request, lay_out(request))
    except LaunchError as error:
        error = error.at(f"task {request.task.name}")
        return Result(error=Problem(error.what, error.where, error.mend))


def write_result(path: str | os.PathLike[str], result: Result) -> None:
    """Write a result so that whoever reads the file sees all of it or no file.

    Args:
        path: of the file; its folder must exist.
        result: what `run` gave.
    """
    target = os.fspath(path)
    part = os.path.join(os.path.dirname(target), f".{os.path.basename(target)}.{os.getpid()}")
    try:
        with open(part, "w", encoding="ascii") as file:
            json.dump(result.to_json(), file)
        os.replace(part, target)
    finally:
        if os.path.exists(part):
            os.unlink(part)


def _call(call: Call, source: str, function: str, executor_input: dict[str, Any]) -> None:
    try:
        call(source, function, executor_input)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            code, why = (end.code or 0) & 0xFF, ""
        else:  # what is no number is a last word, and the code is 1
            code, why = 1, str(end.code)
            sys.stderr.write(f"{why}\n")
        if code:
            raise ended(code, why) from None
