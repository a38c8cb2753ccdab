"""Runs a whole pipeline on this machine."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from pipelines.sdk import launch
from pipelines.sdk.local import folder as folders
from pipelines.sdk.local import mlflow_store
from pipelines.sdk.local.attempts import Attempts
from pipelines.sdk.local.cache import StepCache
from pipelines.sdk.local.containers import Engine
from pipelines.sdk.local.imports import ImportFinder, Imports
from pipelines.sdk.local.interrupts import Interrupts
from pipelines.sdk.local.mlflow_store import TrackingStore
from pipelines.sdk.local.parameters import parameters_text
from pipelines.sdk.local.pool import Pool
from pipelines.sdk.local.preflight import preflight
from pipelines.sdk.local.remote import Fetcher
from pipelines.sdk.local.result import Recorder, RunResult, TaskRecord, Watcher, plain
from pipelines.sdk.local.schedule import Listener, Scheduler
from pipelines.sdk.local.scope import Outcome, Value
from pipelines.sdk.local.steps import StepRunner
from pipelines.sdk.plan import Plan, Step, walk

__all__ = ["Options", "RunResult", "TaskRecord", "Watcher", "run"]


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
class _Run:
    """One run, from its folder on."""

    plan: Plan
    options: Options
    folder: folders.RunFolder
    now: datetime
    interrupts: Interrupts


def run(
    plan: Plan, inputs: Mapping[str, Value], options: Options, watcher: Watcher | None = None
) -> RunResult:
    """Runs a pipeline to its end.

    Ctrl-C (or SIGTERM, or a terminal that closes) ends the steps that run and starts no others, but for exit
    handlers; a second one ends those too.

    Args:
        plan: the pipeline.
        inputs: its inputs, typed and checked (see `arguments.check`).
        options: how to run.
        watcher: hears what happens.

    Raises:
        EnvironmentProblem: where this machine lacks what a step needs. Mostly nothing has started then; if
            something has, it has been ended in order.
    """
    watcher = watcher or Watcher()
    engine = preflight(plan, host=options.host)
    interrupts = Interrupts()
    work = _run(plan, inputs, replace(options, engine=engine), watcher, interrupts)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as thread:  # a notebook's own loop is running
        result = thread.submit(asyncio.run, work)
        while True:
            try:
                return result.result()
            except KeyboardInterrupt:
                interrupts.stop_from_outside()


async def _run(
    plan: Plan, inputs: Mapping[str, Value], options: Options, watcher: Watcher, interrupts: Interrupts
) -> RunResult:
    now, clock = datetime.now(UTC), time.perf_counter()
    folder = folders.create(options.home, plan.name, now)
    with contextlib.suppress(OSError):
        watcher.opened(folder)
    recorder, problems = Recorder(watcher), list[Exception]()

    def broken(error: Exception) -> None:
        problems.append(error)
        interrupts.stopping.set()

    one = _Run(plan, options, folder, now, interrupts)
    uri = mlflow_store.tracking_uri(options.home)
    env = {
        "PIPELINE_RUN_ID": folder.id,
        "PIPELINE_NAME": plan.name,
        "PIPELINES_HOME": str(options.home.absolute()),
        "PIPELINE_PARAMETERS": parameters_text(plan, inputs),
        "MLFLOW_TRACKING_URI": uri,
    }
    log = folder.path / "logs" / "preload.log"
    with interrupts.heard():
        async with Pool(log, env, size=options.workers, fork=options.fork) as pool:
            interrupts.in_order, interrupts.at_once = pool.hurry, pool.stop
            imports = _imports(plan)
            used = any(each.uses("mlflow") for each in imports.values())
            pool.preload(_ahead(imports, store=used))
            async with mlflow_store.opened(pool, uri, options.home, folder, used=used) as store:
                runner = _runner(one, pool, imports, store)
                listener = Listener(recorder.started, recorder.ended, broken)
                outcome = await Scheduler(runner.run, runner.context, listener, interrupts.stopping).run(
                    plan.root, inputs
                )
        result = _result(one, outcome, recorder, pool, time.perf_counter() - clock)
    if problems:
        raise problems[0]
    return result


def _imports(plan: Plan) -> dict[str, Imports]:
    """What each component imports, by its source, in the order of the steps."""
    bodies = [task.body for _, task in walk(plan.root)]
    sources = dict.fromkeys(b.python.source for b in bodies if isinstance(b, Step) and b.python)
    finder = ImportFinder()
    return {source: finder.of(source) for source in sources}


def _ahead(imports: Mapping[str, Imports], *, store: bool) -> dict[str, tuple[str, ...]]:
    """What to import ahead: first for the steps that need little, which then wait for no others."""
    ahead: dict[str, tuple[str, ...]] = {}
    for source, each in sorted(imports.items(), key=lambda item: item[1].heavy):
        if store and each.uses("mlflow"):
            ahead.setdefault(mlflow_store.KEY, mlflow_store.MODULES)
        ahead[source] = each.modules
    return ahead


def _runner(one: _Run, pool: Pool, imports: Mapping[str, Imports], store: TrackingStore | None) -> StepRunner:
    home, folder, stopped = one.options.home.absolute(), one.folder, one.interrupts.stopping.is_set
    folder.workspace.mkdir(exist_ok=True)
    context = launch.Context(
        job_name=folder.id,
        job_resource_name=folder.id,
        job_id=folder.id,
        create_time=f"{one.now:%Y-%m-%dT%H:%M:%SZ}",
        schedule_time=one.options.schedule_time,
        pipeline_root=str(folder.artifacts),
        workspace=str(folder.workspace),
    )
    engine = Engine(one.options.engine, home) if one.options.engine else None
    cache = StepCache(home / "cache", home / "runs", reads=one.options.cache, stopped=stopped)
    attempts = Attempts(pool, folder, imports, store, engine)
    return StepRunner(folder, context, cache, Fetcher(pool, folder), attempts)


def _result(one: _Run, outcome: Outcome, recorder: Recorder, pool: Pool, seconds: float) -> RunResult:
    """Makes the result, and writes it to the run's folder."""
    result = RunResult(
        run=one.folder.id,
        pipeline=one.plan.name,
        status=outcome.status,
        seconds=seconds,
        folder=one.folder.path,
        tasks=tuple(recorder.records),
        outputs=plain(outcome.outputs),
        preload_seconds=pool.seconds,
        message=outcome.reason,
        notes=tuple(pool.notes),
    )
    try:
        one.folder.write_record(result.to_json())
    except OSError as error:
        note = f"run.json cannot be written: {error.strerror}: {one.folder.path}"
        return replace(result, notes=(*result.notes, note))
    return result
