"""What the author of a compiled file decides, and what compiling gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pipelines.sdk.errors import Finding

PIPELINE_ROOT: Final = "gs://kfp-on-argo/runs"
"""Where artifacts go unless the pipeline or an option says otherwise; `platform/storage` has this bucket."""

SERVICE_ACCOUNT: Final = "pipeline-runner"
"""Of the steps; it may report a step's result to Argo and nothing else."""

PIPELINE_ANNOTATION: Final = "kfp-on-argo/pipeline"
"""On a WorkflowTemplate: the pipeline it was made from."""

VERSION_ANNOTATION: Final = "kfp-on-argo/version"
"""On a run: hash of what it was made from."""

NAME_LABEL: Final = "app.kubernetes.io/name"
MANAGER_LABELS: Final[Mapping[str, str]] = {"app.kubernetes.io/managed-by": "kfp-on-argo"}


@dataclass(frozen=True)
class Options:
    """How a pipeline is compiled for Argo.

    Args:
        name: of the WorkflowTemplate and CronWorkflow; empty for the pipeline's.
        namespace: of all documents; empty leaves it to whoever applies them.
        image: takes the place of the project's own step image; empty to keep it.
        pipeline_root: where artifacts go; empty for the pipeline's own, else PIPELINE_ROOT.
        service_account: of the steps.
        schedule: five fields of cron; empty for no CronWorkflow.
        timezone: of the schedule, an IANA name.
        suspend: whether the schedule is made but not yet followed.
        argo: version of the controller, for warnings: 3.7, 4.0 or 4.1.
        launched: components in other people's images that have python3, though nothing says so.
        project: hash of the project's modules that its own steps import, by name; compared in their image.
    """

    name: str = ""
    namespace: str = ""
    image: str = ""
    pipeline_root: str = ""
    service_account: str = SERVICE_ACCOUNT
    schedule: str = ""
    timezone: str = "UTC"
    suspend: bool = False
    argo: str = "4.1"
    launched: frozenset[str] = frozenset()
    project: Mapping[str, str] | None = None


@dataclass(frozen=True)
class StepInfo:
    """A container step of a compiled pipeline.

    Args:
        name: path of its task, `for-loop-1/fit` for example.
        kind: launched or native.
        image: as in the pod.
    """

    name: str
    kind: str
    image: str


@dataclass(frozen=True)
class Compiled:
    """A pipeline as documents for a cluster.

    Args:
        documents: plain JSON values; ConfigMaps first, then WorkflowTemplates, then a CronWorkflow.
        steps: its container steps.
        pods_min: pods that a run has at least: its unconditional steps, loops over constants in full.
        warnings: what works, but perhaps not as meant.
    """

    documents: tuple[dict[str, Any], ...]
    steps: tuple[StepInfo, ...]
    pods_min: int
    warnings: tuple[Finding, ...]
