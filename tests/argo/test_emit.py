"""Documents for Argo: complete, closed in themselves, the same each time."""

import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipelines.sdk import argo, ir
from pipelines.sdk.errors import BadPipeline, UsageError
from tests.argo.documents import inputs_named, tasks_named, template_of, templates
from tests.conformance import harness
from tests.conformance.pipelines import (
    artifacts,
    branches,
    containers,
    groups,
    loops,
    parameters,
    placeholders,
)
from tests.conftest import ROOT

MODULES = (parameters, artifacts, branches, loops, groups, placeholders, containers)
PIPELINES = {case.pipeline.name: case.pipeline for module in MODULES for case in module.CASES}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def compiled_in(tmp_path_factory):
    return tmp_path_factory.mktemp("ir")


@pytest.fixture(params=sorted(PIPELINES))
def plan(request, compiled_in):
    return ir.read_file(str(harness.compiled(PIPELINES[request.param], compiled_in)))


@pytest.fixture(scope="module")
def train():
    return ir.read_file(str(ROOT / "compiled/train.kfp.yaml"))


def test_every_reference_names_what_is_there(plan):
    known = templates(argo.emit(plan, argo.Options()).documents)
    for name, template in known.items():
        declared = {each["name"] for each in template.get("inputs", {}).get("parameters", [])}
        assert inputs_named(template) <= declared, name
        tasks = {each["name"]: each for each in template.get("dag", {}).get("tasks", [])}
        assert tasks_named(template.get("outputs")) <= set(tasks)
        for task in tasks.values():
            called = known[task["template"]]
            given = {each["name"] for each in task.get("arguments", {}).get("parameters", [])}
            assert given == {each["name"] for each in called.get("inputs", {}).get("parameters", [])}
            waits = set(re.findall(r"([\w-]+)\.(?:Succeeded|Skipped)", task.get("depends", "")))
            hook = task.get("hooks", {})
            assert tasks_named({**task, "hooks": {}}) <= waits, "what is read is waited for"
            assert tasks_named(hook) <= waits | {task["name"]}


def test_the_same_pipeline_gives_the_same_text(plan):
    options = argo.Options(schedule="0 2 * * *", timezone="Europe/Helsinki")
    first, second = argo.emit(plan, options), argo.emit(plan, options)
    assert argo.to_yaml(first.documents) == argo.to_yaml(second.documents)


def test_steps_are_containers_and_everything_else_is_none(plan):
    for template in templates(argo.emit(plan, argo.Options()).documents).values():
        assert [kind for kind in ("container", "dag", "suspend") if kind in template]
        if "container" in template:
            assert template["container"]["command"], "else the controller asks the image's registry"


def test_the_train_pipeline_can_be_reviewed(train):
    compiled = argo.emit(train, argo.Options())
    text = argo.to_yaml(compiled.documents)
    template = argo.to_yaml([template_of(compiled.documents)])
    assert len(template.splitlines()) < 900
    source = (ROOT / "components/promote_model.py").read_text()
    body = source[source.index("def promote_model(") :].splitlines()
    assert all(f"    {line}".rstrip() in text for line in body if line.strip()), "code stands there as code"


def test_the_train_pipeline_has_a_pod_a_step(train):
    compiled = argo.emit(train, argo.Options())
    assert len(compiled.steps) == 10
    assert {each.kind for each in compiled.steps} == {"launched"}
    assert compiled.pods_min == 5, "without the loop, whose list is given, and what the gate may keep back"


def test_a_changed_line_changes_few_lines(train):
    before = argo.to_yaml(argo.emit(train, argo.Options()).documents)
    text = (ROOT / "compiled/train.kfp.yaml").read_text().replace("def notify(", "def notify(  # changed", 1)
    after = argo.to_yaml(argo.emit(ir.read(text, "train"), argo.Options()).documents)
    changed = set(after.splitlines()) - set(before.splitlines())
    assert 0 < len(changed) <= 4, "the line, the ConfigMap's name twice"


@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_what_is_written_is_what_is_read(document):
    assert list(yaml.safe_load_all(argo.to_yaml([document, document]))) == [document, document]


@given(
    st.sampled_from(["1e3", "on", "12:30", "0x1f", "~", "2020-01-01", "yes", "1_000", "=", "<<", ".5", "0o7"])
)
def test_what_another_parser_reads_differently_is_quoted(text):
    assert f'"{text}"' in argo.to_yaml([{"value": text}])


def test_a_schedule_becomes_a_cron_workflow(train):
    cron = argo.emit(train, argo.Options(schedule="0 2 * * *", timezone="Europe/Helsinki")).documents[-1]
    assert cron["spec"]["schedules"] == ["0 2 * * *"]
    assert cron["spec"]["concurrencyPolicy"] == "Forbid"
    assert cron["spec"]["workflowSpec"] == {"workflowTemplateRef": {"name": "train"}}


def test_a_name_that_leaves_no_room_for_the_time_of_a_run_is_refused(train):
    with pytest.raises(BadPipeline, match="at most 52"):
        argo.emit(train, argo.Options(name="n" * 53, schedule="0 2 * * *"))


@pytest.mark.parametrize("root", ["/tmp/here", "http://x/y", "gs://", "gs://B", "runs"])
def test_a_pipeline_root_that_argo_cannot_write_to_is_refused(train, root):
    with pytest.raises(UsageError, match="--pipeline-root"):
        argo.emit(train, argo.Options(pipeline_root=root))
