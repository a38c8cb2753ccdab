"""Runs a program as the step's process, and says how it ended."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Mapping, Sequence

from .errors import LaunchError, shorten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def start(words: Sequence[str], env: Mapping[str, str]) -> None:
    """Run a program to its end; it writes where the launcher writes.

    Args:
        words: the program and its arguments; at least the program.
        env: variables added to the launcher's own.

    Raises:
        LaunchError: it cannot be started, or did not end well; `exit_code` is then its own, or 128 and the
            signal's number, as shells have it.
    """
    environment = {**os.environ, **env}
    try:
        program = _found(words[0], environment)
        # Not `subprocess`, whose import takes as long as half of the rest. Like it, undo what Python ignores.
        ignored = [signal.SIGPIPE, signal.SIGXFSZ]
        pid = os.posix_spawn(program, list(words), environment, setsigdef=ignored)
    except FileNotFoundError:
        raise LaunchError(
            f"the program {words[0]!r} was not found",
            mend="install it, or name it with its path",
            exit_code=127,
        ) from None
    except (OSError, ValueError) as error:  # no permission, no executable, too long, a NUL in an argument
        too_long = isinstance(error, OSError) and error.errno == errno.E2BIG
        mend = "make the largest of its inputs artifacts" if too_long else ""
        why = error.strerror if isinstance(error, OSError) else error
        what = f"the program {shorten(words[0])} cannot be started: {why}"
        raise LaunchError(what, mend=mend, exit_code=126) from None
    code = _awaited(pid)
    if code:
        raise ended(code)


def _found(program: str, environment: Mapping[str, str]) -> str:
    """The file of a program, looked for as shells do."""
    if "/" in program:
        return program
    places = [os.path.join(folder, program) for folder in os.get_exec_path(environment)]
    there = [place for place in places if os.path.isfile(place)]
    if not there:
        raise FileNotFoundError(program)
    return next((place for place in there if os.access(place, os.X_OK)), there[0])


def _awaited(pid: int) -> int:
    """The exit code of a process that is the step, or the negative number of the signal that killed it."""
    restore = _forward(pid)
    try:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    except BaseException:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise
    finally:
        if restore:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _forward(pid: int) -> bool:
    """Pass SIGTERM on while the program runs: as a pod's first process, the launcher alone receives it.

    Only where nobody else has decided what SIGTERM does, and in the thread that may; says whether it did.
    """

    def forward(number: int, frame: Any) -> None:
        try:  # noqa: SIM105 - contextlib is another import
            os.kill(pid, number)
        except ProcessLookupError:  # it has just ended
            pass

    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        return False
    try:
        signal.signal(signal.SIGTERM, forward)
    except ValueError:  # not in the main thread
        return False
    return True


def ended(code: int, why: str = "") -> LaunchError:
    """How a program ended that did not end well.

    Args:
        code: its exit code; the negative number of the signal that killed it.
        why: its last word, where it had one.
    """
    if code > 0:
        what = f"exited with code {code}"
        return LaunchError(f"{what}: {shorten(why, 200)}" if why else what, exit_code=code)
    try:
        name = f" ({signal.Signals(-code).name})"
    except ValueError:  # a real-time signal
        name = ""
    mend = "perhaps it had too little memory" if -code == signal.SIGKILL else ""
    return LaunchError(f"was killed by signal {-code}{name}", mend=mend, exit_code=128 - code)
