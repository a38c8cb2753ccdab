"""KFP IR -> Plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kfp.pipeline_spec import pipeline_spec_pb2 as pb

from pipelines.sdk.errors import BadPipeline, Finding, UsageError
from pipelines.sdk.ir import bindings
from pipelines.sdk.ir.check import check
from pipelines.sdk.ir.components import interface, step_or_importer
from pipelines.sdk.ir.load import Documents, load
from pipelines.sdk.ir.order import in_order
from pipelines.sdk.plan import Cache, Dag, Importer, Plan, Platform, Retry, Step, Task
from pipelines.sdk.values import Binding, DagInput, Interface

_COMPLETED = pb.PipelineTaskSpec.TriggerPolicy.TriggerStrategy.ALL_UPSTREAM_TASKS_COMPLETED


def read_file(path: str | Path) -> Plan:
    """Reads a compiled pipeline from a file.

    Args:
        path: of the YAML or JSON that `kfp` compiled.

    Raises:
        UsageError: where the file cannot be read.
        BadPipeline: where it is no pipeline, or says what cannot be run.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BadPipeline(Finding("not a text file in UTF-8", str(path))) from error
    except OSError as error:
        raise UsageError(Finding(f"cannot read it: {error.strerror}", str(path))) from error
    return read(text, str(path))


def read(text: str, where: str = "pipeline") -> Plan:
    """Reads a compiled pipeline; see read_file.

    Args:
        text: of one or two YAML documents.
        where: the file's name, for messages.
    """
    documents = load(text, where)
    spec = documents.spec
    if spec.root.WhichOneof("implementation") is None:
        raise BadPipeline(Finding("root has no tasks", where))
    root = _root(_Reader(documents), spec.root)
    plan = Plan(
        name=spec.pipeline_info.name or "pipeline",
        root=root,
        display_name=spec.pipeline_info.display_name,
        description=spec.pipeline_info.description,
        pipeline_root=spec.default_pipeline_root,
        sdk_version=spec.sdk_version,
        platform=_platform(documents.config),
    )
    check(plan)
    return plan


def _platform(config: Any) -> Platform:
    both = config.resource_ttl_on_completion
    workspace = config.workspace
    return Platform(
        ttl_success_seconds=config.resource_ttl_on_success or both,
        ttl_failure_seconds=config.resource_ttl_on_failure or both,
        deadline_seconds=config.active_deadline_seconds,
        workspace=workspace.size if config.HasField("workspace") else "",
        workspace_patch=dict(workspace.kubernetes.pvc_spec_patch) if config.HasField("workspace") else {},
    )


@dataclass(frozen=True)
class _Reader:
    """What is known while the components are read; `within` are the groups that enclose this one."""

    documents: Documents
    within: tuple[str, ...] = ()

    def component(self, name: str, task: str) -> Any:
        components = self.documents.spec.components
        if name not in components:
            raise BadPipeline(Finding(f"component {name!r} is not in the file", f"task {task}"))
        return components[name]

    def entered(self, name: str) -> _Reader:
        if name in self.within:
            chain = " -> ".join((*self.within, name))
            raise BadPipeline(Finding(f"components contain each other: {chain}", f"component {name}"))
        return replace(self, within=(*self.within, name))


def _root(reader: _Reader, root: Any) -> Dag:
    if root.WhichOneof("implementation") == "dag":
        return _dag(reader, root, "root")
    # A single component uploaded as a pipeline: one task that passes everything through.
    raise BadPipeline(Finding("root is a component, not a pipeline", "root", "put it in a @dsl.pipeline"))


def _dag(reader: _Reader, component: Any, path: str) -> Dag:
    own = interface(component)
    tasks = {name: _task(reader, name, spec, own, path) for name, spec in sorted(component.dag.tasks.items())}
    exits = {name: target for name in tasks if (target := _exit_target(name, component.dag.tasks))}
    for name, target in exits.items():
        leaving = replace(tasks[name], always=True)
        tasks[target] = replace(tasks[target], on_exit=(*tasks[target].on_exit, leaving))
    body = [task for name, task in tasks.items() if name not in exits]
    return Dag(own, in_order(body, path), bindings.selectors(component.dag.outputs, path))


def _exit_target(name: str, tasks: Mapping[str, Any]) -> str:
    """The task whose end this one waits for, if it is a `dsl.ExitHandler`'s exit task, else ''.

    `ignore_upstream_failure()` compiles to the same strategy; what tells them apart is the group waited for.
    """
    spec = tasks[name]
    waits = list(spec.dependent_tasks)
    if spec.trigger_policy.strategy != _COMPLETED or len(waits) != 1 or waits[0] not in tasks:
        return ""
    return waits[0] if tasks[waits[0]].component_ref.name.startswith("comp-exit-handler") else ""


def _task(reader: _Reader, name: str, spec: Any, enclosing: Interface, path: str) -> Task:
    where = f"{path}/{name}".removeprefix("root/")
    reference = spec.component_ref.name
    component = reader.component(reference, where)
    body: Step | Importer | Dag
    if component.WhichOneof("implementation") == "dag":
        body = _dag(reader.entered(reference), component, where)
    else:
        body = step_or_importer(reference, component, reader.documents)
    bound = bindings.arguments(spec, body.interface, f"task {where}")
    loop = bindings.loop(spec, bound, f"task {where}")
    kept = {key: each for key, each in bound.items() if not _dangling(key, each, enclosing, body)}
    return Task(
        name=name,
        label=spec.task_info.name or name,
        body=body,
        arguments=kept,
        after=tuple(dict.fromkeys(spec.dependent_tasks)),
        always=spec.trigger_policy.strategy == _COMPLETED,
        when=spec.trigger_policy.condition,
        loop=loop,
        retry=_retry(spec),
        cache=Cache(spec.caching_options.enable_cache, spec.caching_options.cache_key),
    )


def _dangling(key: str, binding: Binding, enclosing: Interface, body: Step | Importer | Dag) -> bool:
    """An input that the enclosing group does not have and the body does not use.

    The SDK writes such inputs for a loop's subvariables inside an exit handler with a `dsl.Collected`.
    """
    if not isinstance(binding, DagInput) or not isinstance(body, Dag):
        return False
    if binding.name in enclosing.parameters or binding.name in enclosing.artifacts:
        return False
    return not _uses(body, key)


def _uses(dag: Dag, name: str) -> bool:
    tasks = [each for task in dag.tasks for each in (task, *task.on_exit)]
    return any(
        isinstance(binding, DagInput) and binding.name == name
        for task in tasks
        for binding in (*task.arguments.values(), *((task.loop.items,) if task.loop else ()))
    )


def _retry(spec: Any) -> Retry | None:
    policy = spec.retry_policy
    if policy.max_retry_count <= 0:
        return None
    maximum = policy.backoff_max_duration
    return Retry(
        limit=policy.max_retry_count,
        backoff_seconds=policy.backoff_duration.ToTimedelta().total_seconds(),
        factor=policy.backoff_factor or 2.0,
        max_seconds=maximum.ToTimedelta().total_seconds() or 3600.0,
    )
