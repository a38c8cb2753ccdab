"""Files: several documents, several files, lines, and what cannot be read."""

import json
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from pipelines.sdk.argo.lint import lint_documents, lint_files
from pipelines.sdk.errors import UsageError
from tests.argo.lint.documents import HERE, put, valid

WORKFLOW = """\
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata:
  name: lines
spec:
  entrypoint: main
  templates:
  - name: main
    dag:
      tasks:
      - name: a
        template: job
      - name: b
        template: job
        dependencies:
        - c
        hooks:
          later:
            template: job
  - name: job
    container:
      image: alpine
      command: [echo]
      resources: {limits: {memory: 1GB}}
      tty: "yes"
"""
# Each line is three times the one above.
BOMB = "a: &a [x,x,x]\n" + "".join(f"{b}: &{b} [*{a},*{a},*{a}]\n" for a, b in pairwise("abcdefghijklmno"))


def write(folder: Path, **texts: str) -> list[Path]:
    files = [folder / f"{name}.yaml" for name in texts]
    for file, text in zip(files, texts.values(), strict=True):
        file.write_text(text)
    return files


def rules(found):
    return [each.rule for each in found]


def test_findings_have_the_line_on_which_the_key_stands(tmp_path):
    found = lint_files(write(tmp_path, a=WORKFLOW))
    assert [(each.rule, each.line) for each in found] == [
        ("depends-unknown-task", 15),
        ("hook", 18),
        ("bad-quantity", 24),
        ("wrong-type", 25),
    ]
    assert {each.object for each in found} == {"Workflow/lines"}


def test_lines_go_on_counting_in_the_second_document(tmp_path):
    second = WORKFLOW.replace("name: lines", "name: more")
    found = lint_files(write(tmp_path, a=f"{WORKFLOW}---\n{second}"))
    assert [each.line for each in found if each.rule == "hook"] == [18, 44]


def test_something_missing_is_shown_where_it_should_be(tmp_path):
    text = WORKFLOW.replace("        template: job\n      - name: b", "      - name: b")
    found = lint_files(write(tmp_path, a=text))
    assert [each.line for each in found if each.rule == "task-template"] == [11]


def test_templates_of_other_files_are_found(tmp_path):
    texts = {name: (HERE / "valid" / f"{name}.yaml").read_text() for name in ("template", "cron")}
    assert lint_files(write(tmp_path, **texts)) == []
    alone = lint_files(write(tmp_path, cron=texts["cron"]))
    assert [(each.rule, each.severity) for each in alone] == [("unknown-workflow-template", "warning")]


def test_a_folder_stands_for_the_files_in_it(tmp_path):
    (tmp_path / "below").mkdir()
    write(tmp_path, cron=(HERE / "valid/cron.yaml").read_text())
    (tmp_path / "below/template.json").write_text(json.dumps(valid("template")))
    (tmp_path / "notes.txt").write_text("no YAML: [")
    assert lint_files([tmp_path]) == []


def test_a_cron_workflow_is_checked_with_the_arguments_and_choices_of_its_template():
    template, cron = valid("template"), valid("cron")
    put(template, "spec/arguments/parameters/1", {"name": "horizon"})
    found = lint_documents([template, cron])
    assert [(each.rule, each.object) for each in found] == [
        ("cron-argument-value", "CronWorkflow/weather-nightly")
    ]
    put(cron, "spec/workflowSpec/arguments/parameters/0/value", "prod")
    assert "value-not-in-enum" in rules(lint_documents([template, cron]))


def test_a_template_reference_is_followed_into_a_cluster_template():
    library = valid("template")
    put(library, "kind", "ClusterWorkflowTemplate")
    put(library, "spec/templates/0/inputs", {"parameters": [{"name": "text"}]})
    workflow = valid("workflow")
    ref = {"name": "weather", "template": "main", "clusterScope": True}
    put(workflow, "spec/templates/0/dag/tasks/3", {"name": "other", "templateRef": ref})
    assert rules(lint_documents([workflow, library])) == ["missing-argument", "entrypoint-input"]
    put(workflow, "spec/templates/0/dag/tasks/3/templateRef/clusterScope", False)
    found = lint_documents([workflow, library])
    assert (found[0].rule, found[0].severity) == ("template-ref", "warning")


