"""Requests and limits of a step."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from pipelines.sdk.argo import exprlang
from pipelines.sdk.argo.pods.checks import amount, quantity
from pipelines.sdk.argo.pods.patch import json_tag
from pipelines.sdk.argo.pods.reader import Reader, Value
from pipelines.sdk.plan import Resources

_Known = dict[str, dict[str, str]]


def requirements(resources: Resources, defaults: Mapping[str, str], reader: Reader) -> dict[str, Any]:
    """What is known of a step's resources, as the field `resources`; the reader's patch gets the rest.

    Args:
        resources: the step's.
        defaults: requests, where a step says nothing of the resource.
        reader: takes the problems.
    """
    known: _Known = {}
    for name in ("cpu", "memory"):
        wanted = {each: getattr(resources, f"{name}_{each[:-1]}") for each in ("requests", "limits")}
        for group, text in wanted.items():
            if text:
                setting = f"{name} {group[:-1]}"
                _put(known, group, Value(name), setting, reader.template(setting, text), reader)
        if name in defaults and not any(wanted.values()):  # with a limit alone, Kubernetes requests as much
            known.setdefault("requests", {})[name] = defaults[name]
        _compare(name, known, reader)
    _accelerator(resources, known, reader)
    return known


def _put(known: _Known, group: str, name: Value, setting: str, value: Value, reader: Reader) -> None:
    """Writes down one quantity; one that turns out to be null is as good as none."""
    later = [each.expression for each in (name, value) if each.expression]
    if later:
        key = json_tag(f"string({name.expression} ?? '')") if name.expression else json.dumps(name.constant)
        # A member that is null in a patch takes away what is not there: nothing happens.
        missing = " || ".join(f"({each}) == nil" for each in later)
        text = f"string({value.expression})" if value.expression else exprlang.literal(value.constant)
        member = f"{key}:{json_tag(f'{missing} ? nil : {text}')}"
        reader.patch.resources.setdefault(group, []).append(member)
    elif value.constant is not None:
        known.setdefault(group, {})[name.constant] = quantity(setting, str(value.constant), reader)


def _compare(name: str, known: _Known, reader: Reader) -> None:
    request, limit = known.get("requests", {}).get(name, ""), known.get("limits", {}).get(name, "")
    least, most = amount(request), amount(limit)
    if least is not None and most is not None and least > most:
        reader.problem(f"{name} request", f"{request} is more than the limit, {limit}", "raise the limit")


def _accelerator(resources: Resources, known: _Known, reader: Reader) -> None:
    kind, count = resources.accelerator_type, resources.accelerator_count
    if (not kind and not count) or count == "0":
        return
    if not kind or not count:
        mend = "call both set_accelerator_type('nvidia.com/gpu') and set_accelerator_limit(1)"
        reader.problem("accelerator", f"it has no {'count' if kind else 'type'}", mend)
        return
    name, value = reader.template("accelerator type", kind), reader.template("accelerator count", count)
    if not name.expression and not re.fullmatch(r"[a-z0-9.-]+/[A-Za-z0-9._-]+", str(name.constant)):
        mend = "say nvidia.com/gpu, and choose the model with kubernetes.add_node_selector"
        reader.problem("accelerator type", f"{name.constant!r} is no resource of a Kubernetes node", mend)
    if not value.expression and not str(value.constant).isdecimal():
        what = f"{value.constant!r} is no number of devices"
        reader.problem("accelerator count", what, "give a whole number")
        return
    _put(known, "limits", name, "accelerator count", value, reader)
