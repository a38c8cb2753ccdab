"""How outputs are read from a workflow's status, without a workflow."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipelines.sdk import ir, launch
from tests.argo.conformance import harness, reading
from tests.argo.services import Shared
from tests.conformance import harness as local
from tests.conformance.case import Case
from tests.conformance.pipelines import artifacts, loops
from tests.conformance.test_conformance import CASES


def workflow(phase: str, **values: str) -> dict[str, Any]:
    """A run as the API has it, whose pipeline gave these."""
    given = [{"name": name, "value": value} for name, value in values.items()]
    root = {"name": "run.pipeline", "type": "DAG", "phase": phase, "outputs": {"parameters": given}}
    return {"metadata": {"name": "run"}, "status": {"phase": phase, "nodes": {"run-1": root}}}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_case_compiles_and_each_output_of_its_pipeline_is_read(case: Case, tmp_path):
    shared = Shared(tmp_path, "shared")
    prepared = harness.prepare(case, "one-of-them", tmp_path, shared, frozenset())
    templates = [d for d in prepared.job.compiled.documents if d["kind"] == "WorkflowTemplate"]
    containers = [t["container"] for d in templates for t in d["spec"]["templates"] if "container" in t]
    seen = [m["mountPath"] for container in containers for m in container["volumeMounts"]]
    assert seen.count(shared.PATH) == len(containers) > 0
    nothing = dict.fromkeys(prepared.plan.root.outputs)
    assert reading.outputs(prepared.plan, workflow("Succeeded")).keys() == nothing.keys()


def test_what_a_loop_collected_is_a_list_of_values(tmp_path):
    plan = ir.read_file(local.compiled(loops.collected_output, tmp_path))
    collected = json.dumps([launch.twin(launch.encode(2)), launch.twin(launch.encode("a")), "null"])
    read = reading.outputs(plan, workflow("Succeeded", **{"p-Output": collected}))
    assert read == {"Output": [2, "a", None]}


def test_a_run_that_failed_has_no_outputs(tmp_path):
    plan = ir.read_file(local.compiled(artifacts.chain, tmp_path))
    assert reading.outputs(plan, workflow("Failed", **{"p-seen": '"x"'})) == {}
