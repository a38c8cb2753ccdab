"""Where steps run: as many at once as there are cores, forked from a zygote that has done their imports."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.sdk.errors import EnvironmentProblem, Finding
from pipelines.sdk.local.host import Host, Refused, open_host

REPLACEMENTS = 5  # of zygotes, in one run
IMPORT_RETRIES = 3  # with ever fewer modules; then without any

# What every step needs, whatever it imports itself.
BASE = ("kfp.dsl.executor", "kfp.dsl.utils", "pipelines.sdk.local.worker")


class Stopped(Exception):
    """The step was not started, or was killed, because the run has been stopped at once."""


@dataclass(frozen=True)
class Call:
    """A function to be called in a process of its own.

    Args:
        target: `module:function`; the function takes the argument and returns an exit code.
        argument: passed on.
        log: file that gets what it prints.
        env: variables it gets.
        needs: the key of the imports that it waits for; '' for what every step needs.
        fresh: whether it runs in an interpreter of its own: its libraries may read `env` when imported.
    """

    target: str
    argument: str
    log: Path
    env: Mapping[str, str]
    needs: str = ""
    fresh: bool = False


@dataclass
class Pool:
    """The processes of a run. Use as a context manager.

    Args:
        log: file for what the imports print.
        env: variables that every process gets.
        size: how many steps run at once.
        fork: whether steps are forked, or started afresh.
    """

    log: Path
    env: Mapping[str, str]
    size: int
    fork: bool
    imports: dict[str, tuple[str, ...]] = field(default_factory=lambda: {"": BASE})
    """Modules to import ahead of the steps, by key, in order of need."""
    seconds: float = 0.0
    """Time that imports have taken so far."""
    notes: list[str] = field(default_factory=list)
    """What a user should know about them."""
    _hosts: list[Host] = field(default_factory=list)
    _loaded: dict[str, asyncio.Event] = field(default_factory=dict)
    _skip: set[str] = field(default_factory=set)
    _count: int = 0
    _failures: int = 0
    _stopped: bool = False
    _opening: asyncio.Lock = field(default_factory=asyncio.Lock)
    _recovering: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._slots = asyncio.Semaphore(self.size)

    async def __aenter__(self) -> Pool:
        """Starts the first zygote.

        Raises:
            EnvironmentProblem: where no process can be started.
        """
        self._loaded[""] = asyncio.Event()
        await self._host()
        return self

    def preload(self, imports: Mapping[str, tuple[str, ...]]) -> None:
        """Has modules imported ahead of the steps.

        Args:
            imports: dotted names by key, in order of need.
        """
        self.imports.update(imports)
        self._loaded.update({key: asyncio.Event() for key in imports})
        self._send_imports(self._hosts[-1], imports)

    async def __aexit__(self, *_: object) -> None:
        self._stopped = True
        async with self._opening:
            await asyncio.gather(*(host.close() for host in self._hosts))

    async def run(self, call: Call, begun: Callable[[], None] | None = None) -> int:
        """Calls a function in a process of its own, when a core is free.

        Args:
            call: what to call.
            begun: called when it starts.

        Returns:
            The exit code; negative where a signal killed it.

        Raises:
            Stopped: where `stop` was called.
            EnvironmentProblem: where no process can be started.
        """
        if not call.fresh:
            await self._loaded[call.needs].wait()
        async with self._slots:
            host = await self._host()
            if begun:
                begun()
            self._count += 1
            number = self._count
            ended = host.start(
                number,
                {
                    "call": call.target,
                    "argument": call.argument,
                    "log": str(call.log),
                    "env": dict(call.env),
                    "fresh": call.fresh,
                },
            )
            code = await self._end_of(host, number, ended)
            if self._stopped:
                raise Stopped
            return code

    async def _end_of(self, host: Host, number: int, ended: asyncio.Future[int]) -> int:
        try:
            # Shielded: the zygote's word that it has ended is awaited also after a cancellation.
            return await asyncio.shield(ended)
        except Refused as error:
            what = f"a process cannot be started: {error}"
            mend = "end other programs, or set PIPELINES_WORKERS to fewer steps at once"
            raise EnvironmentProblem(Finding(what, mend=mend)) from error
        except asyncio.CancelledError:
            await host.end(number, ended)
            raise

    def hurry(self) -> None:
        """Begins no more imports: what is still to run (exit handlers) waits for none of them."""
        self._failures = IMPORT_RETRIES + 1
        if self._hosts and self._hosts[-1].importing:
            self._hosts[-1].retired = True
        self._give_up_imports()

    def stop(self) -> None:
        """Ends every step at once, and lets none start any more."""
        self._stopped = True
        for host in self._hosts:
            host.writer.close()
        self._give_up_imports()

    async def _host(self) -> Host:
        """The zygote that new steps come from."""
        async with self._opening:
            if self._stopped:
                raise Stopped
            if not self._hosts or self._hosts[-1].gone or self._hosts[-1].retired:
                await self._replace()
            return self._hosts[-1]

    async def _replace(self) -> None:
        if len(self._hosts) > REPLACEMENTS:
            what = "the process that starts the steps was killed again and again"
            raise EnvironmentProblem(Finding(what, mend=f"is there enough memory? see {self.log}"))
        try:
            host = await open_host(self._heard, self._lost, self.log, self.env, fork=self.fork)
        except OSError as error:
            what = f"a process cannot be started: {error.strerror or error}"
            raise EnvironmentProblem(Finding(what, str(error.filename or ""))) from error
        self._hosts.append(host)
        self._send_imports(host, self.imports)

    def _send_imports(self, host: Host, imports: Mapping[str, tuple[str, ...]]) -> None:
        if not self.fork or self._failures > IMPORT_RETRIES:
            self._give_up_imports()
            return
        for key, modules in imports.items():
            wanted = [name for name in modules if name not in self._skip]
            host.send({"preload": key, "modules": wanted})

    def _heard(self, host: Host, message: Mapping[str, Any]) -> None:
        if "loaded" in message:
            self.seconds = max(self.seconds, message["seconds"])
            self._loaded[message["loaded"]].set()
        elif "unsafe" in message:
            host.retired = True
            names = ", ".join(message["threads"])
            self._leave_out(message["unsafe"], f"starts threads when it is imported ({names})")
            self._recover()

    def _lost(self, host: Host) -> None:
        if self._stopped:
            return
        if host.importing:
            self._leave_out(host.importing, "ended the process that imported it")
        elif not host.retired:
            self.notes.append(f"the process that starts the steps was killed; see {self.log}")
        self._recover()

    def _recover(self) -> None:
        """Has another zygote do the imports that steps wait for."""

        async def replace() -> None:
            try:
                await self._host()
            except (EnvironmentProblem, Stopped):
                self._give_up_imports()  # and the next step says why

        task = asyncio.create_task(replace())
        self._recovering.add(task)
        task.add_done_callback(self._recovering.discard)

    def _leave_out(self, module: str, why: str) -> None:
        self._skip.add(module)
        self._failures += 1
        self.notes.append(f"{module} {why}: the steps that need it import it themselves")

    def _give_up_imports(self) -> None:
        """Nobody waits any more: a step imports for itself what has not been."""
        for event in self._loaded.values():
            event.set()
