"""One pod for each container step, and none for anything else."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from pipelines.sdk.argo.cluster.nodes import steps
from tests.argo.conformance import reading
from tests.conformance import harness as local
from tests.conformance.case import Case
from tests.conformance.test_conformance import CASES

pytestmark = pytest.mark.argo

COUNTED = (
    "artifacts and metadata",
    "an importer of a parameter's URI",
    "If, Elif, Else: zero",
    "OneOf of a OneOf: both",
    "nested loops",
    "a loop over an empty output",
    "a loop in a branch not taken",
    "collected from a branch that some iterations skip",
    "a loop over nested pipelines with loops",
    "nested pipelines and their outputs",
    "an exit handler after failure",
    "a pipeline as exit handler",
    "a failure that is ignored",
    "what runs after a failure",
    "a step that succeeds at the third try",
)
_ITERATION = re.compile(r"\.\d+(?=/|$)")


def tried(tasks: Iterable[Mapping[str, Any]], names: Iterable[str]) -> Counter[str]:
    """How often each step was tried in a local run, by its name there.

    Args:
        tasks: of the run's report, groups among them.
        names: of the compiled pipeline's steps.
    """
    known = frozenset(names)
    found: Counter[str] = Counter()
    for task in tasks:
        if _ITERATION.sub("", task["name"]) in known and task["status"] not in ("SKIPPED", "CANCELLED"):
            found[task["name"]] += task.get("attempts", 1)
    return found


@pytest.mark.parametrize("case", [c for c in CASES if c.name in COUNTED], ids=lambda case: case.name)
def test_a_run_has_one_pod_for_each_step_that_a_local_run_starts(case: Case, on_argo, ir_folder, tmp_path):
    ran = on_argo(case)
    told = reading.story(ran.done.workflow, ran.done.logs, ran.done.problem)
    compiled = ran.prepared.job.compiled
    names = [step.name for step in compiled.steps]
    report = local.run_case(case, ir_folder, tmp_path).report
    expected = tried(report["tasks"], names)
    assert expected, "a case without steps counts nothing"
    pods = Counter({step.path: len(step.pods) for step in steps(ran.done.workflow) if step.pods})
    assert pods == expected, told
    assert len(ran.done.pods) == expected.total(), told
    if report["status"] == "SUCCEEDED":  # after a failure, some of the least have not run
        assert expected.total() >= compiled.pods_min, told


def test_the_cases_that_are_counted_are_there():
    assert set(COUNTED) <= {case.name for case in CASES}
