"""Checked values as the parameters of a run, in the form in which people would write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipelines.sdk.argo.documents import launch_text
from pipelines.sdk.errors import Finding, UsageError
from pipelines.sdk.launch import WireError
from pipelines.sdk.values import Interface, Json, ParameterType


def parameters(interface: Interface, values: Mapping[str, Json]) -> list[dict[str, str]]:
    """The parameters of a Workflow.

    Args:
        interface: of the pipeline.
        values: those that were given, checked; an artifact is its URI.

    Raises:
        UsageError: an artifact is a path of this machine, which no pod can read; or a value is too long.
    """
    local = [name for name in interface.artifacts if _local(values.get(name))]
    if local:
        what = "a path of this machine cannot be read on a cluster"
        mend = "copy it to a bucket, and give its URI (gs://..., s3://...)"
        raise UsageError(*(Finding(what, f"parameter {name}", mend) for name in local))
    texts: dict[str, str] = {}
    long: list[Finding] = []
    for name, value in values.items():
        try:
            texts[name] = _text(interface, name, value)
        except WireError as error:
            mend = "put it into a bucket, and let the pipeline take its URI"
            long.append(Finding(error.what, f"parameter {name}", mend))
    if long:
        raise UsageError(*long)
    return [{"name": name, "value": text} for name, text in texts.items()]


def _text(interface: Interface, name: str, value: Json) -> str:
    declared = interface.parameters.get(name)
    raw = isinstance(value, str) and (declared is None or declared.type is ParameterType.STRING)
    return launch_text(value, raw)


def _local(value: Json) -> bool:
    uris: list[Any] = value if isinstance(value, list) else [value]
    return any(isinstance(uri, str) and "://" not in uri for uri in uris)
