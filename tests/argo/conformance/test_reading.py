"""Every case of the conformance suite compiles, and says how each of its outputs is read."""

from __future__ import annotations

import json

import pytest

from pipelines.sdk.argo.outputs import OUTPUTS_ANNOTATION
from tests.argo.conformance import harness
from tests.argo.services import Shared
from tests.conformance.case import Case
from tests.conformance.test_conformance import CASES


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_case_compiles_and_each_output_of_its_pipeline_is_described(case: Case, tmp_path):
    shared = Shared(tmp_path, "shared")
    prepared = harness.prepare(case, "one-of-them", tmp_path, shared, frozenset())
    templates = [d for d in prepared.job.compiled.documents if d["kind"] == "WorkflowTemplate"]
    containers = [t["container"] for d in templates for t in d["spec"]["templates"] if "container" in t]
    seen = [m["mountPath"] for container in containers for m in container["volumeMounts"]]
    assert seen.count(shared.PATH) == len(containers) > 0
    held = templates[-1]["spec"]["workflowMetadata"].get("annotations", {})
    described = json.loads(held.get(OUTPUTS_ANNOTATION, '{"outputs": {}}'))
    assert set(described["outputs"]) == set(prepared.plan.root.outputs)
