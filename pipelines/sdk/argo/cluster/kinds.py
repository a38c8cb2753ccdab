"""The kinds, labels and annotations that Argo's controller and this project use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pipelines.sdk.argo.options import MANAGER_LABELS, NAME_LABEL, PIPELINE_ANNOTATION
from pipelines.sdk.kube import Kind

ARGO: Final = "argoproj.io/v1alpha1"
WORKFLOW: Final = Kind(ARGO, "Workflow")
TEMPLATE: Final = Kind(ARGO, "WorkflowTemplate")
CRON: Final = Kind(ARGO, "CronWorkflow")
CONFIG_MAP: Final = Kind("v1", "ConfigMap")
POD: Final = Kind("v1", "Pod")
SERVICE_ACCOUNT: Final = Kind("v1", "ServiceAccount")
EVENT: Final = Kind("v1", "Event")
NAMESPACE: Final = Kind("v1", "Namespace", namespaced=False)

SCHEDULED_TIME: Final = "workflows.argoproj.io/scheduled-time"
COMPLETED_LABEL: Final = "workflows.argoproj.io/completed"
PHASE_LABEL: Final = "workflows.argoproj.io/phase"
ARCHIVING_LABEL: Final = "workflows.argoproj.io/workflow-archiving-status"
WORKFLOW_LABEL: Final = "workflows.argoproj.io/workflow"
TEMPLATE_LABEL: Final = "workflows.argoproj.io/workflow-template"
CRON_LABEL: Final = "workflows.argoproj.io/cron-workflow"
NODE_ID: Final = "workflows.argoproj.io/node-id"

ENDED: Final = frozenset({"Succeeded", "Failed", "Error"})
"""Phases in which a run has ended."""

_MANAGER_LABEL, _MANAGER = next(iter(MANAGER_LABELS.items()))
OURS: Final = f"{_MANAGER_LABEL}={_MANAGER}"
"""Label selector of what this project made."""


def labels(name: str) -> dict[str, str]:
    """Of everything that belongs to a compiled pipeline.

    Args:
        name: of its WorkflowTemplate.
    """
    return {**MANAGER_LABELS, NAME_LABEL: name}


def owner(document: Mapping[str, Any]) -> tuple[str, str]:
    """Who made an object, and for which pipeline; both can be empty."""
    metadata = document.get("metadata") or {}
    held = metadata.get("labels") or {}
    pipeline = (metadata.get("annotations") or {}).get(PIPELINE_ANNOTATION) or held.get(NAME_LABEL) or ""
    return held.get(_MANAGER_LABEL, ""), str(pipeline)


def phase(workflow: Mapping[str, Any]) -> str:
    """Of a run; empty where no controller has looked at it yet."""
    return str((workflow.get("status") or {}).get("phase") or "")
