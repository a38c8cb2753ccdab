"""The pipeline's own parameters, told to every step: for the record of the run, not for its work."""

from __future__ import annotations

import json
from collections.abc import Mapping

from pipelines.sdk.local.scope import Artifacts, Value, with_defaults
from pipelines.sdk.plan import Plan

LONGEST = 500  # characters of a value; a field of MLflow is small
MOST_BYTES = 64 * 1024  # of all of them: Linux takes 128 KiB in a variable


def parameters_text(plan: Plan, inputs: Mapping[str, Value]) -> str:
    """A JSON object of texts, by name: what the run was started with, defaults included.

    Args:
        plan: the pipeline.
        inputs: what was given.
    """
    values = with_defaults(plan.root.interface, inputs)
    plain = {name: value for name, value in sorted(values.items()) if not isinstance(value, Artifacts)}
    told: dict[str, str] = {}
    size = 0
    for name, value in plain.items():
        text = (value if isinstance(value, str) else json.dumps(value))[:LONGEST]
        size += len(json.dumps({name: text}))
        if size <= MOST_BYTES:
            told[name] = text
    return json.dumps(told)
