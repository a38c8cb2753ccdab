"""Runs one step: its request, its process, its result; or finds an earlier result that stands for it."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipelines.sdk import launch
from pipelines.sdk.local.cache import StepCache
from pipelines.sdk.local.containers import Engine
from pipelines.sdk.local.documents import task_document
from pipelines.sdk.local.folder import RunFolder
from pipelines.sdk.local.pool import Pool
from pipelines.sdk.local.scope import Artifacts, Outcome, Status, Value
from pipelines.sdk.plan import Retry, Step, Task
from pipelines.sdk.values import Constant

TAIL_BYTES = 8_192  # of a failed step's log, for its message


@dataclass(frozen=True)
class StepRunner:
    """What every step of a run needs.

    Args:
        pool: where steps run.
        folder: the run's.
        context: facts about the run, for placeholders.
        env: variables of every step.
        cache: earlier results; None where they may not be used.
        engine: runs container components; None where they are plain processes.
    """

    pool: Pool
    folder: RunFolder
    context: launch.Context
    env: Mapping[str, str]
    cache: StepCache | None = None
    engine: Engine | None = None

    async def run(self, path: str, task: Task, step: Step, arguments: Mapping[str, Value]) -> Outcome:
        """Runs a step until it succeeds or its attempts are used up.

        Args:
            path: of the task in this run, `for-loop-1.0/fit` for example.
            task: the task.
            step: its body.
            arguments: its inputs by name.
        """
        try:
            request = self._request(path, task, step, arguments)
        except launch.LaunchError as error:
            return Outcome(Status.FAILED, message=str(error))
        key = await self._key(task, step, request, arguments)
        if self.cache and key and (entry := await asyncio.to_thread(self.cache.get, key)):
            return replace(_outcome(step, launch.Result.from_json(entry)), cached=True)
        result = await self._attempts(path, task.retry, request)
        if result.error is not None:
            return Outcome(Status.FAILED, message=_text(result.error))
        if self.cache and key:
            await asyncio.to_thread(self.cache.put, key, result.to_json())
        return _outcome(step, result)

    def _request(self, path: str, task: Task, step: Step, arguments: Mapping[str, Value]) -> launch.Request:
        parameters = {k: v for k, v in arguments.items() if not isinstance(v, Artifacts) and v is not None}
        return launch.Request(
            task=task_document(path, step),
            root="",
            parameters={name: _encoded(value, path, name) for name, value in parameters.items()},
            templates=frozenset(n for n in parameters if isinstance(task.arguments.get(n), Constant)),
            artifacts={k: v.records for k, v in arguments.items() if isinstance(v, Artifacts)},
            context=replace(self.context, task_name=task.name),
            mounts={
                f"{scheme}://": f"{self.folder.path}/mounts/{scheme}/" for scheme in ("gs", "s3", "minio")
            },
        )

    async def _key(
        self, task: Task, step: Step, request: launch.Request, arguments: Mapping[str, Value]
    ) -> str:
        if not (self.cache and task.cache.enabled):
            return ""
        artifacts = {name: value for name, value in arguments.items() if isinstance(value, Artifacts)}
        return await asyncio.to_thread(self.cache.key, task, step, request.parameters, artifacts)

    async def _attempts(self, path: str, retry: Retry | None, request: launch.Request) -> launch.Result:
        retry = retry or Retry(limit=0)
        attempt = 1
        while True:
            result = await self._attempt(path, request, attempt)
            if result.error is None or attempt > retry.limit:
                return result
            pause = retry.backoff_seconds * retry.factor ** (attempt - 1)
            await asyncio.sleep(min(pause, retry.max_seconds))
            attempt += 1

    async def _attempt(self, path: str, request: launch.Request, attempt: int) -> launch.Result:
        work, log = self.folder.work(path, attempt), self.folder.log(path)
        request = replace(
            request,
            root=str(self.folder.root(path, attempt)),
            context=replace(request.context, task_id=f"{self.folder.id}/{path}/{attempt}"),
        )
        engine = self.engine if request.task.python is None else None
        request = engine.wrap(request) if engine else request
        request_file, result_file = work / "request.json", work / "result.json"
        request_file.write_text(json.dumps(request.to_json()), encoding="utf-8")
        env = {**self.env, "PIPELINE_TASK": path, **request.task.env}
        try:
            code = await self.pool.run("pipelines.sdk.local.worker:run_step", str(request_file), log, env)
        except asyncio.CancelledError:
            if engine:
                await engine.kill(request)
            raise
        if result_file.exists():
            return launch.Result.from_json(json.loads(result_file.read_text(encoding="utf-8")))
        return launch.Result(error=launch.Problem(_how(code, tail(log))))


def _outcome(step: Step, result: launch.Result) -> Outcome:
    declared = step.interface.output_artifacts
    outputs: dict[str, Value] = {name: launch.decode(text) for name, text in result.parameters.items()}
    for name, records in result.artifacts.items():
        if records or declared[name].is_list:
            outputs[name] = Artifacts(tuple(dict(record) for record in records), declared[name].is_list)
    return Outcome(Status.SUCCEEDED, outputs)


def _text(problem: launch.Problem) -> str:
    return str(launch.LaunchError(problem.what, problem.where, problem.mend))


def _encoded(value: Any, path: str, name: str) -> str:
    try:
        # Each value was within the limit where it was made; a list collected from many may be longer.
        return launch.encode(value, limit=None)
    except launch.WireError as error:
        raise error.at(f"task {path}, input {name}") from error


def _how(code: int, last: str) -> str:
    """How a process ended, and the last thing it said."""
    if code < 0:
        name = signal.Signals(-code).name
        hint = "; perhaps the machine ran out of memory" if name == "SIGKILL" else ""
        return f"it was killed by {name}{hint}"
    return f"it exited with code {code}" + (f": {last}" if last else "")


def tail(log: Path, lines: int = 1) -> str:
    """The last lines of a log that say something; '' where there are none."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join([line.rstrip() for line in text.splitlines() if line.strip()][-lines:])
