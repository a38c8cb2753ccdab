"""More templates than one WorkflowTemplate takes: further ones, each complete by reference."""

import pytest

from pipelines.sdk import argo
from pipelines.sdk.argo import lint, overflow
from pipelines.sdk.plan import Dag, Plan, Task
from pipelines.sdk.values import Interface
from tests.argo.pods.building import step

IMAGES = {"launched": "python:3.{}", "native": "registry.example/say:{}"}


def compiled(image, steps):
    chain = [
        Task(f"say-{n}", "say", step(image=image.format(n)), after=(f"say-{n - 1}",) if n else ())
        for n in range(steps)
    ]
    return argo.emit(Plan("many", Dag(Interface(), tuple(chain))), argo.Options())


@pytest.mark.parametrize("kind", sorted(IMAGES))
def test_every_template_is_called_where_it_is(kind):
    documents = [d for d in compiled(IMAGES[kind], 450).documents if d["kind"] == "WorkflowTemplate"]
    held = {d["metadata"]["name"]: {t["name"] for t in d["spec"]["templates"]} for d in documents}
    assert len(held) > 1
    assert all(len(names) <= overflow.MAX_TEMPLATES for names in held.values())
    called = set()
    for document in documents:
        name = document["metadata"]["name"]
        for template in document["spec"]["templates"]:
            for task in template.get("dag", {}).get("tasks", ()):
                reference = task.get("templateRef") or {"name": name, "template": task["template"]}
                assert reference["template"] in held[reference["name"]]
                assert reference["name"] != name or "template" in task, "no reference to where it is itself"
                called.add(reference["template"])
    assert called == {each for names in held.values() for each in names} - {"main"}


def test_the_entrypoint_and_what_starts_a_run_are_in_the_last_document():
    documents = compiled(IMAGES["native"], 450).documents
    assert documents[-1]["metadata"]["name"] == "many"
    assert documents[-1]["spec"]["entrypoint"] == documents[-1]["spec"]["templates"][0]["name"] == "main"


def test_what_all_containers_share_stands_once_in_the_spec_that_runs():
    *further, main = [
        d for d in compiled(IMAGES["launched"], 450).documents if d["kind"] == "WorkflowTemplate"
    ]
    shared = main["spec"]["templateDefaults"]["container"]
    assert {"securityContext", "volumeMounts"} <= set(shared)
    containers = [t["container"] for d in further for t in d["spec"]["templates"] if "container" in t]
    assert len(containers) == 450
    assert not any(shared.keys() & container.keys() - {"env"} for container in containers)


@pytest.mark.parametrize("kind", sorted(IMAGES))
def test_lint_finds_nothing_in_any_of_the_documents(kind):
    assert lint.lint_documents(compiled(IMAGES[kind], 450).documents) == []


def test_what_fits_stays_together():
    documents = [d for d in compiled(IMAGES["launched"], 150).documents if d["kind"] == "WorkflowTemplate"]
    assert [d["metadata"]["name"] for d in documents] == ["many"]
