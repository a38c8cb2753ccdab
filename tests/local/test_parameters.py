"""What steps are told of the run's own parameters."""

from __future__ import annotations

import json

from pipelines.sdk.local.parameters import parameters_text
from pipelines.sdk.plan import Dag, Plan
from pipelines.sdk.values import Interface, Parameter, ParameterType


def plan(*names: str) -> Plan:
    parameters = {name: Parameter(name, ParameterType.STRING, True, f"{name} by default") for name in names}
    return Plan("p", Dag(Interface(parameters), ()))


def test_defaults_and_values_are_told_as_text():
    assert json.loads(parameters_text(plan("a", "b"), {"b": [1, None]})) == {
        "a": "a by default",
        "b": "[1, null]",
    }


def test_however_many_and_long_they_are_they_fit_into_a_variable():
    names = [f"p{n}" for n in range(500)]
    text = parameters_text(plan(*names), dict.fromkeys(names, "\N{GRINNING FACE}" * 10_000))
    assert len(text) < 128 * 1024
    assert len(json.loads(text)["p0"]) == 500
    assert "\0" not in parameters_text(plan("a"), {"a": "\0"})
