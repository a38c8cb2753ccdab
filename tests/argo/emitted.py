"""Everything that compiling can write, from pipelines that use every construct and every setting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from kfp.kubernetes import kubernetes_executor_config_pb2 as pb

from pipelines.sdk import argo, ir
from pipelines.sdk.argo.documents import workflow_arguments
from pipelines.sdk.plan import Dag, Plan, Resources, Task
from pipelines.sdk.values import Interface
from tests.argo.native import test_native
from tests.argo.pods.building import step
from tests.argo.pods.everything import leaves, setting
from tests.argo.pods.test_fields import ENV, OLDER, TEMPLATE, VOLUMES
from tests.conformance import harness
from tests.conformance.pipelines import cluster
from tests.conformance.test_conformance import CASES
from tests.conftest import ROOT

Documents = tuple[dict[str, Any], ...]
ALL = argo.Options(
    namespace="ml",
    schedule="0 2 * * *",
    timezone="Europe/Helsinki",
    suspend=True,
    project={"components": "sha256:0"},
)


def everything(folder: Path) -> Iterator[tuple[str, Documents]]:
    """Documents of every pipeline, with what they are of.

    Args:
        folder: of compiled pipelines.
    """
    constructs = {case.pipeline.name: case.pipeline for case in CASES}
    others = [
        *vars(cluster).values(),
        test_native.tools,
        test_native.choices,
        test_native.snakes,
        test_native.looping,
    ]
    constructs |= {each.name: each for each in others if hasattr(each, "pipeline_func")}
    for name, pipeline in constructs.items():
        yield name, _compiled(ir.read_file(str(harness.compiled(pipeline, folder))))
    train = ir.read_file(str(ROOT / "compiled" / "train.kfp.yaml"))
    for root in ("gs://bucket/runs", "s3://bucket/runs"):
        yield f"train, {root}", argo.emit(train, argo.Options(pipeline_root=root)).documents
    many = [Task(f"say-{n}", "say", step(image=f"python:3.{n}")) for n in range(450)]
    plan = Plan("more-than-one-document-holds", Dag(Interface(), tuple(many)))
    yield plan.name, _compiled(plan)
    yield from _settings()


def _compiled(plan: Plan) -> Documents:
    """With a schedule, where the pipeline's inputs all have values."""
    open_inputs = any("value" not in each for each in workflow_arguments(plan))
    return argo.emit(plan, replace(ALL, schedule="") if open_inputs else ALL).documents


def _settings() -> Iterator[tuple[str, Documents]]:
    """Each setting of kfp-kubernetes, one at a time."""
    for path in sorted(set(leaves(pb.KubernetesExecutorConfig.DESCRIPTOR)) - OLDER):
        yield path, _step(kubernetes=setting(path)[1])
    for name, entry, _ in ENV:
        yield name, _step(kubernetes={name: [entry]})
    for name, entry, _ in VOLUMES:
        yield name, _step(kubernetes={name: [{**entry, "mountPath": "/mounted"}]})
    for settings, _ in TEMPLATE:
        yield str(settings), _step(kubernetes=settings)
    counted = {"accelerator_type": "nvidia.com/gpu", "accelerator_count": "1"}
    amounts = Resources(cpu_limit="1", cpu_request="1", memory_limit="1G", memory_request="1G", **counted)
    yield "resources", _step(resources=amounts)


def _step(**fields: Any) -> Documents:
    """The documents of a pipeline of one step."""
    task = Task("say", "say", step(**fields))
    return argo.emit(Plan("settings", Dag(Interface(), (task,))), argo.Options()).documents
