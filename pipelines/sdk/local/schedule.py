"""The order of things: what waits for what, conditions, loops, exit handlers. It starts nothing itself."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import dataclass, replace

from pipelines.sdk import conditions, launch
from pipelines.sdk.errors import PipelineError
from pipelines.sdk.launch.errors import shorten
from pipelines.sdk.local.importers import import_artifact
from pipelines.sdk.local.scope import Artifacts, Outcome, Scope, Status, Value, collected, with_defaults
from pipelines.sdk.local.templates import resolve_template
from pipelines.sdk.plan import Dag, Importer, Loop, Step, Task, needs
from pipelines.sdk.values import Constant

RunStep = Callable[[str, Task, Step, Mapping[str, Value]], Awaitable[Outcome]]


@dataclass(frozen=True)
class Listener:
    """Hears what happens, for those who watch.

    Args:
        started: called with a task's path and whether it is a step.
        ended: called with a task's path, how it ended, and the seconds it took.
    """

    started: Callable[[str, Task], None]
    ended: Callable[[str, Task, Outcome, float], None]


@dataclass(frozen=True)
class Scheduler:
    """Runs Dags.

    Args:
        run_step: runs a leaf.
        context: facts about the run.
        listener: hears of every task.
        stopping: set when the run is to end: nothing is started any more but exit handlers.
    """

    run_step: RunStep
    context: launch.Context
    listener: Listener
    stopping: asyncio.Event

    async def run(self, dag: Dag, inputs: Mapping[str, Value], prefix: str = "") -> Outcome:
        """Runs a pipeline or group to its end.

        Args:
            dag: its tasks.
            inputs: its inputs; defaults are added.
            prefix: of the paths of its tasks.
        """
        scope = Scope(with_defaults(dag.interface, inputs), {}, self.context.job_resource_name)
        running: dict[str, asyncio.Task[Outcome]] = {}
        for task in dag.tasks:
            running[task.name] = asyncio.create_task(
                self._when_ready(task, scope, running, f"{prefix}{task.name}")
            )
        await asyncio.gather(*running.values())
        return _whole(scope, dag)

    async def _when_ready(
        self, task: Task, scope: Scope, running: Mapping[str, asyncio.Task[Outcome]], path: str
    ) -> Outcome:
        upstream = {name: await running[name] for name in needs(task)}
        started = time.perf_counter()
        hindered = self._hindered(task, upstream)
        outcome = hindered or await self._task(task, scope, path)
        self.listener.ended(path, task, outcome, time.perf_counter() - started)
        scope.outcomes[task.name] = outcome
        return outcome if hindered else await self._exit(task, scope, outcome, path)

    def _hindered(self, task: Task, upstream: Mapping[str, Outcome]) -> Outcome | None:
        """Why a task does not start at all; None where it does."""
        if self.stopping.is_set():
            return Outcome(Status.CANCELLED, message="the run was stopped before it started")
        missing = [name for name, outcome in upstream.items() if outcome.status is not Status.SUCCEEDED]
        if missing and not task.always:
            ended = ", ".join(f"{name} {str(upstream[name].status).lower()}" for name in missing)
            return Outcome(Status.SKIPPED, message=f"not started: {ended}")
        return None

    async def _exit(self, task: Task, scope: Scope, outcome: Outcome, path: str) -> Outcome:
        """Runs the exit handlers of a task that has started. A handler that fails makes the whole fail."""
        for handler in task.on_exit:
            handler_path = f"{path.rpartition('/')[0]}/{handler.name}".lstrip("/")
            started = time.perf_counter()
            ended = await self._task(handler, scope, handler_path, leaving=True)
            scope.outcomes[handler.name] = ended
            self.listener.ended(handler_path, handler, ended, time.perf_counter() - started)
            if ended.status is not Status.SUCCEEDED and outcome.status is Status.SUCCEEDED:
                outcome = replace(outcome, status=ended.status, message=f"exit handler {handler.name} failed")
                scope.outcomes[task.name] = outcome
        return outcome

    async def _task(self, task: Task, scope: Scope, path: str, *, leaving: bool = False) -> Outcome:
        scheduler = replace(self, stopping=asyncio.Event()) if leaving else self
        try:
            if task.loop:
                return await scheduler._loop(task, task.loop, scope, path)
            arguments = scheduler._arguments(task, scope)
            if task.when and not _holds(task.when, arguments):
                return Outcome(Status.SKIPPED, message="its condition is false")
            return await scheduler._body(task, arguments, path)
        except (PipelineError, launch.LaunchError) as error:
            return Outcome(Status.FAILED, message=str(error))

    async def _body(self, task: Task, arguments: Mapping[str, Value], path: str) -> Outcome:
        self.listener.started(path, task)
        if isinstance(task.body, Dag):
            return await self.run(task.body, arguments, f"{path}/")
        if isinstance(task.body, Importer):
            return import_artifact(task.body, arguments, replace(self.context, task_name=task.name))
        return await self._step(path, task, task.body, arguments)

    async def _step(self, path: str, task: Task, step: Step, arguments: Mapping[str, Value]) -> Outcome:
        """Runs a leaf, and ends it when the run is stopped."""
        work = asyncio.ensure_future(self.run_step(path, task, step, arguments))
        stop = asyncio.create_task(self.stopping.wait())
        await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if work.done():
            return work.result()
        work.cancel()
        await asyncio.wait({work})
        return Outcome(Status.CANCELLED, message="it was stopped while it ran")

    async def _loop(self, task: Task, loop: Loop, scope: Scope, path: str) -> Outcome:
        self.listener.started(path, task)
        items = _items(scope.look_up(loop.items), loop)
        limit: AbstractAsyncContextManager[object] = (
            asyncio.Semaphore(loop.parallelism) if loop.parallelism else nullcontext()
        )

        async def iteration(index: int, item: Value) -> Outcome:
            async with limit:
                if self.stopping.is_set():
                    return Outcome(Status.CANCELLED)
                return await self._iteration(task, scope, f"{path}.{index}", item)

        outcomes = await asyncio.gather(*(iteration(i, item) for i, item in enumerate(items)))
        names = [*task.body.interface.output_parameters, *task.body.interface.output_artifacts]
        outputs = {name: collected([each.outputs.get(name) for each in outcomes]) for name in names}
        for name in task.body.interface.output_artifacts:
            outputs[name] = outputs[name] or Artifacts((), many=True)
        return Outcome(_worst(outcomes), outputs, _first_message(outcomes))

    async def _iteration(self, task: Task, scope: Scope, path: str, item: Value) -> Outcome:
        arguments = self._arguments(task, scope, item)
        if task.when and not _holds(task.when, arguments):
            return Outcome(Status.SKIPPED)
        assert isinstance(task.body, Dag)  # noqa: S101 - ir.check has seen to it
        return await self.run(task.body, arguments, f"{path}/")

    def _arguments(self, task: Task, scope: Scope, item: Value = None) -> dict[str, Value]:
        """The values of a task's inputs. A group's constants are resolved here; a step's by its launcher."""
        values = {name: scope.look_up(binding, item) for name, binding in task.arguments.items()}
        if not isinstance(task.body, Dag):
            return values
        context = replace(self.context, task_name=task.name)
        constants = {name: each.value for name, each in task.arguments.items() if isinstance(each, Constant)}
        return {**values, **{n: resolve_template(v, values, context) for n, v in constants.items()}}


