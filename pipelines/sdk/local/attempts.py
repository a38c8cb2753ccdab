"""Has a step's process run, again where it failed and may, and reads what it left."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pipelines.sdk import launch
from pipelines.sdk.local.containers import Engine
from pipelines.sdk.local.folder import RunFolder
from pipelines.sdk.local.imports import Imports
from pipelines.sdk.local.logs import tail
from pipelines.sdk.local.mlflow_store import TrackingStore
from pipelines.sdk.local.pool import Call, Pool
from pipelines.sdk.plan import Retry, Step


@dataclass(frozen=True)
class Attempts:
    """What every process of a run needs.

    Args:
        pool: where steps run.
        folder: the run's.
        imports: of each component, by its source.
        store: MLflow's; steps that use it wait for it.
        engine: runs container components; None where they are plain processes.
    """

    pool: Pool
    folder: RunFolder
    imports: Mapping[str, Imports]
    store: TrackingStore | None
    engine: Engine | None

    def imports_of(self, step: Step) -> Imports:
        """What a step imports; nothing is known of a container's."""
        return self.imports[step.python.source] if step.python else Imports()

    def store_of(self, step: Step) -> TrackingStore | None:
        """MLflow's store, where a step uses it."""
        return self.store if self.imports_of(step).uses("mlflow") else None

    async def run(
        self, path: str, retry: Retry | None, step: Step, request: launch.Request, begun: Callable[[], None]
    ) -> tuple[launch.Result, int]:
        """Runs a step until it succeeds or its attempts are used up.

        Args:
            path: of the task in this run.
            retry: how often, and with what pauses.
            step: the body of the task.
            request: what it is given; its root is that of the attempt, set here.
            begun: called when the first process starts.

        Returns:
            The last attempt's result, and how many there were.
        """
        retry = retry or Retry(limit=0)
        pause = retry.backoff_seconds
        attempt = 1
        while True:
            result = await self._attempt(path, step, request, attempt, begun)
            if result.error is None or attempt > retry.limit:
                return result, attempt
            await asyncio.sleep(min(pause, retry.max_seconds))
            pause = min(pause * retry.factor, retry.max_seconds)
            attempt += 1

    async def _attempt(
        self, path: str, step: Step, request: launch.Request, attempt: int, begun: Callable[[], None]
    ) -> launch.Result:
        work, log = self.folder.work(path, attempt), self.folder.log(path, attempt)
        request = replace(
            request,
            root=str(self.folder.root(path, attempt)),
            context=replace(request.context, task_id=f"{self.folder.id}/{path}/{attempt}"),
        )
        if store := self.store_of(step):
            await store.ready()
        engine = self.engine if step.python is None else None
        request = engine.wrap(request) if engine else request
        (work / "request.json").write_text(json.dumps(request.to_json()), encoding="utf-8")
        call = self._call(path, step, work / "request.json", log)
        code = -1
        try:
            code = await self.pool.run(call, begun if attempt == 1 else None)
        finally:
            if engine and code < 0:  # the engine's client is gone, and not the container
                await engine.kill(request)
        return _result(work / "result.json", code, log, request)

    def _call(self, path: str, step: Step, request: Path, log: Path) -> Call:
        return Call(
            "pipelines.sdk.local.worker:run_step",
            str(request),
            log,
            env={"PIPELINE_TASK": path, **step.env},
            needs=step.python.source if step.python else "",
            # Python, and what was imported ahead, have read their variables (TZ, OMP_NUM_THREADS) already.
            fresh=bool(step.env) and step.python is not None,
        )


def _result(file: Path, code: int, log: Path, request: launch.Request) -> launch.Result:
    """What a process left, or how it ended where it left nothing."""
    try:
        result = launch.Result.from_json(json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        if code == 0 and log.exists():  # os._exit: a process that ends with 0 has ended well
            return launch.collect_outputs(request)
        return _problem(how(code, tail(log)) if log.exists() else f"its log cannot be written: {log}")
    except (ValueError, launch.LaunchError) as error:
        return _problem(f"{how(code)} and left no whole result: {error}")
    if code and result.error is None:
        return _problem(f"{how(code, tail(log))} (after its work was done)")
    return result


def _problem(what: str) -> launch.Result:
    return launch.Result(error=launch.Problem(what))


def how(code: int, last: str = "") -> str:
    """How a process ended, and the last thing it said.

    Args:
        code: exit code; negative for a signal.
        last: line of its log.
    """
    if code >= 0:
        return f"it exited with code {code}" + (f": {last}" if last else "")
    try:
        name = signal.Signals(-code).name
    except ValueError:  # a real-time signal
        name = f"signal {-code}"
    hint = "; perhaps the machine ran out of memory" if name == "SIGKILL" else ""
    return f"it was killed by {name}{hint}"
