"""`schedule`, `unschedule` and `status` against a real API server."""

from __future__ import annotations

import pytest

from pipelines.sdk import kube
from pipelines.sdk.argo.cluster.kinds import CRON, TEMPLATE, WORKFLOW
from tests.argo.cluster import pipelines
from tests.argo.services import wait_for

pytestmark = pytest.mark.cluster


@pytest.fixture
def file(compiled):
    return compiled(pipelines.plain)


def test_a_schedule_is_made_with_its_template_and_says_its_next_three_times(api, command, file):
    done = command(
        "schedule",
        file,
        "0  2 * *  *",
        "--timezone",
        "Europe/Helsinki",
        "--name",
        "nightly",
        "-p",
        "number=5",
        "--json",
        cluster=api,
    )
    spec = kube.get(api, CRON, "nightly")["spec"]
    assert (spec["schedules"], spec["timezone"], spec["suspend"]) == (["0 2 * * *"], "Europe/Helsinki", False)
    assert spec["workflowSpec"]["arguments"]["parameters"] == [{"name": "number", "value": "5"}]
    assert kube.get(api, TEMPLATE, "nightly") and not done.json["changes"][-1].get("diff")
    assert len(done.json["next"]) == 3 and all("T02:00:00+0" in each for each in done.json["next"])
    assert done.err.count(" 02:00 EE") == 3


def test_a_suspended_schedule_is_said_to_be_so(api, command, file):
    done = command("schedule", file, "0 4 * * *", "--name", "asleep", "--suspend", cluster=api)
    assert kube.get(api, CRON, "asleep")["spec"]["suspend"] is True and "suspended" in done.err
    assert "suspended" in command("status", "asleep", cluster=api).out


def test_a_changed_schedule_replaces_the_one_before_its_parameters_included(api, command, file):
    command("schedule", file, "0 4 * * *", "--name", "moved", "-p", "number=5", cluster=api)
    command("schedule", file, "0 5 * * *", "--name", "moved", cluster=api)
    spec = kube.get(api, CRON, "moved")["spec"]
    assert spec["schedules"] == ["0 5 * * *"] and "arguments" not in spec["workflowSpec"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["0 25 * * *"], "field 'hour'"),
        (["0 2 * * *", "--timezone", "Europe/Zuerich"], "Europe/Zurich"),
        (["0 2 * * *", "-p", "number=many"], "parameter number"),
        (["0 2 * * *", "-p", "data=x.csv"], "gs://"),
    ],
)
def test_a_wrong_schedule_is_refused_before_anything_is_created(api, command, file, arguments, told):
    done = command("schedule", file, *arguments, "--name", "never", cluster=api)
    assert done.code == 2 and told in done.err
    assert kube.get(api, TEMPLATE, "never") is None


def test_a_schedule_when_the_clocks_change_is_warned_of(api, command, file):
    done = command("schedule", file, "30 2 * * *", "--timezone", "Europe/Zurich", "--dry-run", cluster=api)
    assert done.err.count("warning: on ") == 2


def test_dry_run_of_a_schedule_changes_nothing(api, command, file):
    done = command("schedule", file, "0 2 * * *", "--name", "dry-cron", "--dry-run", "--json", cluster=api)
    assert [each["action"] for each in done.json["changes"]] == ["create"] * 4
    assert kube.get(api, CRON, "dry-cron") is None and kube.get(api, TEMPLATE, "dry-cron") is None


def test_unschedule_keeps_the_runs_that_the_schedule_has_started(api, command, file):
    command("schedule", file, "0 2 * * *", "--name", "kept-runs", cluster=api)
    cron = kube.get(api, CRON, "kept-runs")
    owner = {
        "apiVersion": CRON.api_version,
        "kind": CRON.name,
        "name": "kept-runs",
        "uid": cron["metadata"]["uid"],
    }
    run = command("submit", file, "--name", "kept-runs", "--json", cluster=api).json["run"]
    kube.patch(api, WORKFLOW, run, {"metadata": {"ownerReferences": [{**owner, "controller": True}]}})
    done = command("unschedule", "kept-runs", "--dry-run", cluster=api)
    assert "delete" in done.err and kube.get(api, CRON, "kept-runs")
    assert command("unschedule", "kept-runs", cluster=api).code == 0
    wait_for("the deletion", lambda: True if kube.get(api, CRON, "kept-runs") is None else None)
    assert "ownerReferences" not in kube.get(api, WORKFLOW, run)["metadata"]
    assert kube.get(api, TEMPLATE, "kept-runs")