def _holds(condition: str, arguments: Mapping[str, Value]) -> bool:
    plain = {name: value for name, value in arguments.items() if not isinstance(value, Artifacts)}
    return conditions.evaluate(conditions.parse(condition), plain)


def _items(value: Value, loop: Loop) -> list[Value]:
    if isinstance(value, Artifacts):
        return [Artifacts((record,)) for record in value.records]
    if isinstance(value, str):  # KFP allows a list as JSON text
        with suppress(ValueError):
            value = json.loads(value)
    if not isinstance(value, list):
        raise launch.LaunchError(f"it loops over {shorten(value)}, which is no list")
    return list(value)


def _whole(scope: Scope, dag: Dag) -> Outcome:
    """How a Dag ended: as the worst of its tasks; a skipped task is no failure."""
    outcomes = [scope.outcomes[task.name] for task in dag.tasks]
    status = _worst(outcomes)
    outputs = scope.select(dag.outputs) if status is Status.SUCCEEDED else {}
    return Outcome(status, outputs, _first_message(outcomes))


def _worst(outcomes: list[Outcome]) -> Status:
    statuses = {outcome.status for outcome in outcomes}
    return next((s for s in (Status.CANCELLED, Status.FAILED) if s in statuses), Status.SUCCEEDED)


def _first_message(outcomes: list[Outcome]) -> str:
    return next((o.message for o in outcomes if o.status in (Status.FAILED, Status.CANCELLED)), "")
