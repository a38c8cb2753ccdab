"""The Plan: a pipeline as plain data, the one thing that every backend reads.

`ir.read` makes it from KFP IR; `local` runs it, `argo` emits it. It knows no KFP, no Argo, no machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.sdk.values import Binding, Constant, FinalStatus, Interface, Json, Selector, TaskOutput


@dataclass(frozen=True)
class Resources:
    """Kubernetes quantities as text; empty where unset. May hold `{{$.inputs...}}` placeholders."""

    cpu_request: str = ""
    cpu_limit: str = ""
    memory_request: str = ""
    memory_limit: str = ""
    accelerator_type: str = ""
    accelerator_count: str = ""


@dataclass(frozen=True)
class PythonCode:
    """A lightweight component: its source, and the function in it that is called.

    Args:
        source: Python source text of the module.
        function: name of the function.
        packages: what the component says must be installed, as requirement texts.
    """

    source: str
    function: str
    packages: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step:
    """A container: one pod on a cluster, one process on a laptop.

    Args:
        component: name of the component, without `comp-`.
        interface: its inputs and outputs.
        image: container image; can hold placeholders.
        command: entry point, each element text with placeholders or a JSON `Concat`/`IfPresent`.
        args: likewise.
        env: environment variables.
        resources: requests and limits.
        python: the source, where it is a lightweight component.
        kubernetes: the step's settings from the `kubernetes` platform document, as they stand there.
        passthrough: pod settings handed to the component as its TASK_CONFIG input; the value says whether
            the pod keeps them too.
    """

    component: str
    interface: Interface
    image: str
    command: tuple[str, ...]
    args: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    resources: Resources = field(default_factory=Resources)
    python: PythonCode | None = None
    kubernetes: Mapping[str, Any] = field(default_factory=dict)
    passthrough: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True)
class Importer:
    """Brings an existing artifact into the pipeline.

    Args:
        interface: at most the inputs that `uri` and `metadata` name; one output, `artifact`.
        uri: text with placeholders, or the name of the input that has it.
        uri_input: whether `uri` is such a name.
        metadata: of the artifact; text in it can hold placeholders.
        reimport: whether KFP should make a new artifact record for a known URI.
        download_to_workspace: whether the bytes go to the run's workspace first.
    """

    interface: Interface
    uri: str
    uri_input: bool = False
    metadata: Mapping[str, Json] = field(default_factory=dict)
    reimport: bool = False
    download_to_workspace: bool = False


@dataclass(frozen=True)
class Dag:
    """A pipeline, or a group of tasks in one: a condition's branch, a loop's body, a nested pipeline.

    Args:
        interface: its inputs and outputs.
        tasks: in an order in which each comes after those it needs.
        outputs: where each output comes from, by name.
    """

    interface: Interface
    tasks: tuple[Task, ...]
    outputs: Mapping[str, Selector] = field(default_factory=dict)


@dataclass(frozen=True)
class Loop:
    """One run of the task's body for every element of a list.

    Args:
        items: a Constant list, or the input (of the *task*) that holds the list.
        item_input: the task's input that receives the element.
        parallelism: how many at once; 0 for no limit.
        over_artifacts: whether the list is one of artifacts.
    """

    items: Constant | Binding
    item_input: str
    parallelism: int = 0
    over_artifacts: bool = False


@dataclass(frozen=True)
class Retry:
    """What happens when a step fails.

    Args:
        limit: further attempts after the first.
        backoff_seconds: pause before the first of them.
        factor: by which the pause grows.
        max_seconds: at which it stops growing.
    """

    limit: int
    backoff_seconds: float = 0.0
    factor: float = 2.0
    max_seconds: float = 3600.0


@dataclass(frozen=True)
class Cache:
    """Whether an earlier result may stand for running the step.

    Args:
        enabled: whether it may.
        key: the user's own key, used in place of the inputs; empty for none.
    """

    enabled: bool = False
    key: str = ""


@dataclass(frozen=True)
class Task:
    """A node of a Dag.

    Args:
        name: unique in its Dag.
        label: what people call it.
        body: what it does.
        arguments: where each input's value comes from, by input name.
        after: names of the tasks that must have ended well before it starts.
        always: it starts when those have ended, whichever way (`ignore_upstream_failure`).
        when: the condition's source text; it is evaluated against this task's own arguments.
        loop: for a `dsl.ParallelFor`.
        retry: set on leaves only.
        cache: see Cache.
        on_exit: tasks that run when this one has ended, whichever way, in order (`dsl.ExitHandler`).
    """

    name: str
    label: str
    body: Step | Importer | Dag
    arguments: Mapping[str, Binding] = field(default_factory=dict)
    after: tuple[str, ...] = ()
    always: bool = False
    when: str = ""
    loop: Loop | None = None
    retry: Retry | None = None
    cache: Cache = field(default_factory=Cache)
    on_exit: tuple[Task, ...] = ()


@dataclass(frozen=True)
class Platform:
    """Settings of the whole pipeline that only a cluster can honour.

    Args:
        ttl_success_seconds: after which a finished run is deleted; 0 for unset.
        ttl_failure_seconds: likewise for one that failed.
        deadline_seconds: after which a run is stopped; 0 for unset.
        workspace: size of the shared workspace volume, as a quantity; empty for none.
        workspace_patch: further fields of its claim.
    """

    ttl_success_seconds: int = 0
    ttl_failure_seconds: int = 0
    deadline_seconds: int = 0
    workspace: str = ""
    workspace_patch: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """A whole pipeline.

    Args:
        name: as a Kubernetes name.
        root: its tasks; `root.interface` has the pipeline's own inputs and outputs.
        display_name: what people call it.
        description: from the docstring.
        pipeline_root: where artifacts go unless the run says otherwise; empty for the backend's own.
        sdk_version: of the SDK that compiled it.
        platform: see Platform.
    """

    name: str
    root: Dag
    display_name: str = ""
    description: str = ""
    pipeline_root: str = ""
    sdk_version: str = ""
    platform: Platform = field(default_factory=Platform)


def walk(dag: Dag, prefix: str = "") -> Iterator[tuple[str, Task]]:
    """Every task below a Dag with its path (`group/task`), exit handlers after the task they belong to."""
    for task in dag.tasks:
        for each in (task, *task.on_exit):
            path = f"{prefix}{each.name}"
            yield path, each
            if isinstance(each.body, Dag):
                yield from walk(each.body, f"{path}/")


def needs(task: Task) -> tuple[str, ...]:
    """Names of the tasks that must have ended before this one can start, its exit handlers' included.

    Args:
        task: of the group that the names belong to.
    """
    found = dict.fromkeys(task.after)
    for each in (task, *task.on_exit):
        sources = [*each.arguments.values(), *([each.loop.items] if each.loop else [])]
        found.update(dict.fromkeys(s.task for s in sources if isinstance(s, TaskOutput | FinalStatus)))
    if task.on_exit:
        found.pop(task.name, None)  # they wait for the task itself
    return tuple(found)
