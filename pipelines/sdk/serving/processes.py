"""Server processes: started on their own, told apart from whatever has their number later, and ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import pipelines
from pipelines.sdk.serving.state import Record

_REMAINS: Final = ("Z", "X")
_STEP: Final = 0.02
_AFTER_KILL: Final = 10.0


def birth(pid: int) -> str:
    """When a process began, in the system's own terms; empty where there is none, or only its remains.

    Two processes that had the same number one after the other differ in it.
    """
    state, born = _look(pid)
    return "" if state in _REMAINS else born


def lives(record: Record) -> bool:
    """Whether the very process that was started still runs."""
    state, born = _look(record.endpoint.pid)
    if not record.birth or born != record.birth:
        return False
    if state in _REMAINS:
        _bury(record.endpoint.pid)
        return False
    return True


def abandoned(record: Record) -> bool:
    """Whether the process that would have switched to this server is gone; False where there was none."""
    return bool(record.owner) and birth(record.owner) != record.owner_birth


def _look(pid: int) -> tuple[str, str]:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ("", "") if Path("/proc/self/stat").exists() else _look_by_ps(pid)
    # The name, in parentheses, can hold anything; after it come state and, 20th, the start in clock ticks.
    fields = stat.rpartition(")")[2].split()
    return fields[0], f"{boot}/{fields[19]}"


def _look_by_ps(pid: int) -> tuple[str, str]:
    # macOS has no /proc.
    command = ["ps", "-o", "stat=,lstart=", "-p", str(pid)]
    found = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    state, _, born = found.partition(" ")
    return state[:1], born.strip()


def _bury(pid: int) -> None:
    # A server that this process started, and nobody waits for. Never asked of a number that is only recorded:
    # it may be another child's by now, and somebody else's to wait for.
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def start(arguments: list[str], log: Path, environment: Mapping[str, str]) -> int:
    """Start `python -m pipelines.sdk.serving` in a session of its own; its number.

    Args:
        arguments: of the server.
        log: for what it writes.
        environment: added to this process's.
    """
    root = str(Path(pipelines.__file__).parent.parent)
    path = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    # -P: a folder called like a package in the working directory should not be taken for it.
    command = [sys.executable, "-P", "-m", "pipelines.sdk.serving", *arguments]
    with log.open("ab") as out:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env={**os.environ, **environment, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"},
            start_new_session=True,
        )
    # It is to outlive us, so Popen should not warn that it does.
    process.returncode = 0
    return process.pid


def end(records: Iterable[Record], grace: float) -> None:
    """Ask servers to end, wait, and kill those that do not. Only the processes that the records are of.

    Args:
        records: of the servers.
        grace: seconds for their requests under way.
    """
    running = [record for record in records if lives(record)]
    _signal(running, signal.SIGTERM)
    running = _outlasting(running, grace)
    _signal(running, signal.SIGKILL)
    _outlasting(running, _AFTER_KILL)


def _signal(records: Iterable[Record], number: signal.Signals) -> None:
    for record in records:
        if lives(record):
            try:
                os.kill(record.endpoint.pid, number)
            except ProcessLookupError:
                continue


def _outlasting(records: list[Record], seconds: float) -> list[Record]:
    until = time.monotonic() + seconds
    while (records := [record for record in records if lives(record)]) and time.monotonic() < until:
        time.sleep(_STEP)
    return records


def last_lines(log: Path, count: int = 12) -> str:
    """The end of a log."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 16_384))
            return "\n".join(file.read().decode("utf-8", "replace").splitlines()[-count:])
    except OSError:
        return ""
