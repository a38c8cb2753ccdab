"""Nodes of a workflow as steps with the paths of a local run."""

import base64
import gzip
import json

import pytest

from pipelines.sdk.argo.cluster.following import culprit, message, record, status
from pipelines.sdk.argo.cluster.nodes import nodes, outcome, steps
from pipelines.sdk.errors import EnvironmentProblem
from pipelines.sdk.launch import encode
from pipelines.sdk.local.scope import Status
from tests.argo.cluster.nodes import group, node, pod, retry, workflow

PATHS = {"fit": "loop/inner/fit", "notify": "notify", "load": "load"}


def nested() -> dict:
    return workflow(
        pod("pipeline.load"),
        group("pipeline.loop", "pipeline", type="TaskGroup"),
        group("pipeline.loop(1:1)", "pipeline"),
        group("pipeline.loop(1:1).inner", "pipeline.loop(1:1)", type="TaskGroup"),
        group("pipeline.loop(1:1).inner(0:0)", "pipeline.loop(1:1)"),
        retry(
            "pipeline.loop(1:1).inner(0:0).fit",
            "pipeline.loop(1:1).inner(0:0)",
            children=["pipeline.loop(1:1).inner(0:0).fit(0)", "pipeline.loop(1:1).inner(0:0).fit(1)"],
        ),
        pod(
            "pipeline.loop(1:1).inner(0:0).fit(0)",
            "pipeline.loop(1:1).inner(0:0)",
            phase="Failed",
            outputs={"exitCode": "3"},
        ),
        pod(
            "pipeline.loop(1:1).inner(0:0).fit(1)", "pipeline.loop(1:1).inner(0:0)", outputs={"exitCode": "0"}
        ),
        pod(
            "pipeline.loop.onExit",
            "pipeline",
            displayName="loop.onExit",
            inputs={"parameters": [{"name": "task", "value": "notify"}]},
        ),
        paths=PATHS,
    )


def test_steps_have_the_paths_of_a_local_run_and_groups_that_succeeded_are_not_shown():
    assert {each.path for each in steps(nested())} == {"load", "loop.1/inner.0/fit", "notify"}


def test_attempts_are_one_step_with_as_many_pods():
    fit = next(each for each in steps(nested()) if each.path.endswith("fit"))
    assert [each.rpartition("fit")[2] for each in fit.pods] == ["(0)", "(1)"]
    assert fit.phase == "Succeeded" and fit.exit_code == 0


def test_a_group_that_the_compiler_put_around_a_task_is_not_seen():
    run = workflow(
        group("pipeline.loop", "pipeline", phase="Failed"),
        group("pipeline.loop.loop", "pipeline.loop", type="TaskGroup", phase="Failed"),
        group("pipeline.loop.loop(0:0)", "pipeline.loop", phase="Failed"),
        pod("pipeline.loop.loop(0:0).fit", "pipeline.loop.loop(0:0)", phase="Failed"),
    )
    assert {each.path for each in steps(run)} == {"loop", "loop.0", "loop.0/fit"}


def test_items_in_the_names_of_iterations_do_not_matter():
    run = workflow(
        group("pipeline.loop(0:a/b (c).d)", "pipeline", displayName="loop(0:a/b (c).d)"),
        pod("pipeline.loop(0:a/b (c).d).fit", "pipeline.loop(0:a/b (c).d)", displayName="fit"),
    )
    assert [each.path for each in steps(run)] == ["loop.0/fit"]


def test_tasks_that_were_left_out_say_why():
    run = workflow(
        node("pipeline.deploy", "Skipped", "pipeline", "Skipped", message="when 'false' evaluated false"),
        node(
            "pipeline.after", "Skipped", "pipeline", "Omitted", message="omitted: depends condition not met"
        ),
    )
    told = {each.path: message(each) for each in steps(run)}
    assert told == {"deploy": "its condition is false", "after": "what it waits for did not succeed"}


def test_a_group_names_the_step_that_it_failed_for():
    run = workflow(
        group("pipeline.loop", "pipeline", type="TaskGroup", phase="Failed"),
        group("pipeline.loop(0:0)", "pipeline", phase="Failed"),
        pod(
            "pipeline.loop(0:0).fit",
            "pipeline.loop(0:0)",
            phase="Failed",
            message="main: Error (exit code 3)",
            outputs={"exitCode": "3"},
        ),
        phase="Failed",
    )
    found = steps(run)
    loop = next(each for each in found if each.path == "loop")
    assert culprit(loop, found) == "loop.0/fit"
    told = record(loop, found, run)
    assert (told.status, told.step, told.culprit) == (Status.FAILED, False, "loop.0/fit")


