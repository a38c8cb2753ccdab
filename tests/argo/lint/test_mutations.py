"""The mistakes that people make in Argo's YAML, of which Argo's own schema and lint see a part."""

import pytest

from pipelines.sdk.argo.lint import lint_documents
from pipelines.sdk.argo.lint.finding import shown
from tests.argo.lint.documents import DELETE, put, valid

TEMPLATES = "spec/templates"
CONTAINER = f"{TEMPLATES}/1/container"
TASK = f"{TEMPLATES}/0/dag/tasks/0"
PARAMETER = "spec/arguments/parameters/0"

MUTATIONS = {
    "unknown field in spec": ("workflow", "spec/entryPoint", "main"),
    "unknown field in template": ("workflow", f"{TEMPLATES}/1/contianer", {}),
    "unknown field in container": ("workflow", f"{CONTAINER}/imagePull", "Always"),
    "bad retryPolicy": ("workflow", f"{TEMPLATES}/2/retryStrategy/retryPolicy", "Sometimes"),
    "bad podGC": ("workflow", "spec/podGC/strategy", "OnPodEnd"),
    "bad artifactGC": ("workflow", "spec/artifactGC/strategy", "Soon"),
    "bad concurrencyPolicy": ("cron", "spec/concurrencyPolicy", "Queue"),
    "bad quantity": ("workflow", f"{CONTAINER}/resources/requests/memory", "256 MB"),
    "parameter name with a dot": ("workflow", f"{PARAMETER}/name", "a.b"),
    "task name with an underscore": ("workflow", f"{TASK}/name", "pre_pare"),
    "mutex that is gone": ("workflow", "spec/synchronization/mutex", {"name": "a"}),
    "schedule without schedules": (
        "cron",
        "spec",
        {"schedule": "0 2 * * *", "workflowSpec": {"entrypoint": "a"}},
    ),
    "parameter value a number": ("template", f"{PARAMETER}/value", 3),
    "parameter value a mapping": ("template", f"{PARAMETER}/value", {"a": 1}),
    "missing task name": ("workflow", f"{TASK}/name", DELETE),
    "args no list": ("workflow", f"{CONTAINER}/args", "--flag"),
    "missing image": ("workflow", f"{CONTAINER}/image", DELETE),
    "wrong kind": ("workflow", "kind", "WorkflowTemplates"),
    "bad imagePullPolicy": ("workflow", f"{CONTAINER}/imagePullPolicy", "Allways"),
    "two template types": ("workflow", f"{TEMPLATES}/1/suspend", {}),
    "no template type": ("workflow", CONTAINER, DELETE),
    "undefined template": ("workflow", f"{TASK}/template", "nowhere"),
    "unresolved variable": ("workflow", f"{CONTAINER}/args/0", "{{inputs.parameters.nothing}}"),
    "bad cron": ("cron", "spec/schedules/0", "99 99 * * *"),
    "bad timezone": ("cron", "spec/timezone", "Mars/Olympus"),
    "no metadata.name": ("workflow", "metadata", {}),
}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_each_mutation_of_a_valid_document_is_an_error_at_its_place(mutation):
    name, path, value = MUTATIONS[mutation]
    document = valid(name)
    put(document, path, value)
    errors = [each for each in lint_documents([document, valid("template")]) if each.severity == "error"]
    place = shown(tuple(int(key) if key.isdigit() else key for key in path.split("/")))
    assert any(each.path.startswith(place) or place.startswith(each.path) for each in errors)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (f"{TEMPLATES}/2/retryStrategy/limit", 3),
        (f"{TEMPLATES}/2/retryStrategy/limit", "{{workflow.parameters.stage}}"),
        (f"{TEMPLATES}/1/activeDeadlineSeconds", "60"),
        (f"{CONTAINER}/resources/limits/cpu", "1e3"),
        (f"{CONTAINER}/resources/limits/memory", 1073741824),
        (f"{CONTAINER}/livenessProbe", {"httpGet": {"path": "/", "port": "http"}}),
        (f"{CONTAINER}/imagePullPolicy", "{{workflow.parameters.stage}}"),
        (f"{CONTAINER}/image", "{{=workflow.parameters.stage + ':1'}}"),
        (f"{TASK}/inline", None),
        ("spec/nodeSelector", {"shard": "{{inputs.parameters.shard}}", "pod": "{{pod.name}}"}),
        ("spec/suspend", False),
        ("metadata/creationTimestamp", None),
        ("status", {"anything": "at all"}),
        (f"{TEMPLATES}/7", {"name": "p", "plugin": {"mine": {"free": {"form": 1}}}}),
        (
            f"{TEMPLATES}/0/dag/tasks/3",
            {"name": "i", "inline": {"suspend": {}}, "depends": "prepare || (train && choose)"},
        ),
    ],
)
def test_what_argo_takes_is_no_finding(path, value):
    document = valid("workflow")
    put(document, path, value)
    assert lint_documents([document]) == []
