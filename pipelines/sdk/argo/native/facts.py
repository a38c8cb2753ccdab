"""What a native step can know of its run."""

from __future__ import annotations

from collections.abc import Mapping

from pipelines.sdk.argo.exprlang import literal, of_input
from pipelines.sdk.argo.native.words import Inexpressible, Known, Later, Piece, Told
from pipelines.sdk.argo.pods.platform import WORKSPACE_PATH
from pipelines.sdk.argo.storage import run_prefix
from pipelines.sdk.launch.references import Reference

TASK = "{{inputs.parameters.task}}"
"""The path of the step's task."""


def fact(reference: Reference, root: str) -> Piece:
    """What a placeholder without brackets stands for.

    Args:
        reference: the placeholder.
        root: the pipeline root.

    Raises:
        Inexpressible: only a launcher has it.
    """
    facts: Mapping[str, Piece] = {
        "pipeline_job_name": Later("{{workflow.name}}", "workflow.name"),
        "pipeline_job_resource_name": Later("{{workflow.name}}", "workflow.name"),
        "pipeline_job_uuid": Later("{{workflow.uid}}", "workflow.uid"),
        "pipeline_job_create_time_utc": Later(
            "{{workflow.creationTimestamp.RFC3339}}", "workflow.creationTimestamp.RFC3339"
        ),
        "pipeline_job_schedule_time_utc": Told("scheduled", "workflow.scheduledTime ?? ''", plain=True),
        "pipeline_task_name": Told("task-name", f"last(split({of_input('task')}, '/'))", plain=True),
        "pipeline_task_uuid": Later("{{pod.name}}"),
        "pipeline_root": Later(run_prefix(root), f"{literal(f'{root}/')} + workflow.name"),
        "workspace_path": Known(WORKSPACE_PATH),
    }
    if reference.name not in facts:
        raise Inexpressible(reference.text, "is made by a launcher")
    return facts[reference.name]


def output_uri(root: str, name: str) -> str:
    """Where Argo puts an output artifact, in the terms of the step's own template."""
    return f"{run_prefix(root)}/{TASK}/{name}/{{{{pod.name}}}}"
