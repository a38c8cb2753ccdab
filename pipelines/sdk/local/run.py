"""Runs a whole pipeline on this machine."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipelines.sdk import launch
from pipelines.sdk.local import folder as folders
from pipelines.sdk.local.cache import StepCache
from pipelines.sdk.local.containers import Engine
from pipelines.sdk.local.mlflow_store import default_tracking_uri, prepare_store
from pipelines.sdk.local.pool import Pool, open_pool
from pipelines.sdk.local.preflight import preflight
from pipelines.sdk.local.schedule import Listener, Scheduler
from pipelines.sdk.local.scope import Artifacts, Outcome, Status, Value
from pipelines.sdk.local.steps import StepRunner
from pipelines.sdk.plan import Plan, Step, Task, walk
from pipelines.sdk.values import Json


@dataclass(frozen=True)
class Options:
    """How to run.

    Args:
        home: folder for runs, cache and everything else that stays.
        workers: how many steps run at once.
        fork: whether steps are forked from a process that has done their imports.
        cache: whether earlier results may stand for steps that allow it.
        host: whether container components run as plain processes of this machine.
        schedule_time: for which the run was meant, RFC 3339; '' for now.
        engine: `docker` or `podman`, for container components; '' for none. Found by `run`.
    """

    home: Path
    workers: int
    fork: bool
    cache: bool = True
    host: bool = False
    schedule_time: str = ""
    engine: str = ""


@dataclass(frozen=True)
class TaskRecord:
    """How one task of a run ended; `name` is its path."""

    name: str
    status: Status
    seconds: float
    outputs: Mapping[str, Json] = field(default_factory=dict)
    message: str = ""
    cached: bool = False
    step: bool = True

    def to_json(self) -> dict[str, Any]:
        """For `--json` and `run.json`."""
        record = {"name": self.name, "status": str(self.status), "seconds": round(self.seconds, 3)}
        extra = {"message": self.message} if self.message else {}
        return {**record, "outputs": dict(self.outputs), "cached": self.cached, **extra}


@dataclass(frozen=True)
class RunResult:
    """How a run ended."""

    run: str
    pipeline: str
    status: Status
    seconds: float
    folder: Path
    tasks: tuple[TaskRecord, ...]
    outputs: Mapping[str, Json]
    preload_seconds: float = 0.0
    message: str = ""

    def to_json(self) -> dict[str, Any]:
        """For `--json` and `run.json`."""
        return {
            "run": self.run,
            "pipeline": self.pipeline,
            "status": str(self.status),
            "seconds": round(self.seconds, 3),
            "preload_seconds": round(self.preload_seconds, 3),
            "folder": str(self.folder),
            "tasks": [task.to_json() for task in self.tasks],
            "outputs": dict(self.outputs),
        }


@dataclass(frozen=True)
class Watcher:
    """Called while a run goes on.

    Args:
        opened: with the run's folder, before anything starts.
        started: with a task's path and the task.
        ended: with its record.
    """

    opened: Any = lambda folder: None
    started: Any = lambda path, task: None
    ended: Any = lambda record: None


def run(
    plan: Plan, inputs: Mapping[str, Value], options: Options, watcher: Watcher | None = None
) -> RunResult:
    """Runs a pipeline to its end.

    Ctrl-C (or SIGTERM) ends the steps that run and starts no others, but for exit handlers; a second one
    ends those too.

    Args:
        plan: the pipeline.
        inputs: its inputs, typed and checked (see `arguments.check`).
        options: how to run.
        watcher: hears what happens.

    Raises:
        EnvironmentProblem: where this machine lacks what a step needs; nothing has started then.
    """
    engine = preflight(plan, host=options.host)
    work = _run(plan, inputs, replace(options, engine=engine), watcher or Watcher())
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as thread:  # a notebook's own loop is running
        return thread.submit(asyncio.run, work).result()


async def _run(plan: Plan, inputs: Mapping[str, Value], options: Options, watcher: Watcher) -> RunResult:
    now, clock = datetime.now(UTC), time.perf_counter()
    folder = folders.create(options.home, plan.name, now)
    watcher.opened(folder)
    records: list[TaskRecord] = []
    stopping = asyncio.Event()
    sources = [t.body.python.source for _, t in walk(plan.root) if isinstance(t.body, Step) and t.body.python]
    with contextlib.ExitStack() as stack:
        pool = await open_pool(
            sources, folder.path / "logs" / "preload.log", size=options.workers, fork=options.fork
        )
        stack.enter_context(_signals(stopping, pool))
        try:
            scheduler = await _scheduler(
                plan, options, folder, pool, now, _Recorder(records, watcher), stopping
            )
            outcome = await scheduler.run(plan.root, inputs)
            ready = await pool.ready
        finally:
            await pool.close()
    result = RunResult(
        run=folder.id,
        pipeline=plan.name,
        status=outcome.status,
        seconds=time.perf_counter() - clock,
        folder=folder.path,
        tasks=tuple(records),
        outputs=_plain(outcome.outputs),
        preload_seconds=ready["seconds"],
        message=outcome.message,
    )
    folder.write_record(result.to_json())
    return result


async def _scheduler(
    plan: Plan,
    options: Options,
    folder: folders.RunFolder,
    pool: Pool,
    now: datetime,
    recorder: _Recorder,
    stopping: asyncio.Event,
) -> Scheduler:
    workspace = folder.path / "workspace"
    workspace.mkdir()
    context = launch.Context(
        job_name=folder.id,
        job_resource_name=folder.id,
        job_id=folder.id,
        create_time=f"{now:%Y-%m-%dT%H:%M:%SZ}",
        schedule_time=options.schedule_time,
        pipeline_root=str(folder.artifacts),
        workspace=str(workspace),
    )
    tracking = os.environ.get("MLFLOW_TRACKING_URI") or default_tracking_uri(options.home)
    env = {
        "PIPELINE_RUN_ID": folder.id,
        "PIPELINE_NAME": plan.name,
        "PIPELINES_HOME": str(options.home.absolute()),
        "MLFLOW_TRACKING_URI": tracking,
    }
    await prepare_store(pool, tracking, options.home, folder.path / "logs" / "mlflow.log")
    cache = StepCache(options.home.absolute() / "cache") if options.cache else None
    engine = Engine(options.engine, options.home.absolute()) if options.engine else None
    runner = StepRunner(pool, folder, context, env, cache, engine)
    return Scheduler(runner.run, context, Listener(recorder.started, recorder.ended), stopping)


@dataclass(frozen=True)
class _Recorder:
    records: list[TaskRecord]
    watcher: Watcher

    def started(self, path: str, task: Task) -> None:
        self.watcher.started(path, task)

    def ended(self, path: str, task: Task, outcome: Outcome, seconds: float) -> None:
        record = TaskRecord(
            name=path,
            status=outcome.status,
            seconds=seconds,
            outputs=_plain(outcome.outputs),
            message=outcome.message,
            cached=outcome.cached,
            step=isinstance(task.body, Step),
        )
        self.records.append(record)
        self.watcher.ended(record)


def _plain(outputs: Mapping[str, Value]) -> dict[str, Json]:
    return {n: value.to_json() if isinstance(value, Artifacts) else value for n, value in outputs.items()}


@contextlib.contextmanager
def _signals(stopping: asyncio.Event, pool: Pool) -> Iterator[None]:
    """The first Ctrl-C stops the run in order, the second at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if stopping.is_set():
            pool.writer.close()
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
