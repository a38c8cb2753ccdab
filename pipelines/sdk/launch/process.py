"""Runs a program as the step's process, and says how it ended."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from .errors import LaunchError, shorten


def start(words: Sequence[str], env: Mapping[str, str]) -> None:
    """Run a program to its end; it writes where the launcher writes.

    Args:
        words: the program and its arguments; at least the program.
        env: variables added to the launcher's own.

    Raises:
        LaunchError: it cannot be started, or did not end well; `exit_code` is then its own, or 128 and the
            signal's number, as shells have it.
    """
    try:
        process = subprocess.Popen(list(words), env={**os.environ, **env})
    except FileNotFoundError:
        raise LaunchError(
            f"the program {words[0]!r} was not found",
            mend="install it, or name it with its path",
            exit_code=127,
        ) from None
    except (OSError, ValueError) as error:  # no permission, no executable, too long, a NUL in an argument
        too_long = isinstance(error, OSError) and error.errno == errno.E2BIG
        mend = "make the largest of its inputs artifacts" if too_long else ""
        what = f"the program {shorten(words[0])} cannot be started: {error}"
        raise LaunchError(what, mend=mend, exit_code=126) from None
    with _forwarded(process):
        try:
            code = process.wait()
        except BaseException:
            process.kill()
            process.wait()
            raise
    if code:
        raise ended(code)


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


@contextmanager
def _forwarded(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Pass SIGTERM on while the program runs: as a pod's first process, the launcher alone receives it.

    Only where nobody else has decided what SIGTERM does, and in the thread that may.
    """

    def forward(number: int, frame: Any) -> None:
        process.send_signal(number)

    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, forward)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
