"""Which nodes of a failed run start anew, and what the controller finds then."""

import base64
import gzip
import json
from datetime import UTC, datetime

from pipelines.sdk.argo.cluster.nodes import nodes
from pipelines.sdk.argo.cluster.retrying import reopened, restart
from tests.argo.cluster.nodes import group, node, pod, retry, workflow

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LOOP, INNER = "pipeline.loop", "pipeline.loop(0:0)"


def failed_loop() -> dict:
    """load -> loop [fit (two attempts, both failed) -> score, other] -> total; the loop has a handler."""
    return workflow(
        group("pipeline", phase="Failed", children=["pipeline.load"], outboundNodes=["pipeline.total"]),
        pod("pipeline.load", children=[LOOP]),
        group(
            LOOP,
            "pipeline",
            type="TaskGroup",
            phase="Failed",
            children=[INNER, "pipeline.loop(1:1)", "pipeline.loop.onExit"],
        ),
        group(
            INNER,
            "pipeline",
            phase="Failed",
            children=[f"{INNER}.fit", f"{INNER}.other"],
            outboundNodes=[f"{INNER}.score", f"{INNER}.other"],
        ),
        retry(f"{INNER}.fit", INNER, phase="Failed", children=[f"{INNER}.fit(0)", f"{INNER}.fit(1)"]),
        pod(f"{INNER}.fit(0)", INNER, phase="Failed"),
        pod(f"{INNER}.fit(1)", INNER, phase="Failed", children=[f"{INNER}.score"]),
        node(f"{INNER}.score", "Skipped", INNER, "Omitted", children=["pipeline.total"]),
        pod(f"{INNER}.other", INNER, children=["pipeline.total"]),
        group("pipeline.loop(1:1)", "pipeline", children=["pipeline.loop(1:1).fit"]),
        retry(
            "pipeline.loop(1:1).fit",
            "pipeline.loop(1:1)",
            children=["pipeline.loop(1:1).fit(0)", "pipeline.loop(1:1).fit(1)"],
        ),
        pod("pipeline.loop(1:1).fit(0)", "pipeline.loop(1:1)", phase="Failed"),
        pod("pipeline.loop(1:1).fit(1)", "pipeline.loop(1:1)", children=["pipeline.total"]),
        pod("pipeline.loop.onExit", "pipeline"),
        node("pipeline.total", "Skipped", "pipeline", "Omitted"),
        phase="Failed",
    )


def test_a_failed_step_its_attempts_and_what_came_after_it_start_anew_and_no_other():
    plan = restart(nodes(failed_loop()))
    attempts = {f"{INNER}.fit(0)", f"{INNER}.fit(1)"}
    assert plan.again == attempts | {f"{INNER}.score", "pipeline.total", "pipeline.loop.onExit"}


def test_what_is_around_it_goes_on_the_node_that_counts_its_attempts_included():
    around = {"root", "pipeline", LOOP, INNER, f"{INNER}.fit"}
    assert restart(nodes(failed_loop())).reopened == around


def test_a_failed_attempt_of_a_step_that_succeeded_in_the_end_is_left_alone():
    plan = restart(nodes(failed_loop()))
    assert not {each for each in plan.again | plan.reopened if each.startswith("pipeline.loop(1:1)")}


def test_nothing_kept_points_at_what_starts_anew():
    made = reopened(failed_loop(), restart(nodes(failed_loop())), NOW)
    kept = made["status"]["nodes"]
    pointed = {
        each for n in kept.values() for key in ("children", "outboundNodes") for each in n.get(key, [])
    }
    assert pointed <= kept.keys()


def test_reopened_groups_run_and_finished_steps_keep_their_times():
    kept = reopened(failed_loop(), restart(nodes(failed_loop())), NOW)["status"]["nodes"]
    assert {n["phase"] for n in (kept["root"], kept["pipeline"], kept[LOOP], kept[INNER])} == {"Running"}
    assert kept[INNER]["finishedAt"] is None and kept[INNER]["startedAt"] == "2026-11-23T12:00:00Z"
    assert kept["pipeline.load"]["finishedAt"] == "2026-11-23T10:00:05Z"


