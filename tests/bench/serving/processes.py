"""Server processes: started on their own, measured with all their children, and ended with all of them."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_GRACE: Final = 15.0
_STEP: Final = 0.01


@dataclass(frozen=True)
class Memory:
    """Of a server, with its children.

    Args:
        rss: MiB; what processes share is counted once for each.
        pss: MiB; what processes share is divided among them.
        processes: how many.
    """

    rss: float
    pss: float
    processes: int


@dataclass(frozen=True)
class _Stat:
    pid: int
    parent: int
    session: int
    cpu: float
    born: int


def free_ports(count: int) -> list[int]:
    """Ports that nobody on this machine listens at."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]


class Running:
    """A server, and whatever processes it starts.

    Args:
        command: that starts it.
        environment: all of its variables.
        folder: to work in; its output goes to `log` there.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
        self.log = folder / "log"
        with self.log.open("ab") as out:
            # A session of its own: its children are known by it, and Ctrl-C is for us to pass on.
            self._process = subprocess.Popen(
                command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                start_new_session=True,
            )  # fmt: skip

    @property
    def ended(self) -> bool:
        """Whether it has ended by itself."""
        return self._process.poll() is not None

    def _family(self) -> list[_Stat]:
        # By session, and by parent for those that made a session of their own.
        everyone = list(_stats())
        family = {stat.pid for stat in everyone if stat.session == self._process.pid}
        while more := {stat.pid for stat in everyone if stat.parent in family} - family:
            family |= more
        return [stat for stat in everyone if stat.pid in family]

    def cpu(self) -> float:
        """CPU seconds that it and its children, those that have ended too, have used until now."""
        return sum(stat.cpu for stat in self._family())

    def memory(self) -> Memory:
        """What it takes now."""
        found = [size for stat in self._family() if (size := _sizes(stat.pid))]
        return Memory(sum(rss for rss, _ in found) / 1024, sum(pss for _, pss in found) / 1024, len(found))

    def stop(self) -> None:
        """End it and every process that it has started: asked first, killed where that does not help."""
        family = self._family()
        if not self.ended:
            self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_GRACE)
        # Some servers leave their children behind. A number alone may be another process's by now.
        while left := [
            stat for stat in family if (stat.pid, stat.born) in {(s.pid, s.born) for s in _stats()}
        ]:
            for stat in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(stat.pid, signal.SIGKILL)
            time.sleep(_STEP)
        self._process.wait()


def busy() -> float:
    """CPU seconds that all processes of this machine have used until now."""
    user, nice, system, _idle, _waiting, *interrupts = map(int, _first_line(Path("/proc/stat")).split()[1:8])
    return (user + nice + system + sum(interrupts)) / _TICKS


def _first_line(file: Path) -> str:
    with file.open() as lines:
        return lines.readline()


def _stats() -> Iterator[_Stat]:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (stat := _stat(folder)):
            yield stat


def _stat(folder: Path) -> _Stat | None:
    try:
        # The name, in parentheses, can hold anything.
        fields = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    if fields[0] in ("Z", "X"):
        return None
    cpu = sum(map(int, fields[11:15])) / _TICKS
    return _Stat(int(folder.name), int(fields[1]), int(fields[3]), cpu, int(fields[19]))


def _sizes(pid: int) -> tuple[int, int] | None:
    # Kilobytes, resident and proportional.
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return None
    found = {line.split(":")[0]: int(line.split()[1]) for line in text.splitlines()[1:]}
    return found["Rss"], found["Pss"]
