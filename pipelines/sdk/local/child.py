"""A step's own process: its output goes to a log, its end is that of a program."""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import random
import signal
import sys
import threading
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import NoReturn


def enter(call: str, argument: str, log: str, env: Mapping[str, str]) -> NoReturn:
    """Turns a forked process into a step, and never returns.

    Args:
        call: `module:function`; the function takes the argument and returns an exit code.
        argument: passed on.
        log: file that gets standard output and error.
        env: variables to set.
    """
    code = 1
    try:
        if os.getpgrp() != os.getpid():
            os.setsid()
        _redirect(log)
        os.environ.update(env)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number in (signal.SIGTERM, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        gc.enable()
        _reseed()
        code = _call(call, argument)
    except (OSError, ValueError) as error:  # no log, or variables that cannot be set
        sys.stderr.write(f"{log}: {error}\n")  # to the log of whoever started us
    finally:
        _leave(code)


def _redirect(log: str) -> None:
    null = os.open(os.devnull, os.O_RDONLY)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for source, target in ((null, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    os.close(null)
    os.close(output)
    # As a program that runs alone would have it: text that is no Unicode is written, not refused.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(  # type: ignore[union-attr]
            encoding="utf-8", errors="backslashreplace", line_buffering=True
        )


def _reseed() -> None:
    """Forked processes would otherwise all draw the same random numbers."""
    random.seed()
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed()


def _call(call: str, argument: str) -> int:
    module, _, function = call.partition(":")
    try:
        return int(getattr(importlib.import_module(module), function)(argument))
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        sys.stderr.write(f"{end.code}\n")
    except KeyboardInterrupt:
        return 130
    except BaseException as error:  # noqa: BLE001 - the process ends here: whatever it is, it goes to the log
        _print(error)
    return 1


def _print(error: BaseException) -> None:
    """The traceback from the component's own first line on: what called it says nothing to its author."""
    part: TracebackType | None = error.__traceback__
    while part is not None and not _is_executor(part):
        part = part.tb_next
    while part is not None and _is_executor(part):
        part = part.tb_next
    traceback.print_exception(type(error), error, part or error.__traceback__)


def _is_executor(part: TracebackType) -> bool:
    return Path(part.tb_frame.f_code.co_filename).parts[-3:] == ("kfp", "dsl", "executor.py")


def _leave(code: int) -> NoReturn:
    """Ends as an interpreter would, but without unwinding into the process it was forked from."""
    try:
        threading._shutdown()  # type: ignore[attr-defined]  # waits for threads that are no daemons
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    finally:
        os._exit(code & 0xFF)


if __name__ == "__main__":
    request = json.loads(sys.argv[1])
    enter(request["call"], request["argument"], request["log"], request["env"])
