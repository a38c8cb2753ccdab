"""What the processes of a pool are asked to do, in test_pool.py; each takes a text and gives an exit code."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path


def code(argument: str) -> int:
    return int(argument)


def length(argument: str) -> int:
    print(len(argument))
    return 0


def by_signal(argument: str) -> int:
    os.kill(os.getpid(), int(argument))
    return 0


def open_files(argument: str) -> int:
    """Which files it has, seen by itself and by a program that it starts with everything it may inherit."""
    found = [int(name) for name in os.listdir("/proc/self/fd")]
    print(sorted(number for number in found if Path(f"/proc/self/fd/{number}").exists()))
    return 0


def close_everything(argument: str) -> int:
    os.closerange(0, 1000)
    return 7


def deaf(argument: str) -> int:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    Path(argument).write_text(str(os.getpid()))
    while True:
        time.sleep(60)


def gentle(argument: str) -> int:
    def leave(*_: object) -> None:
        Path(argument).write_text("left in order")
        sys.exit(0)

    signal.signal(signal.SIGTERM, leave)
    Path(argument).write_text("started")
    while True:
        time.sleep(60)


def sleep(argument: str) -> int:
    Path(argument).write_text(str(os.getpid()))
    time.sleep(300)
    return 0


def with_children(argument: str) -> int:
    """Leaves one child in its own group, and one that has left it for good, as a daemon does."""
    stays = subprocess.Popen(["sleep", "300"])
    goes = subprocess.Popen(["sleep", "300"], start_new_session=True)
    Path(argument).write_text(f"{stays.pid} {goes.pid}")
    return 0


def late_thread(argument: str) -> int:
    """A thread that is no daemon belongs to the program: it is waited for."""

    def later() -> None:
        time.sleep(0.1)
        print("later", flush=True)

    threading.Thread(target=later).start()
    return 0


def imports(argument: str) -> int:
    """Whether a module was there already."""
    already = argument in sys.modules
    importlib.import_module(argument)
    print("already" if already else "only now")
    return 0


def variable(argument: str) -> int:
    print(os.environ.get(argument, "unset"))
    return 0


def exits_with_text(argument: str) -> int:
    sys.exit(argument)


def collects_garbage(argument: str) -> int:
    import gc

    return 0 if gc.isenabled() else 1


def signals(argument: str) -> int:
    """As in a program that was started from a shell."""
    print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)
    print(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)
    print(signal.getsignal(signal.SIGCHLD) is signal.SIG_DFL)
    return 0