def test_templates_that_refer_to_one_another_in_a_circle_end(tmp_path):
    one, other = valid("template"), valid("template")
    put(other, "metadata/name", "other")
    for document, ref in ((one, "other"), (other, "weather")):
        put(document, "spec/workflowTemplateRef", {"name": ref})
        task = {"name": "again", "templateRef": {"name": ref, "template": "again"}}
        put(document, "spec/templates/1", {"name": "again", "dag": {"tasks": [task]}})
        put(document, "spec/onExit", "again")
    assert set(rules(lint_documents([one, other]))) == {"templates-and-ref"}


def test_a_kubernetes_list_is_its_items():
    document = {"apiVersion": "v1", "kind": "List", "items": [valid("template"), valid("cron")]}
    assert lint_documents([document]) == []
    put(document, "items/1/spec/timezone", "Nowhere")
    assert [each.path for each in lint_documents([document])] == ["items[1].spec.timezone"]


def test_other_kinds_are_looked_at_as_far_as_their_own_limits_go():
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"no": "matter"}}
    assert lint_documents([service, valid("template")]) == []
    put(service, "metadata/name", "A")
    assert rules(lint_documents([service, valid("template")])) == ["object-name"]


def test_two_objects_of_one_name_are_noticed():
    assert rules(lint_documents([valid("template"), valid("template")])) == ["duplicate-object"]


@pytest.mark.parametrize(
    ("text", "rule", "line"),
    [
        ("a: [1", "not-yaml", 2),
        ("a: 1\na: 2", "not-yaml", 2),
        ("", "no-argo-kind", 0),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}", "no-argo-kind", 0),
        ("schemaVersion: 2.1.0\nroot: {}", "unknown-kind", 1),
        ("just words", "unknown-kind", 0),
        ("- 1\n- 2", "unknown-kind", 0),
        (BOMB, "not-yaml", 12),
        ("[" * 5000, "not-yaml", 1),
    ],
)  # fmt: skip
def test_what_is_no_argo_file_is_said_in_one_finding(tmp_path, text, rule, line):
    (finding,) = lint_files(write(tmp_path, a=text))
    assert (finding.rule, finding.severity, finding.line) == (rule, "error", line)
    assert finding.what and finding.mend


def test_a_pipeline_that_is_not_compiled_for_argo_is_told_apart():
    first, *_ = lint_files([HERE.parents[2] / "compiled" / "train.kfp.yaml"])
    assert "KFP pipeline" in first.what and "compile" in first.mend


def test_files_that_cannot_be_read_do_not_hide_the_others(tmp_path):
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    (good,) = write(
        tmp_path,
        good=(HERE / "valid/template.yaml").read_text().replace("entrypoint: main", "entrypoint: man"),
    )
    empty = tmp_path / "empty"
    empty.mkdir()
    found = lint_files([tmp_path / "nowhere.yaml", binary, empty, f"{tmp_path}/a\0b", good])
    assert rules(found) == ["unreadable-file"] * 4 + ["entrypoint"]


def test_an_unknown_version_of_argo_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"3\.7, 4\.0, 4\.1"):
        lint_files([tmp_path], argo="5.0")


def test_a_thousand_tasks_are_read_and_checked(tmp_path):
    tasks = [{"name": f"t{i}", "template": "job", "depends": f"t{i - 1}"} for i in range(1000)]
    del tasks[0]["depends"]
    for i, task in enumerate(tasks):
        value = f"{{{{=tasks['t{max(0, i - 500)}'].status}}}}"
        task["arguments"] = {"parameters": [{"name": "x", "value": value}]}
    job = {
        "name": "job",
        "inputs": {"parameters": [{"name": "x"}]},
        "container": {"image": "a", "command": ["b"]},
    }
    document = valid("template")
    document["spec"]["templates"] = [{"name": "main", "dag": {"tasks": tasks}}, job]
    (file,) = write(tmp_path, a=yaml.safe_dump(document))
    found = lint_files([file])
    assert [each.path for each in found if each.rule == "too-many-items"] == ["spec.templates[0].dag.tasks"]
    assert {each.path for each in found if each.rule == "refers-to-itself"} == {
        "spec.templates[0].dag.tasks[0].arguments.parameters[0].value"
    }
    assert {each.rule for each in found} == {"too-many-items", "refers-to-itself"}
