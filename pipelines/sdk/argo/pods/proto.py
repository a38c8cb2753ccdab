"""KFP's own definition of a step's settings, without the rest of kfp-kubernetes.

Importing the package imports the authoring half of kfp, which takes a second and is absent where kfp was
told that it only runs steps.
"""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

import kfp
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message


@cache
def _module() -> Any:
    file = Path(kfp.__file__).parent / "kubernetes" / "kubernetes_executor_config_pb2.py"
    spec = importlib.util.spec_from_file_location("kubernetes_executor_config_pb2", file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def descriptor() -> Descriptor:
    """The fields that the settings of a step have."""
    found: Descriptor = _module().KubernetesExecutorConfig.DESCRIPTOR
    return found


def message() -> Message:
    """Settings that say nothing yet."""
    empty: Message = _module().KubernetesExecutorConfig()
    return empty
