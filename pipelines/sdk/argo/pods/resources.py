"""Requests and limits of a step."""

from __future__ import annotations

from typing import Any

from pipelines.sdk.argo.pods.checks import quantity
from pipelines.sdk.argo.pods.defaults import DEFAULT_REQUESTS
from pipelines.sdk.argo.pods.reader import Reader, Value
from pipelines.sdk.plan import Resources


def requirements(resources: Resources, reader: Reader) -> tuple[dict[str, Any], str]:
    """What is known of a step's resources, and what is not.

    Args:
        resources: the step's.
        reader: takes the problems.

    Returns:
        The field `resources`, and the same as JSON text with expressions for what is only known at run time;
        empty where all is known.
    """
    known: dict[str, dict[str, str]] = {}
    later: dict[str, list[str]] = {}

    def put(group: str, key: str, setting: str, value: Value) -> None:
        if value.expression:
            later.setdefault(group, []).append(f"{_key(key)}:{value.json()}")
        else:
            known.setdefault(group, {})[key] = quantity(setting, str(value.constant), reader)

    for name in ("cpu", "memory"):
        wanted = {each: getattr(resources, f"{name}_{each[:-1]}") for each in ("requests", "limits")}
        for group, text in wanted.items():
            if text:
                setting = f"{name} {group[:-1]}"
                put(group, name, setting, reader.template(setting, text))
        if not any(wanted.values()):  # with a limit alone, Kubernetes requests as much
            put("requests", name, "", Value(DEFAULT_REQUESTS[name]))
    _accelerator(resources, reader, put)
    patch = ",".join(f'"{group}":{{{",".join(pairs)}}}' for group, pairs in later.items())
    return known, f"{{{patch}}}" if patch else ""


def _key(key: str) -> str:
    return key if key.startswith("{{") else f'"{key}"'


def _accelerator(resources: Resources, reader: Reader, put: Any) -> None:
    kind, count = resources.accelerator_type, resources.accelerator_count
    if (not kind and not count) or count == "0":
        return
    if not kind or not count:
        mend = "call both set_accelerator_type('nvidia.com/gpu') and set_accelerator_limit(1)"
        reader.problem("accelerator", f"it has no {'count' if kind else 'type'}", mend)
        return
    name = reader.template("accelerator type", kind)
    if not name.expression and "/" not in kind:
        mend = "say nvidia.com/gpu, and choose the model with kubernetes.add_node_selector"
        reader.problem("accelerator type", f"{kind!r} is no resource of a Kubernetes node", mend)
    value = reader.template("accelerator count", count)
    if name.expression:  # its key is only known at run time, so all of it is
        put("limits", name.json(), "", Value(expression=value.expression or f"'{value.constant}'"))
    else:
        put("limits", kind, "accelerator count", value)
