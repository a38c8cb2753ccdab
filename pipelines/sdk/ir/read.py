"""KFP IR -> Plan."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kfp.pipeline_spec import pipeline_spec_pb2 as pb

from pipelines.sdk.errors import BadPipeline, Finding, UsageError
from pipelines.sdk.ir import bindings
from pipelines.sdk.ir.check import check
from pipelines.sdk.ir.components import interface, step_or_importer
from pipelines.sdk.ir.items import mend_items
from pipelines.sdk.ir.load import Documents, load
from pipelines.sdk.ir.nesting import check_nesting
from pipelines.sdk.ir.order import in_order
from pipelines.sdk.ir.values import json_value
from pipelines.sdk.plan import Cache, Dag, Importer, Plan, Platform, Retry, Step, Task, needs

_EXIT_GROUP = re.compile(r"comp-exit-handler-\d+(-\d+)*")
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
    try:
        return _plan(documents)
    except BadPipeline as error:
        placed = (replace(f, where=f"{where}, {f.where}" if f.where else where) for f in error.findings)
        raise BadPipeline(*placed) from error


def _plan(documents: Documents) -> Plan:
    spec, info = documents.spec, documents.spec.pipeline_info
    name = re.sub(r"[^a-z0-9]+", "-", info.name.lower()).strip("-")
    if not name:
        what = f"{info.name!r} is no name" if info.name else "it has no name"
        raise BadPipeline(Finding(what, "pipelineInfo.name", "letters a-z, digits and - make one"))
    if spec.root.WhichOneof("implementation") != "dag":
        raise BadPipeline(Finding("it has no tasks (dag)", "root", "put the component in a @dsl.pipeline"))
    check_nesting(spec)
    plan = Plan(
        name=name,
        root=mend_items(_dag(_Reader(documents), spec.root, "")),
        display_name=info.display_name or (info.name if info.name != name else ""),
        description=info.description,
        pipeline_root=spec.default_pipeline_root,
        sdk_version=spec.sdk_version,
        platform=_platform(documents.config),
    )
    check(plan)
    return plan


def _platform(config: Any) -> Platform:
    both = config.resource_ttl_on_completion
    workspace = config.workspace
    if config.HasField("workspace") and not workspace.size:
        raise BadPipeline(Finding("the workspace has no size", "platforms.kubernetes.pipelineConfig"))
    return Platform(
        ttl_success_seconds=config.resource_ttl_on_success or both,
        ttl_failure_seconds=config.resource_ttl_on_failure or both,
        deadline_seconds=config.active_deadline_seconds,
        workspace=workspace.size,
        workspace_patch=json_value(workspace.kubernetes.pvc_spec_patch),
    )


@dataclass(frozen=True)
class _Reader:
    """What is known while the components are read; `retry` is that of the groups around."""

    documents: Documents
    retry: Retry | None = None

    def component(self, name: str, where: str) -> Any:
        components = self.documents.spec.components
        if name not in components:
            raise BadPipeline(Finding(f"component {name!r} is not in the file", where))
        return components[name]


def _dag(reader: _Reader, component: Any, path: str) -> Dag:
    where = f"task {path}" if path else "root"
    own = interface(component, where)
    if component.task_config_passthroughs:
        raise BadPipeline(Finding("`taskConfigPassthroughs` are for components with a container", where))
    tasks = {
        name: _task(reader, name, spec, f"{path}/{name}" if path else name)
        for name, spec in sorted(component.dag.tasks.items())
    }
    outputs = bindings.selectors(component.dag.outputs, where)
    read = {each for task in tasks.values() for each in needs(task)}
    read |= {source.task for selector in outputs.values() for source in selector.sources}
    exits = {
        name: target
        for name in tasks
        if name not in read and (target := _exit_target(reader, component, name))
    }
    for name, target in exits.items():
        leaving = replace(tasks[name], always=True)
        tasks[target] = replace(tasks[target], on_exit=(*tasks[target].on_exit, leaving))
    body = [task for name, task in tasks.items() if name not in exits]
    return Dag(own, in_order(body, path), outputs)


def _exit_target(reader: _Reader, component: Any, name: str) -> str:
    """The group whose end a task waits for, if it is a `dsl.ExitHandler`'s exit task, else ''.

    `ignore_upstream_failure()` compiles to the same strategy; what tells them apart is the group waited for.
    """
    spec = component.dag.tasks[name]
    waits = list(spec.dependent_tasks)
    if spec.trigger_policy.strategy != _COMPLETED or len(waits) != 1 or waits[0] not in component.dag.tasks:
        return ""
    reference = component.dag.tasks[waits[0]].component_ref.name
    group = reader.component(reference, waits[0]).WhichOneof("implementation") == "dag"
    return waits[0] if group and _EXIT_GROUP.fullmatch(reference) else ""


def _task(reader: _Reader, name: str, spec: Any, path: str) -> Task:
    where, reference = f"task {path}", spec.component_ref.name
    component = reader.component(reference, where)
    retry = _retry(spec.retry_policy, where) if spec.HasField("retry_policy") else reader.retry
    body: Step | Importer | Dag
    if component.WhichOneof("implementation") == "dag":
        body = _dag(replace(reader, retry=retry), component, path)
    else:
        body = step_or_importer(reference, component, reader.documents)
    bound = bindings.arguments(spec, body.interface, where)
    loop = bindings.loop(spec, bound, where)
    return Task(
        name=name,
        label=spec.task_info.name or name,
        body=body,
        arguments=bound,
        after=tuple(dict.fromkeys(spec.dependent_tasks)),
        always=spec.trigger_policy.strategy == _COMPLETED,
        when=spec.trigger_policy.condition,
        loop=loop,
        retry=None if isinstance(body, Dag) else retry,
        cache=Cache(spec.caching_options.enable_cache, spec.caching_options.cache_key),
    )


def _retry(policy: Any, where: str) -> Retry | None:
    """A task's own policy; one of no attempts keeps that of the groups around away from it."""
    if policy.max_retry_count < 0 or policy.backoff_factor < 0:
        raise BadPipeline(Finding("its retryPolicy has a number below zero", where))
    if not policy.max_retry_count:
        return None
    maximum = policy.backoff_max_duration
    return Retry(
        limit=policy.max_retry_count,
        backoff_seconds=policy.backoff_duration.ToTimedelta().total_seconds(),
        factor=policy.backoff_factor or 2.0,
        max_seconds=maximum.ToTimedelta().total_seconds() or 3600.0,
    )
