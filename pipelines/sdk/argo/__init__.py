"""The Argo backend: a Plan as documents for a cluster that runs Argo Workflows and nothing of KFP."""

from pipelines.sdk.argo.emit import emit
from pipelines.sdk.argo.options import Compiled, Options, StepInfo
from pipelines.sdk.argo.yamltext import to_yaml

__all__ = ["Compiled", "Options", "StepInfo", "emit", "to_yaml"]
