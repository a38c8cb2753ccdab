"""One zygote, seen from the scheduler: what it has been asked, and what it has said."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.sdk.local import interpreter

CLOSE_SECONDS = 5.0  # for a zygote to end its steps, and itself
GRACE_SECONDS = 5.0  # between SIGTERM and SIGKILL
POLL_SECONDS = 0.05


class Refused(Exception):
    """The machine did not let a process start; the text says why."""


@dataclass
class _Job:
    ended: asyncio.Future[int]
    pid: int = 0


@dataclass
class Host:
    """A zygote and the steps it has started. Use `open_host`.

    Args:
        process: the zygote.
        writer: of its socket.
        heard: called with each message that is not about a step.
        lost: called once when the zygote has gone, for whatever reason.
        importing: the module that it imports at the moment; '' for none.
        retired: whether it is to start no more steps.
        gone: whether it can be reached no more.
        unsure: whether it may have started a step whose process is not known here.
    """

    process: asyncio.subprocess.Process
    writer: asyncio.StreamWriter
    heard: Callable[[Host, Mapping[str, Any]], None]
    lost: Callable[[Host], None]
    importing: str = ""
    retired: bool = False
    gone: bool = False
    unsure: bool = False
    jobs: dict[int, _Job] = field(default_factory=dict)
    listener: asyncio.Task[None] | None = None

    def send(self, message: Mapping[str, Any]) -> None:
        """Sends a message; nothing happens where nobody listens any more."""
        if not self.writer.is_closing():
            self.writer.write(json.dumps(message).encode() + b"\n")

    def start(self, number: int, message: Mapping[str, Any]) -> asyncio.Future[int]:
        """Starts a step.

        Args:
            number: of the step; unique.
            message: the rest of the zygote's `start`.

        Returns:
            Its exit code, when there is one; or Refused.
        """
        ended = asyncio.get_running_loop().create_future()
        self.jobs[number] = _Job(ended)
        if self.gone:
            self._settle(number, -signal.SIGKILL)
        self.send({"start": number, **message})
        return ended

    async def end(self, number: int, ended: asyncio.Future[int]) -> None:
        """Ends a step: asks first, then insists.

        Args:
            number: of the step.
            ended: as `start` gave it.
        """
        for by in (signal.SIGTERM, signal.SIGKILL):
            job = self.jobs.get(number)
            if job and self.importing:  # the zygote would hear of it when the import is done
                _signal_group(job.pid, by)
            self.send({"kill": number, "signal": int(by)})
            deadline = time.monotonic() + GRACE_SECONDS
            while time.monotonic() < deadline:
                done, _ = await asyncio.wait({ended}, timeout=POLL_SECONDS)
                if done:
                    ended.exception()  # or asyncio would complain that nobody has asked
                    return
                if job and self.importing and _is_dead(job.pid):
                    _signal_group(job.pid, signal.SIGKILL)  # what it left behind
                    self._settle(number, -by)
                    return

    async def listen(self, reader: asyncio.StreamReader) -> None:
        """Hears the zygote until it goes."""
        try:
            with contextlib.suppress(OSError, ValueError):  # cut off, or in the middle of a line
                while line := await reader.readline():
                    self._hear(json.loads(line))
        finally:
            self.gone = True
            self.writer.close()
            for number, job in list(self.jobs.items()):
                self.unsure = self.unsure or not job.pid
                _signal_group(job.pid, signal.SIGKILL)
                self._settle(number, -signal.SIGKILL)
            self.lost(self)

    def _hear(self, message: Mapping[str, Any]) -> None:
        if "started" in message and message["started"] in self.jobs:
            self.jobs[message["started"]].pid = message["pid"]
        elif "ended" in message:
            self._settle(message["ended"], message["code"])
        elif "refused" in message:
            self._settle(message["refused"], Refused(message["why"]))
        else:
            self.importing = message.get("importing", "")
            self.heard(self, message)

    def _settle(self, number: int, how: int | Refused) -> None:
        job = self.jobs.pop(number, None)
        if job is None or job.ended.done():
            return
        if isinstance(how, Refused):
            job.ended.set_exception(how)
        else:
            job.ended.set_result(how)

    async def close(self) -> None:
        """Ends the zygote, and with it every step that still runs."""
        pids = [job.pid for job in self.jobs.values()]
        self.writer.close()
        with contextlib.suppress(ProcessLookupError, TimeoutError):
            if not self.jobs and not self.unsure:
                self.process.kill()  # it may be in the middle of an import that nobody needs
            await asyncio.wait_for(self.process.wait(), CLOSE_SECONDS)
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        for pid in pids:
            _signal_group(pid, signal.SIGKILL)
        if self.listener:
            await self.listener


def _is_dead(pid: int) -> bool:
    """Whether a process has ended, also where nobody has waited for it; False where that cannot be seen."""
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] == b"Z"
    except (OSError, IndexError):
        return False


def _signal_group(pid: int, number: signal.Signals) -> None:
    if not pid:  # which would be our own group
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


async def open_host(
    heard: Callable[[Host, Mapping[str, Any]], None],
    lost: Callable[[Host], None],
    log: Path,
    env: Mapping[str, str],
    *,
    fork: bool,
) -> Host:
    """Starts a zygote.

    Args:
        heard: see Host.
        lost: see Host.
        log: file that gets what imports print.
        env: variables that the zygote and all its steps get.
        fork: whether steps are forked from it, or started afresh.

    Raises:
        OSError: it cannot be started.
    """
    ours, theirs = socket.socketpair()
    try:
        with theirs, log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                *interpreter.command("pipelines.sdk.local.zygote", str(theirs.fileno())),
                "fork" if fork else "spawn",
                pass_fds=(theirs.fileno(),),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=interpreter.environment(env),
                start_new_session=True,  # Ctrl-C on the terminal is for the scheduler alone
            )
    except BaseException:
        ours.close()
        raise
    reader, writer = await asyncio.open_connection(sock=ours, limit=1 << 20)
    host = Host(process, writer, heard, lost)
    host.listener = asyncio.create_task(host.listen(reader))
    return host
