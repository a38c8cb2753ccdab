"""The order of things: what waits for what, conditions, loops, exit handlers. It starts nothing itself."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from dataclasses import dataclass, replace

from pipelines.sdk import conditions, launch
from pipelines.sdk.errors import EnvironmentProblem, PipelineError
from pipelines.sdk.launch.errors import shorten
from pipelines.sdk.local.importers import import_artifact
from pipelines.sdk.local.scope import (
    Artifacts,
    Outcome,
    Scope,
    Status,
    Value,
    collected,
    ended,
    with_defaults,
)
from pipelines.sdk.local.templates import resolve_template
from pipelines.sdk.plan import Dag, Importer, Loop, Step, Task, needs
from pipelines.sdk.values import Constant

RunStep = Callable[[str, Task, Step, Mapping[str, Value], Callable[[], None]], Awaitable[Outcome]]
NOT_STARTED = Outcome(Status.CANCELLED, message="the run was stopped before it started")


@dataclass(frozen=True)
class Listener:
    """Hears what happens, for those who watch.

    Args:
        started: called with a task's path and the task; for a step, when its process starts.
        ended: called with a task's path, the task, how it ended, and the seconds it took.
        broken: called with an error that is not the pipeline's; the run is to be stopped then.
    """

    started: Callable[[str, Task], None]
    ended: Callable[[str, Task, Outcome, float], None]
    broken: Callable[[Exception], None]


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
        whole = ended({f"{prefix}{task.name}": scope.outcomes[task.name] for task in dag.tasks}, {})
        return replace(whole, outputs=scope.select(dag.outputs)) if not whole.culprit else whole

    async def _when_ready(
        self, task: Task, scope: Scope, running: Mapping[str, asyncio.Task[Outcome]], path: str
    ) -> Outcome:
        upstream = {name: await running[name] for name in needs(task)}
        started = time.perf_counter()
        hindered = self._hindered(task, upstream)
        outcome = hindered or await self._guarded(self._task(task, scope, path))
        self._report(path, task, outcome, started)
        scope.outcomes[task.name] = outcome
        return await self._exit(task, scope, outcome, path)

    def _hindered(self, task: Task, upstream: Mapping[str, Outcome]) -> Outcome | None:
        """Why a task does not start at all; None where it does."""
        if self.stopping.is_set():
            return NOT_STARTED
        missing = [name for name, outcome in upstream.items() if outcome.status is not Status.SUCCEEDED]
        if missing and not task.always:
            how = ", ".join(f"{name} {str(upstream[name].status).lower()}" for name in missing)
            return Outcome(Status.SKIPPED, message=f"not started: {how}")
        return None

    async def _exit(self, task: Task, scope: Scope, outcome: Outcome, path: str) -> Outcome:
        """Runs the exit handlers of a task, whichever way it ended; not where the run was stopped before.

        A handler that fails makes the whole fail.
        """
        leaving = replace(self, stopping=asyncio.Event())
        for handler in task.on_exit:
            handler_path = f"{path.rpartition('/')[0]}/{handler.name}".lstrip("/")
            started = time.perf_counter()
            if outcome is NOT_STARTED:
                done = NOT_STARTED
            else:
                done = await self._guarded(leaving._task(handler, scope, handler_path))
            scope.outcomes[handler.name] = done
            self._report(handler_path, handler, done, started)
            if done.status is not Status.SUCCEEDED and outcome.status in (Status.SUCCEEDED, Status.SKIPPED):
                outcome = replace(
                    ended({handler_path: done}, {}), message=f"the exit handler: {done.message}"
                )
                scope.outcomes[task.name] = outcome
        return outcome

    def _report(self, path: str, task: Task, outcome: Outcome, started: float) -> None:
        self.listener.ended(path, task, outcome, time.perf_counter() - started - outcome.waited)

    async def _guarded(self, work: Awaitable[Outcome]) -> Outcome:
        """Whatever goes wrong in a task is its outcome: the others are still to be brought to an end."""
        try:
            return await work
        except EnvironmentProblem as error:
            self.listener.broken(error)
            return Outcome(Status.FAILED, message=_line(error))
        except (PipelineError, launch.LaunchError) as error:
            return Outcome(Status.FAILED, message=_line(error))
        except Exception as error:  # noqa: BLE001 - a bug of ours must not leave processes behind
            self.listener.broken(error)
            return Outcome(Status.FAILED, message=f"internal error, {type(error).__name__}: {error}")

    async def _task(self, task: Task, scope: Scope, path: str) -> Outcome:
        if task.loop:
            return await self._loop(task, task.loop, scope, path)
        return await self._once(task, scope, path)

    async def _once(self, task: Task, scope: Scope, path: str, item: Value = None) -> Outcome:
        """Runs a task, or one iteration of it."""
        arguments = self._arguments(task, scope, item)
        if task.when and not _holds(task.when, arguments):
            return Outcome(Status.SKIPPED, message="its condition is false")
        if isinstance(task.body, Step):
            return await self._step(path, task, task.body, arguments)
        self.listener.started(path, task)
        if isinstance(task.body, Importer):
            return await import_artifact(task.body, arguments, replace(self.context, task_name=task.name))
        return await self.run(task.body, arguments, f"{path}/")

    async def _step(self, path: str, task: Task, step: Step, arguments: Mapping[str, Value]) -> Outcome:
        """Runs a leaf, and ends it when the run is stopped."""

        def begun() -> None:
            self.listener.started(path, task)

        work = asyncio.ensure_future(self.run_step(path, task, step, arguments, begun))
        stop = asyncio.create_task(self.stopping.wait())
        await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if work.done():
            return work.result()
        work.cancel()
        await asyncio.wait({work})
        if not work.cancelled() and (error := work.exception()):
            raise error
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
                    return NOT_STARTED
                return await self._guarded(self._once(task, scope, f"{path}.{index}", item))

        outcomes = await asyncio.gather(*(iteration(i, item) for i, item in enumerate(items)))
        produced = [(n, False) for n in task.body.interface.output_parameters]
        produced += [(n, True) for n in task.body.interface.output_artifacts]
        outputs = {n: collected([o.outputs.get(n) for o in outcomes], artifacts=a) for n, a in produced}
        return ended({f"{path}.{i}": outcome for i, outcome in enumerate(outcomes)}, outputs)

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


def _line(error: Exception) -> str:
    """An error as the message of a task."""
    return " ".join(str(error).replace("\n    -> ", "; ").split("\n"))
