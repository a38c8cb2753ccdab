"""The scheduler's end of the zygote: starts steps, waits for them, ends them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

GRACE_SECONDS = 5.0  # between SIGTERM and SIGKILL


@dataclass
class _Job:
    ended: asyncio.Future[int]
    pid: int = 0


@dataclass
class Pool:
    """A zygote and the steps it has started. Use `open_pool`."""

    process: asyncio.subprocess.Process
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    slots: asyncio.Semaphore
    ready: asyncio.Future[dict[str, Any]]
    jobs: dict[int, _Job] = field(default_factory=dict)
    count: int = 0
    listener: asyncio.Task[None] | None = None
    lost: bool = False

    async def run(self, call: str, argument: str, log: Path, env: Mapping[str, str]) -> int:
        """Runs one step when a core is free.

        Args:
            call: `module:function`, as `child.enter` takes it.
            argument: passed on.
            log: file that gets what the step prints.
            env: variables it gets.

        Returns:
            Its exit code; negative where a signal killed it.
        """
        await self.ready
        async with self.slots:
            self.count += 1
            number, job = self.count, _Job(asyncio.get_running_loop().create_future())
            message = {"start": number, "call": call, "argument": argument, "log": str(log), "env": dict(env)}
            if self.lost:
                return await _alone(message)
            self.jobs[number] = job
            self._send(message)
            try:
                return await asyncio.shield(job.ended)
            except asyncio.CancelledError:
                await self._end(number, job)
                raise
            finally:
                self.jobs.pop(number, None)

    async def _end(self, number: int, job: _Job) -> None:
        for name in (signal.SIGTERM, signal.SIGKILL):
            self._send({"kill": number, "signal": int(name)})
            done, _ = await asyncio.wait({job.ended}, timeout=GRACE_SECONDS)
            if done:
                return

    def _send(self, message: Mapping[str, Any]) -> None:
        if not self.writer.is_closing():
            self.writer.write(json.dumps(message).encode() + b"\n")

    async def _listen(self) -> None:
        while line := await self.reader.readline():
            message = json.loads(line)
            if "ready" in message:
                self.ready.set_result(message["ready"])
            elif "started" in message and message["started"] in self.jobs:
                self.jobs[message["started"]].pid = message["pid"]
            elif "ended" in message and (job := self.jobs.get(message["ended"])):
                job.ended.set_result(message["code"])
        self._lost()

    def _lost(self) -> None:
        """The zygote is gone; what it started goes too. Exit handlers can still start, on their own."""
        self.lost = True
        if not self.ready.done():
            self.ready.set_result({"seconds": 0.0, "modules": []})
        for job in self.jobs.values():
            if job.pid:
                _kill_group(job.pid)
            if not job.ended.done():
                job.ended.set_result(-signal.SIGKILL)

    async def close(self) -> None:
        """Ends the zygote, and with it every step that still runs."""
        self.writer.close()
        try:
            await asyncio.wait_for(self.process.wait(), GRACE_SECONDS)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
        if self.listener:
            await self.listener


async def _alone(message: Mapping[str, Any]) -> int:
    """Runs a step in an interpreter of its own, without a zygote."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pipelines.sdk.local.child", json.dumps(message)),
        env=_environment(),
        start_new_session=True,
    )
    try:
        return await process.wait()
    except asyncio.CancelledError:
        _kill_group(process.pid)
        await process.wait()
        raise


def _environment() -> dict[str, str]:
    """Modules are found by the same search as here, the current folder of `python -m` included."""
    path = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
    return {**os.environ, "PYTHONPATH": path, "_KFP_RUNTIME": "true"}


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


async def open_pool(sources: Iterable[str], log: Path, *, size: int, fork: bool) -> Pool:
    """Starts a zygote that imports what the given component sources import.

    Args:
        sources: Python source texts.
        log: file for what the imports print.
        size: how many steps run at once.
        fork: whether steps are forked from it, or started afresh.
    """
    ours, theirs = socket.socketpair()
    with theirs, log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "pipelines.sdk.local.zygote", str(theirs.fileno())),
            "fork" if fork else "spawn",
            pass_fds=(theirs.fileno(),),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=_environment(),
            start_new_session=True,  # Ctrl-C on the terminal is for the scheduler alone
        )
    reader, writer = await asyncio.open_connection(sock=ours, limit=1 << 20)
    ready = asyncio.get_running_loop().create_future()
    pool = Pool(process, reader, writer, asyncio.Semaphore(size), ready)
    pool._send({"preload": list(sources)})
    pool.listener = asyncio.create_task(pool._listen())
    return pool
