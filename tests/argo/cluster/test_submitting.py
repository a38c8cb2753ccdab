"""`submit` against a real API server: what is applied, what is not, and what is said of it."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from pipelines.sdk import argo, ir, kube
from pipelines.sdk.argo.cluster import submitting
from pipelines.sdk.argo.cluster.kinds import CONFIG_MAP, CRON, TEMPLATE, WORKFLOW
from pipelines.sdk.argo.cluster.submitting import submit
from pipelines.sdk.argo.options import Compiled
from pipelines.sdk.errors import PipelineError
from pipelines.sdk.kube import Selection
from tests.argo.cluster import pipelines

pytestmark = pytest.mark.cluster


@pytest.fixture
def file(compiled):
    return compiled(pipelines.plain)


def names(api, kind, labels="app.kubernetes.io/managed-by=kfp-on-argo"):
    return {each["metadata"]["name"] for each in kube.listing(api, kind, Selection(labels=labels))}


def everything(api):
    return {kind.name: names(api, kind) for kind in (CONFIG_MAP, TEMPLATE, CRON, WORKFLOW)}


def test_a_run_is_started_with_the_values_given(api, command, file):
    done = command(
        "submit", file, "--name", "values", "-p", "number=7", "-p", "words=a b", "--json", cluster=api
    )
    run = kube.get(api, WORKFLOW, done.json["run"])
    assert done.code == 0 and run["spec"]["workflowTemplateRef"] == {"name": "values"}
    given = {each["name"]: each["value"] for each in run["spec"]["arguments"]["parameters"]}
    assert given == {"number": "7", "words": "a b"}


@pytest.mark.parametrize(
    ("text", "carried"),
    [
        ("{{workflow.name}}", 'wire:"{\\u007bworkflow.name}}"'),
        ("é", 'wire:"\\u00e9"'),
        ("wire:x", 'wire:"wire:x"'),
    ],
)
def test_text_that_argo_would_change_is_carried_as_wire_text(api, command, file, text, carried):
    done = command("submit", file, "--name", "text", "-p", f"words={text}", "--json", cluster=api)
    run = kube.get(api, WORKFLOW, done.json["run"])
    assert run["spec"]["arguments"]["parameters"] == [{"name": "words", "value": carried}]


def test_the_time_that_a_run_was_meant_for_is_handed_on_in_utc(api, command, file):
    done = command("submit", file, "--scheduled-time", "2026-01-01T02:00+01:00", "--json", cluster=api)
    run = kube.get(api, WORKFLOW, done.json["run"])
    assert run["metadata"]["annotations"] == {"workflows.argoproj.io/scheduled-time": "2026-01-01T01:00:00Z"}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["-p", "number=x"], "parameter number"),
        (["-p", "nmber=1"], "did you mean 'number'?"),
        (["-p", "data=/home/me/x.csv"], "gs://"),
        (["--scheduled-time", "yesterday"], "--scheduled-time"),
        (["--image", "a b"], "--image"),
        (["--name", "Big Name"], "--name"),
    ],
)
def test_a_wrong_option_is_refused_before_anything_is_created(api, command, file, options, told):
    before = everything(api)
    done = command("submit", file, *options, cluster=api)
    assert (done.code, everything(api)) == (2, before)
    assert told in done.err


def test_a_value_too_long_to_travel_is_refused_with_the_parameter(api, command, file):
    done = command("submit", file, "-p", f"words=\u2603{'x' * 40_000}", cluster=api)
    assert done.code == 2 and "parameter words: the value is 40" in done.err


def test_a_service_account_that_is_not_there_is_warned_of(api, command, file):
    for options in ((), ("--dry-run",)):
        done = command("submit", file, "--service-account", "nobody", *options, cluster=api)
        assert done.code == 0
        assert f"namespace {api.namespace} has no service account 'nobody'" in done.err
    kube.create(api, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "somebody"}})
    done = command("submit", file, "--service-account", "somebody", cluster=api)
    assert done.code == 0 and "service account" not in done.err


def test_dry_run_says_what_would_change_and_changes_nothing(api, command, file):
    before = everything(api)
    done = command("submit", file, "--name", "dry", "--dry-run", "--json", cluster=api)
    assert {(c["kind"], c["action"]) for c in done.json["changes"]} == {
        ("ConfigMap", "create"),
        ("WorkflowTemplate", "create"),
    }
    assert (done.code, done.json["run"], everything(api)) == (0, None, before)


def test_what_has_not_changed_is_left_alone(api, command, file):
    command("submit", file, "--name", "same", cluster=api)
    version = kube.get(api, TEMPLATE, "same")["metadata"]["resourceVersion"]
    done = command("submit", file, "--name", "same", "--json", cluster=api)
    assert {each["action"] for each in done.json["changes"]} == {"unchanged"}
    assert kube.get(api, TEMPLATE, "same")["metadata"]["resourceVersion"] == version


def test_dry_run_of_a_changed_step_shows_its_lines_beside_those_before(api, command, compiled, monkeypatch):
    command("submit", compiled(pipelines.plain), "--name", "lines", cluster=api)
    path = compiled(pipelines.plain)
    text = Path(path).read_text()
    Path(path).write_text(text.replace("'said'", "'told'"))
    done = command("submit", path, "--name", "lines", "--dry-run", cluster=api)
    changed = [
        line for line in done.err.splitlines() if line[:1] in "-+" and ("said" in line or "told" in line)
    ]
    assert [line[0] for line in changed] == ["-", "+"]


def changed(version: Compiled, old: str, new: str) -> Compiled:
    """The same pipeline with another text in its code, as a new version of it has."""
    text = json.dumps(version.documents).replace(old, new)
    return Compiled(tuple(json.loads(text)), version.steps, version.pods_min, version.warnings)


def made(file, name) -> Compiled:
    return argo.emit(ir.read_file(file), argo.Options(name=name))


def steps_of(version: Compiled) -> str:
    return next(d["metadata"]["name"] for d in version.documents if "-steps-" in d["metadata"]["name"])


def goes_on(api, run, version):
    """What the controller writes when it has picked a run up."""
    stored = {"volumes": version.documents[-1]["spec"]["volumes"]}
    kube.patch(api, WORKFLOW, run, {"status": {"phase": "Running", "storedWorkflowTemplateSpec": stored}})


def ends(api, run, phase):
    """What it writes at the end."""
    labels = {"workflows.argoproj.io/completed": "true", "workflows.argoproj.io/phase": phase}
    kube.patch(api, WORKFLOW, run, {"metadata": {"labels": labels}, "status": {"phase": phase}})


def test_config_maps_of_earlier_versions_are_deleted_when_no_run_needs_them_any_more(api, file):
    first = made(file, "pruned")
    second = changed(first, steps_of(first), "pruned-steps-22222222")
    third = changed(first, steps_of(first), "pruned-steps-33333333")
    run = submit(api, first, []).run
    goes_on(api, run, first)
    going_on = submit(api, second, [])
    goes_on(api, going_on.run, second)
    assert going_on.pruned == ()
    ends(api, run, "Succeeded")
    assert submit(api, third, []).pruned == (steps_of(first),)
    left = names(api, CONFIG_MAP, "app.kubernetes.io/name=pruned")
    assert {"pruned-steps-22222222", "pruned-steps-33333333"} <= left


def test_what_somebody_else_pruned_in_between_is_made_again(api, file, monkeypatch):
    compiled = made(file, "between")
    names = [each["metadata"]["name"] for each in compiled.documents if each["kind"] == CONFIG_MAP.name]

    def started(cluster, run, template):
        for name in names:
            assert kube.delete(cluster, CONFIG_MAP, name)
        return "run", ""

    monkeypatch.setattr(submitting, "start", started)
    submit(api, compiled, [])
    assert names and all(kube.get(api, CONFIG_MAP, name) for name in names)


def test_config_maps_of_a_failed_run_stay_since_it_can_be_retried(api, file):
    first = made(file, "retriable")
    run = submit(api, first, []).run
    goes_on(api, run, first)
    ends(api, run, "Failed")
    assert steps_of(first) not in submit(api, changed(first, steps_of(first), "retriable-steps-2"), []).pruned


def test_config_maps_of_another_pipeline_are_not_touched(api, file):
    other = made(file, "plain-steps")  # its name begins as those of the ConfigMaps of `plain` do
    submit(api, other, [])
    assert not set(submit(api, made(file, "plain"), []).pruned) & names(
        api, CONFIG_MAP, "app.kubernetes.io/name=plain-steps"
    )


def test_nothing_is_applied_where_a_later_document_is_refused(api, file):
    broken = copy.deepcopy(made(file, "broken"))
    broken.documents[-1]["spec"]["entrypiont"] = "main"
    before = everything(api)
    with pytest.raises(PipelineError, match="entrypiont") as caught:
        submit(api, broken, [])
    assert (caught.value.exit_code, everything(api)) == (3, before)


def test_a_config_map_over_its_limit_is_refused_with_its_largest_entry(api, file):
    large = copy.deepcopy(made(file, "large"))
    large.documents[0]["data"]["table.py"] = "x" * 1_100_000
    before = everything(api)
    with pytest.raises(PipelineError, match=r"1,048,576.*\n.*table.py") as caught:
        submit(api, large, [])
    assert (caught.value.exit_code, everything(api)) == (3, before)


def test_a_template_of_another_pipeline_is_not_overwritten(api, command, compiled):
    command("submit", compiled(pipelines.plain), "--name", "taken", cluster=api)
    before = everything(api), kube.get(api, TEMPLATE, "taken")
    done = command("submit", compiled(pipelines.long), "--name", "taken", cluster=api)
    assert done.code == 2 and "belongs to the pipeline 'plain'" in done.err and "--name" in done.err
    assert (everything(api), kube.get(api, TEMPLATE, "taken")) == before


def test_a_template_that_somebody_wrote_by_hand_is_not_overwritten(api, command, file):
    spec = {"entrypoint": "a", "templates": [{"name": "a", "suspend": {}}]}
    kube.create(
        api,
        {
            "apiVersion": TEMPLATE.api_version,
            "kind": TEMPLATE.name,
            "metadata": {"name": "theirs"},
            "spec": spec,
        },
    )
    done = command("submit", file, "--name", "theirs", cluster=api)
    assert done.code == 2 and "something else made it" in done.err
    assert kube.get(api, TEMPLATE, "theirs")["spec"] == spec


def test_a_field_that_somebody_else_changed_is_named_with_its_owner(api, command, file):
    command("submit", file, "--name", "edited", cluster=api)
    document = {
        "apiVersion": TEMPLATE.api_version,
        "kind": TEMPLATE.name,
        "metadata": {"name": "edited"},
        "spec": {"serviceAccountName": "theirs"},
    }
    query = [("fieldManager", "somebody"), ("force", "true")]
    path = TEMPLATE.path(api.namespace, "edited")
    kube.request(api, "PATCH", path, query=query, body=document, content_type="application/apply-patch+yaml")
    done = command("submit", file, "--name", "edited", cluster=api)
    assert done.code == 2 and "somebody changed" in done.err and ".spec.serviceAccountName" in done.err
    done = command("submit", file, "--name", "edited", "--force-conflicts", cluster=api)
    assert done.code == 0
    assert kube.get(api, TEMPLATE, "edited")["spec"]["serviceAccountName"] == "pipeline-runner"