def test_unschedule_takes_a_compiled_file_for_its_name(api, command, file):
    command("schedule", file, "0 2 * * *", cluster=api)
    assert command("unschedule", file, cluster=api).code == 0
    done = command("unschedule", file, cluster=api)
    assert done.code == 2 and "no such schedule" in done.err


def test_a_schedule_that_somebody_else_made_is_not_taken_away(api, command):
    spec = {"schedules": ["0 2 * * *"], "workflowSpec": {"workflowTemplateRef": {"name": "x"}}}
    metadata = {"name": "their-cron"}
    kube.create(api, {"apiVersion": CRON.api_version, "kind": CRON.name, "metadata": metadata, "spec": spec})
    done = command("unschedule", "their-cron", cluster=api)
    assert done.code == 2 and "not made by this project" in done.err
    assert kube.get(api, CRON, "their-cron")


def test_status_lists_schedule_and_runs_newest_first(api, command, file):
    command("schedule", file, "0 2 * * *", "--name", "listed", cluster=api)
    first = command("submit", file, "--name", "listed", "--json", cluster=api).json["run"]
    label = {"workflows.argoproj.io/cron-workflow": "listed"}
    by_cron = {**kube.get(api, WORKFLOW, first), "metadata": {"name": "listed-1763863200", "labels": label}}
    wait_for("another second", lambda: _next_second(api, first, by_cron))
    done = command("status", "listed", "--json", cluster=api)
    assert [each["run"] for each in done.json["runs"]] == ["listed-1763863200", first]
    assert done.json["schedules"][0]["next"].endswith("T02:00:00+00:00")
    text = command("status", "listed", "--runs", "1", cluster=api).out
    assert "schedule" in text and first not in text


def _next_second(api, first, by_cron):
    """Creation times have whole seconds; the order of two runs of one second is nobody's."""
    from datetime import UTC, datetime

    created = datetime.fromisoformat(kube.get(api, WORKFLOW, first)["metadata"]["creationTimestamp"])
    if (datetime.now(UTC) - created).total_seconds() < 1:
        return None
    return kube.create(api, by_cron)


def test_status_of_a_pipeline_that_never_ran_is_no_error(api, command):
    done = command("status", "never-ran", "--cost", "--json", cluster=api)
    assert (done.code, done.json["runs"], done.json["schedules"]) == (0, [], [])


def test_cost_is_by_step_and_run_with_the_prices_given(api, command, file):
    run = command("submit", file, "--name", "priced", "--json", cluster=api).json["run"]
    root = {"id": run, "name": run, "displayName": run, "type": "DAG", "phase": "Succeeded"}
    hour = {"cpu": 3600, "memory": 36864}
    step = {
        "id": "s",
        "name": f"{run}.pipeline.say",
        "displayName": "say",
        "type": "Pod",
        "phase": "Succeeded",
        "boundaryID": "p",
        "resourcesDuration": hour,
    }
    group = {
        "id": "p",
        "name": f"{run}.pipeline",
        "displayName": "pipeline",
        "type": "DAG",
        "boundaryID": run,
    }
    kube.patch(
        api, WORKFLOW, run, {"status": {"phase": "Succeeded", "nodes": {"s": step, run: root, "p": group}}}
    )
    done = command("status", "priced", "--cost", "--price", "cpu=3,memory=4", "--json", cluster=api)
    (told,) = done.json["runs"]
    assert (told["cost"], told["steps"][0]["step"], told["steps"][0]["cost"]) == (7.0, "say", 7.0)
    assert "7.0000" in command("status", "priced", "--price", "cpu=3,memory=4", cluster=api).out


def test_a_price_that_is_none_is_refused(api, command):
    assert command("status", "--price", "cpu=cheap", cluster=api).code == 2
