"""Conditions as expressions decide what `conditions.evaluate` decides; Argo's controller is asked."""

import random
import uuid

import pytest

from pipelines.sdk import conditions
from pipelines.sdk.argo import decisions, exprlang
from pipelines.sdk.conditions import And, Comparison, Conversion, Input, Kind, Literal, Not, Or
from pipelines.sdk.errors import RunFailed
from pipelines.sdk.kube import Kind as ObjectKind
from pipelines.sdk.kube import create, delete, get
from pipelines.sdk.launch import encode
from tests.argo.services import wait_for

WORKFLOW = ObjectKind("argoproj.io/v1alpha1", "Workflow")
VALUES = (None, True, False, 0, 1, 5, -3, 5.0, 0.5, 1e16, 1e-5, "", "5", "5.0", "5.50", "0.5", "1e+16", " 7 ")
VALUES += ("true", "True", "no", "null", "b is missing", "it's {{workflow.name}}", "\\u003c", [1], {"a": 1})
WRITTEN = tuple(value for value in VALUES if not isinstance(value, list | dict))
ANSWERS = {"Succeeded": True, "Skipped": False, "Error": None}


def printed(condition, task):
    """A condition over inputs: `a` is a wire text of its own, `b` an element of a list."""

    def wire(name):
        return exprlang.of_input(f"v-{task}-{name}") if name == "a" else ""

    def operand(name):
        text = f"fromJSON({exprlang.of_input(f'v-{task}-{name}')})"
        return text if name == "a" else f"{text}[0]"

    return decisions.printed(condition, operand, wire)


def operand(draw):
    chosen = draw.random()
    name = Input(draw.choice("ab"))
    if chosen < 0.45:
        return name
    if chosen < 0.8:
        return Literal(draw.choice(WRITTEN))
    if chosen < 0.9:
        return Conversion(draw.choice([Kind.INTEGER, Kind.DOUBLE]), name)
    return Conversion(Kind.TEXT, name)


def condition(draw, depth=0):
    chosen = draw.random()
    if depth > 1 or chosen < 0.7:
        return Comparison(draw.choice(["==", "==", "!=", "<", "<=", ">", ">="]), operand(draw), operand(draw))
    if chosen < 0.8:
        return Not(condition(draw, depth + 1))
    parts = (condition(draw, depth + 1), condition(draw, depth + 1))
    return And(parts) if chosen < 0.9 else Or(parts)


def generated(seed, number):
    draw = random.Random(seed)
    return [(condition(draw), {"a": draw.choice(VALUES), "b": draw.choice(VALUES)}) for _ in range(number)]


def answer(of, values):
    """True, False, or None where there is no answer and the run has to stop."""
    try:
        return conditions.evaluate(of, values)
    except RunFailed:
        return None


def workflow(cases):
    """One DAG with a task without a pod for every condition."""
    given = [
        {"name": f"v-{task}-{name}", "value": encode(values[name] if name == "a" else [values[name]])}
        for task, (_, values) in enumerate(cases)
        for name in ("a", "b")
    ]
    tasks = [
        {"name": f"t{task}", "template": "nothing", "when": exprlang.tag(printed(of, task))}
        for task, (of, _) in enumerate(cases)
    ]
    templates = [
        {
            "name": "main",
            "inputs": {"parameters": [{"name": each["name"]} for each in given]},
            "dag": {"failFast": False, "tasks": tasks},
        },
        {"name": "nothing", "suspend": {"duration": "0"}},
    ]
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": f"decisions-{uuid.uuid4().hex[:8]}"},
        "spec": {
            "entrypoint": "main",
            "activeDeadlineSeconds": 120,
            "arguments": {"parameters": given},
            "templates": templates,
        },
    }


def decided(cluster, cases):
    """What the controller made of each condition."""
    document = workflow(cases)
    name = document["metadata"]["name"]
    create(cluster, document)
    try:

        def ended():
            status = (get(cluster, WORKFLOW, name) or {}).get("status", {})
            return status if status.get("phase") in ("Succeeded", "Failed", "Error") else None

        nodes = wait_for("the decisions", ended, 120)["nodes"].values()
    finally:
        delete(cluster, WORKFLOW, name)
    return {node["displayName"]: (node["phase"], node.get("message", "")) for node in nodes}


@pytest.mark.argo
@pytest.mark.parametrize("seed", range(3))
def test_argo_decides_what_a_local_run_decides(cluster, seed):
    cases = generated(seed, 90)
    found = decided(cluster, cases)
    told = {
        f"t{task}": (of, values, answer(of, values), found[f"t{task}"])
        for task, (of, values) in enumerate(cases)
    }
    assert {each[2] for each in told.values()} == {True, False, None}  # the generator is not one-sided
    wrong = {name: each for name, each in told.items() if ANSWERS[each[3][0]] is not each[2]}
    assert wrong == {}


@pytest.mark.argo
def test_a_comparison_without_an_answer_stops_the_run_and_names_the_input(cluster):
    less = Comparison("<", Input("a"), Literal("value is missing"))
    phase, message = decided(cluster, [(less, {"a": 5, "b": None})])["t0"]
    assert phase == "Error"
    assert "condition: input 'a' and 'value is\u00a0missing' have no answer" in message


@pytest.mark.parametrize("seed", range(5))
def test_no_condition_has_braces_that_end_its_tag(seed):
    for task, (of, _) in enumerate(generated(seed, 50)):
        text = exprlang.tag(printed(of, task))
        assert text.count("{{") == 1
        assert text.index("}}") == len(text) - 2


def test_no_condition_binds_a_name_because_argo_takes_that_for_a_variable_to_come():
    for task, (of, _) in enumerate(generated(9, 50)):
        assert "let " not in printed(of, task)


def test_a_comparison_with_a_constant_stays_short():
    text = printed(Comparison(">", Conversion(Kind.DOUBLE, Input("a")), Literal(0.5)), 0)
    assert len(text) < 600