def test_the_controller_finds_a_run_that_has_not_ended():
    before = failed_loop()
    before["spec"] |= {"shutdown": "Stop", "activeDeadlineSeconds": 0}
    before["status"] |= {
        "message": "child failed",
        "storedWorkflowTemplateSpec": {"shutdown": "Stop", "entrypoint": "main"},
        "taskResultsCompletionStatus": {f"{INNER}.fit(1)": True, "pipeline.load": True},
    }
    made = reopened(before, restart(nodes(before)), NOW)
    status = made["status"]
    assert not {"phase", "message", "finishedAt"} & status.keys()
    assert status["conditions"] == [{"type": "Completed", "status": "False"}]
    assert status["taskResultsCompletionStatus"] == {"pipeline.load": True}
    assert "workflows.argoproj.io/completed" not in made["metadata"]["labels"]
    assert made["spec"] == {"workflowTemplateRef": {"name": "train"}}
    assert status["storedWorkflowTemplateSpec"] == {"entrypoint": "main"}


def test_what_was_read_is_not_changed():
    before = failed_loop()
    reopened(before, restart(nodes(before)), NOW)
    assert before == failed_loop()


def test_a_step_that_always_runs_comes_again_after_the_failed_one_that_it_follows():
    run = workflow(
        pod("pipeline.fit", phase="Failed", children=["pipeline.clean"]),
        pod("pipeline.clean"),
        pod("pipeline.other"),
        phase="Failed",
    )
    assert restart(nodes(run)).again == {"pipeline.fit", "pipeline.clean"}


def test_a_group_that_failed_without_a_step_to_blame_starts_anew_as_a_whole():
    run = workflow(
        group("pipeline.loop", "pipeline", type="TaskGroup", phase="Error", children=["pipeline.loop(0:0)"]),
        group("pipeline.loop(0:0)", "pipeline", children=["pipeline.loop(0:0).fit"]),
        pod("pipeline.loop(0:0).fit", "pipeline.loop(0:0)"),
        phase="Error",
    )
    assert restart(nodes(run)).again == {"pipeline.loop", "pipeline.loop(0:0)", "pipeline.loop(0:0).fit"}


def test_a_task_that_argo_could_not_even_start_starts_anew():
    run = workflow(
        node("pipeline.fit", "Skipped", "pipeline", "Error", message="withParam is no list"), phase="Error"
    )
    plan = restart(nodes(run))
    assert plan.again == {"pipeline.fit"} and plan.reopened == {"root", "pipeline"}


def test_where_only_the_exit_handler_failed_it_alone_runs_again():
    run = workflow(
        group("pipeline.group", "pipeline", children=["pipeline.group.fit", "pipeline.group.onExit"]),
        pod("pipeline.group.fit", "pipeline.group"),
        pod("pipeline.group.onExit", phase="Failed"),
        phase="Failed",
    )
    assert restart(nodes(run)).again == {"pipeline.group.onExit"}


def test_a_name_that_begins_like_another_is_not_inside_it():
    run = workflow(
        group("pipeline.fit", "pipeline", phase="Failed"),
        pod("pipeline.fit.a", "pipeline.fit", phase="Failed"),
        group("pipeline.fit-2", "pipeline"),
        pod("pipeline.fit-2.a", "pipeline.fit-2"),
        phase="Failed",
    )
    plan = restart(nodes(run))
    assert (plan.again, plan.reopened) == ({"pipeline.fit.a"}, {"root", "pipeline", "pipeline.fit"})


def test_compressed_nodes_stay_compressed():
    before = failed_loop()
    packed = gzip.compress(json.dumps(before["status"].pop("nodes")).encode())
    before["status"]["compressedNodes"] = base64.b64encode(packed).decode()
    made = reopened(before, restart(nodes(before)), NOW)
    assert "nodes" not in made["status"]
    assert nodes(made) == reopened(failed_loop(), restart(nodes(failed_loop())), NOW)["status"]["nodes"]


def test_what_had_not_ended_when_a_run_was_stopped_starts_anew():
    run = workflow(
        group("pipeline.group", "pipeline", phase="Failed"),
        pod(
            "pipeline.group.fit",
            "pipeline.group",
            phase="Failed",
            message="workflow shutdown with strategy:  Stop",
        ),
        pod("pipeline.group.onExit", phase="Pending"),
        pod("pipeline.other", phase="Running"),
        phase="Failed",
    )
    run["status"]["nodes"]["pipeline"]["phase"] = "Running"
    plan = restart(nodes(run))
    assert plan.again == {"pipeline.group.fit", "pipeline.group.onExit", "pipeline.other"}
    assert plan.reopened == {"root", "pipeline", "pipeline.group"}
