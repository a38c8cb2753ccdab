"""The pipeline's own parameters, told to every step: for the record of the run, not for its work."""

from __future__ import annotations

import json
from collections.abc import Mapping

from pipelines.sdk.local.scope import Artifacts, Value, with_defaults
from pipelines.sdk.plan import Plan

LONGEST = 500  # characters of a value; a program's environment is small, and so is a field of MLflow
MOST = 100  # parameters


def parameters_text(plan: Plan, inputs: Mapping[str, Value]) -> str:
    """A JSON object of texts, by name: what the run was started with, defaults included.

    Args:
        plan: the pipeline.
        inputs: what was given.
    """
    values = with_defaults(plan.root.interface, inputs)
    plain = {name: value for name, value in sorted(values.items()) if not isinstance(value, Artifacts)}
    texts = {name: each if isinstance(each, str) else json.dumps(each) for name, each in plain.items()}
    return json.dumps({name: text[:LONGEST] for name, text in list(texts.items())[:MOST]})
