"""References: where a value comes from, wherever it is used."""

import pytest

from pipelines.sdk.argo.lint import depends, expression, lint_documents
from tests.argo.lint.documents import put, valid

TASKS = "spec/templates/0/dag/tasks"


def rules_of(*changes):
    document = valid("workflow")
    for path, value in changes:
        put(document, path, value)
    return {each.rule for each in lint_documents([document])}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (
            "tasks['my-task'].outputs.parameters['p-out']",
            [("tasks", "my-task", "outputs", "parameters", "p-out")],
        ),
        ("tasks['x']?.outputs?.parameters?.['p'] ?? 'null'", [("tasks", "x", "outputs", "parameters", "p")]),
        ('fromJSON(inputs.parameters["p-a"])[0].b > 1', [("inputs", "parameters", "p-a")]),
        ("inputs.parameters[item]", [("inputs", "parameters"), ("item",)]),
        ("tasks.a.status == 'tasks.b.status' ? 1 : 2", [("tasks", "a", "status")]),
        ("let x = workflow.name; x + x", [("workflow", "name")]),
        ("map(fromJSON(item), {#.tasks})", [("item",)]),
        ("{workflow: inputs.parameters.a}", [("inputs", "parameters", "a")]),
        ("a ? b : c", [("a",), ("b",), ("c",)]),
        ("workflow.parameters.x // tasks.a", [("workflow", "parameters", "x")]),
        ("(now() - cronworkflow.lastScheduledTime).Seconds()", [("cronworkflow", "lastScheduledTime")]),
        ("toJson(0..(len(fromJSON(inputs.parameters['p']))-1))", [("inputs", "parameters", "p")]),
        (r"'it\'s {{tasks.a}}' + `tasks.b`", []),
        ("not (inputs.parameters.a in ['x', 'y']) and true", [("inputs", "parameters", "a")]),
    ],
)
def test_an_expression_names_these_variables(text, names):
    read = expression.read(text)
    assert [chain.parts for chain in read.chains] == names
    assert read.fault == ""


@pytest.mark.parametrize(
    ("text", "names", "fault"),
    [
        ("a.Succeeded && (b || !c-d.Failed)", [("a", "Succeeded"), ("b", ""), ("c-d", "Failed")], False),
        ("a", [("a", "")], False),
        ("a.Succeeded &&", [("a", "Succeeded")], True),
        ("a b", [("a", "")], True),
        ("(a", [("a", "")], True),
        ("a)", [("a", "")], True),
        ("a & b", [("a", "")], True),
        ("!", [], True),
    ],
)
def test_depends_names_these_tasks(text, names, fault):
    needs, why = depends.read(text)
    assert [(need.task, need.result) for need in needs] == names
    assert bool(why) == fault


def test_a_task_waits_for_all_that_come_before_it_not_only_for_its_neighbours():
    order = depends.order({"a": [], "b": ["a"], "c": ["b", "gone"], "d": ["d"]})
    assert [name for name in ("a", "b", "c", "d", "gone") if order.waits("c", name)] == ["a", "b"]
    assert order.circle == ("d", "d")


def test_a_chain_of_thousands_needs_no_deep_stack():
    order = depends.order({str(i): [str(i - 1)] if i else [] for i in range(5000)})
    assert order.waits("4999", "0") and not order.waits("0", "4999")
    assert order.circle == ()


def test_inline_templates_see_the_loop_and_the_tasks_around_them():
    inside = {
        "container": {
            "image": "a",
            "command": ["b"],
            "args": ["{{item}}", "{{tasks.prepare.outputs.result}}"],
        }
    }
    task = {"name": "i", "depends": "prepare", "withItems": [1], "inline": inside}
    assert rules_of((f"{TASKS}/3", task)) == set()
    assert rules_of((f"{TASKS}/3", {**task, "withItems": None})) == {"item-outside-loop"}
    assert rules_of((f"{TASKS}/3", {**task, "depends": "choose || prepare.Failed"})) == set()
    assert rules_of((f"{TASKS}/3", {"name": "i", "withItems": [1], "inline": inside})) == {
        "missing-dependency"
    }


def test_an_input_of_the_template_around_an_inline_template_is_seen():
    inside = {"container": {"image": "a", "command": ["b"], "args": ["{{inputs.parameters.scores}}"]}}
    step = {"name": "i", "inline": inside}
    assert rules_of(("spec/templates/3/steps/1/1", step)) == set()


def test_workflow_failures_are_known_in_what_the_exit_handler_runs_too():
    handler = {"name": "bye", "dag": {"tasks": [{"name": "tell", "template": "tell"}]}}
    tell = {"name": "tell", "container": {"image": "a", "command": ["b"], "args": ["{{workflow.failures}}"]}}
    changes = [("spec/templates/7", handler), ("spec/templates/8", tell)]
    assert rules_of(*changes) == {"failures-outside-exit"}
    assert rules_of(*changes, ("spec/onExit", "bye")) == set()


def test_a_global_output_is_known_in_the_whole_workflow():
    name = ("spec/templates/2/outputs/parameters/0/globalName", "best-score")
    use = ("spec/templates/1/container/args/0", "{{workflow.outputs.parameters.best-score}}")
    assert rules_of(use) == {"unresolved-reference"}
    assert rules_of(name, use) == set()
