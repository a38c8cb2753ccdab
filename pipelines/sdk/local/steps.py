"""Runs one step: its request, its process, its result; or finds an earlier result that stands for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pipelines.sdk import launch
from pipelines.sdk.local.attempts import Attempts
from pipelines.sdk.local.cache import Key, StepCache, packages
from pipelines.sdk.local.folder import RunFolder
from pipelines.sdk.local.pool import Stopped
from pipelines.sdk.local.remote import Fetcher
from pipelines.sdk.local.scope import Artifacts, Outcome, Status, Value
from pipelines.sdk.plan import Step, Task
from pipelines.sdk.task_documents import task_document
from pipelines.sdk.values import Constant


@dataclass(frozen=True)
class StepRunner:
    """What every step of a run needs.

    Args:
        folder: the run's.
        context: facts about the run, for placeholders.
        cache: earlier results.
        fetcher: brings artifacts that are elsewhere.
        attempts: runs what has to be run.
    """

    folder: RunFolder
    context: launch.Context
    cache: StepCache
    fetcher: Fetcher
    attempts: Attempts

    async def run(
        self, path: str, task: Task, step: Step, arguments: Mapping[str, Value], begun: Callable[[], None]
    ) -> Outcome:
        """Runs a step until it succeeds or its attempts are used up.

        Args:
            path: of the task in this run, `for-loop-1.0/fit` for example.
            task: the task.
            step: its body.
            arguments: its inputs by name.
            begun: called when its first process is about to start.
        """
        clock = time.perf_counter()
        try:
            request = self._request(path, task, step, arguments)
            absent = await self.fetcher.fetch(r for records in request.artifacts.values() for r in records)
            request = _with_fetched(request, self.folder, absent)
            key = await self._key(task, step, request)
            if key and (result := await asyncio.to_thread(self.cache.get, key)):
                return replace(_outcome(step, result), cached=True)
            waiting = [time.perf_counter() - clock]

            def starts() -> None:
                waiting[0] = time.perf_counter() - clock
                begun()

            result, count = await self.attempts.run(path, task.retry, step, request, starts)
            ended = replace(_outcome(step, result, absent), attempts=count, waited=waiting[0])
            if key and ended.status is Status.SUCCEEDED:
                await asyncio.to_thread(self.cache.put, key, request, result)
            return ended
        except launch.LaunchError as error:
            return Outcome(Status.FAILED, message=str(error))
        except OSError as error:
            what = f"{error.filename or self.folder.path}: {error.strerror or error}"
            hint = "is the disk full, or the run's folder gone?"
            return Outcome(Status.FAILED, message=f"the run's files cannot be written: {what}; {hint}")
        except Stopped:
            return Outcome(Status.CANCELLED, message="it was stopped at once")

    def _request(self, path: str, task: Task, step: Step, arguments: Mapping[str, Value]) -> launch.Request:
        parameters = {k: v for k, v in arguments.items() if not isinstance(v, Artifacts) and v is not None}
        return launch.Request(
            task=task_document(path, step),
            root="",
            parameters={name: _encoded(value, path, name) for name, value in parameters.items()},
            templates=frozenset(n for n in parameters if isinstance(task.arguments.get(n), Constant)),
            artifacts={k: v.records for k, v in arguments.items() if isinstance(v, Artifacts)},
            context=replace(self.context, task_name=task.name),
            mounts=self.folder.mounts,
        )

    async def _key(self, task: Task, step: Step, request: launch.Request) -> Key | None:
        if not task.cache.enabled:
            return None
        surroundings = [f"engine {bool(self.attempts.engine and not step.python)}"]
        if step.python:
            surroundings += [packages(), self.attempts.imports_of(step).code]
            if store := self.attempts.store_of(step):
                surroundings.append(await store.identity())
        return await asyncio.to_thread(self.cache.key, request, task.cache, surroundings)


def _with_fetched(request: launch.Request, folder: RunFolder, absent: Mapping[str, str]) -> launch.Request:
    """With a folder for web addresses too, if all are there: else they stay addresses."""
    uris = [str(r["uri"]) for records in request.artifacts.values() for r in records]
    schemes = {uri.partition("://")[0] for uri in uris if uri.startswith(("http://", "https://"))}
    found = {s for s in schemes if not any(uri.startswith(f"{s}://") for uri in absent)}
    return replace(
        request, mounts={**request.mounts, **{f"{s}://": f"{folder.path}/mounts/{s}/" for s in found}}
    )


def _outcome(step: Step, result: launch.Result, absent: Mapping[str, str] | None = None) -> Outcome:
    if result.error is not None:
        problem = str(launch.LaunchError(result.error.what, result.error.where, result.error.mend))
        hints = [f"{uri} could not be fetched: {why}" for uri, why in (absent or {}).items()]
        return Outcome(Status.FAILED, message="; ".join([*hints, problem]))
    declared = step.interface.output_artifacts
    outputs: dict[str, Value] = {name: launch.decode(text) for name, text in result.parameters.items()}
    for name, records in result.artifacts.items():
        if records or declared[name].is_list:
            outputs[name] = Artifacts(tuple(dict(record) for record in records), declared[name].is_list)
    return Outcome(Status.SUCCEEDED, outputs)


def _encoded(value: Any, path: str, name: str) -> str:
    try:
        # Each value was within the limit where it was made; a list collected from many may be longer.
        return launch.encode(value, limit=None)
    except launch.WireError as error:
        raise error.at(f"task {path}, input {name}") from error