def test_the_exit_code_is_told_where_argo_does_not_say_it():
    run = workflow(pod("pipeline.fit", phase="Failed", message="OOMKilled", outputs={"exitCode": "137"}))
    assert message(steps(run)[0]) == "OOMKilled (exit code 137)"


def test_a_step_that_was_stopped_is_cancelled_and_not_failed():
    run = workflow(
        pod("pipeline.fit", phase="Failed", message="workflow shutdown with strategy:  Stop"), phase="Failed"
    )
    run["spec"]["shutdown"] = "Stop"
    assert status(steps(run)[0], run) is Status.CANCELLED


def test_outputs_of_launched_steps_are_values_and_of_native_steps_text():
    values = [
        {"name": "p-n", "value": "[1,2.0]"},
        {"name": "p-text", "value": "not json"},
        {"name": "c-n", "value": "x"},
    ]
    run = workflow(pod("pipeline.fit", outputs={"parameters": values}))
    assert steps(run)[0].outputs == {"n": [1, 2.0], "text": "not json"}


def test_compressed_nodes_are_read():
    run = nested()
    text = json.dumps(run["status"].pop("nodes")).encode()
    run["status"]["compressedNodes"] = base64.b64encode(gzip.compress(text)).decode()
    assert {each.path for each in steps(run)} == {"load", "loop.1/inner.0/fit", "notify"}


def test_nodes_that_cannot_be_unpacked_are_an_error_with_the_workflow_named():
    run = workflow()
    run["status"] |= {"nodes": {}, "compressedNodes": "bm90IGd6aXA="}
    with pytest.raises(EnvironmentProblem, match="Workflow run"):
        nodes(run)


def test_nodes_in_the_controllers_database_are_explained():
    run = workflow()
    run["status"] |= {"nodes": {}, "offloadNodeStatusVersion": "fnv:1"}
    with pytest.raises(EnvironmentProblem, match="nodeStatusOffLoad"):
        nodes(run)


def test_a_run_that_no_controller_has_seen_has_no_steps():
    run = workflow()
    del run["status"]
    assert steps(run) == ()


def test_a_retried_step_whose_pod_waits_is_pending_with_the_pods_reason():
    run = workflow(
        retry("pipeline.fit", phase="Running", children=["pipeline.fit(0)"]),
        pod("pipeline.fit(0)", phase="Pending", message="ImagePullBackOff: no such image"),
        phase="Running",
    )
    (fit,) = steps(run)
    assert (fit.phase, fit.message, fit.done) == ("Pending", "ImagePullBackOff: no such image", False)


def test_a_run_has_failed_where_only_an_exit_handler_has():
    handler = pod("pipeline.onExit", phase="Failed")
    assert outcome(workflow(pod("pipeline.fit"), handler)) == "Failed"
    assert outcome(workflow(pod("pipeline.fit"), pod("pipeline.onExit"))) == "Succeeded"
    assert outcome(workflow(pod("pipeline.fit"), handler, phase="Running")) == "Running"
    assert outcome({**workflow(), "status": {"phase": "Succeeded", "offloadNodeStatusVersion": "1"}}) == (
        "Succeeded"
    )


def test_artifacts_of_a_step_are_records_among_its_outputs():
    record = {"name": "data", "type": {"schemaTitle": "system.Dataset"}, "uri": "gs://b/x", "metadata": {}}
    values = [{"name": "a-data", "value": encode(record)}, {"name": "p-n", "value": "1"}]
    run = workflow(pod("pipeline.fit", outputs={"parameters": values}))
    assert steps(run)[0].outputs == {"data": record, "n": 1}


def test_of_an_expression_that_failed_its_word_is_shown_and_not_the_expression():
    said = (
        "failed to evaluate expression: task a/b: the value has no key 'k' (1:26)\n | map([x], y)[0]\n | ...^"
    )
    (state,) = steps(
        workflow(
            group(""), group("pipeline"), node("pipeline.b", "Skipped", "pipeline", "Error", message=said)
        )
    )
    assert (state.phase, state.message) == ("Error", "task a/b: the value has no key 'k'")
