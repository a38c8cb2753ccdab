"""Pods of a run: what all have, and what a step or the pipeline asks for."""

from pipelines.sdk.argo.pods.claims import is_claim_step, resource_template
from pipelines.sdk.argo.pods.defaults import container_defaults, spec_defaults
from pipelines.sdk.argo.pods.fields import PodFields, pod_fields
from pipelines.sdk.argo.pods.platform import platform_fields
from pipelines.sdk.argo.pods.settings import settings_as_inputs
from pipelines.sdk.argo.pods.task_config import task_config, with_task_config

__all__ = [
    "PodFields",
    "container_defaults",
    "is_claim_step",
    "platform_fields",
    "pod_fields",
    "resource_template",
    "settings_as_inputs",
    "spec_defaults",
    "task_config",
    "with_task_config",
]
