"""Pods of a run: what all have, and what a step or the pipeline asks for."""

from pipelines.sdk.argo.pods.defaults import container_defaults, spec_defaults
from pipelines.sdk.argo.pods.fields import PodFields, pod_fields
from pipelines.sdk.argo.pods.platform import platform_fields

__all__ = ["PodFields", "container_defaults", "platform_fields", "pod_fields", "spec_defaults"]
