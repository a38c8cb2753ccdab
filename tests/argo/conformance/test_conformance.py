"""Every construct of KFP, run by Argo's controller: the outputs of the local run, to the letter."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.argo.conformance import harness, reading
from tests.conformance import harness as local
from tests.conformance.case import Case
from tests.conformance.test_conformance import CASES, to_the_letter

pytestmark = pytest.mark.argo

IMPORTED = "a pipeline's output that is the record of an importer has no node to be the output of"
NATIVE = "native steps have not yet been compared case by case"
LATE = "the controller sometimes looks for a template that was applied a moment ago"
OPEN = {
    "an importer of a task's URI with metadata": IMPORTED,
    "an importer of a parameter's URI": IMPORTED,
    "an artifact whose URI the component changes": "bytes for another URI stay in the pod",
    "an exit handler that fails": "a failed hook does not make the workflow fail",
    "an exit handler after failure": "the message of a failure is not known to its exit handler",
    "a failure that is ignored": "where the ignoring task succeeds, so does the workflow",
    "a pipeline as exit handler": LATE,
    "an explicit order": LATE,
    "Concat": NATIVE,
    "IfPresent": NATIVE,
    "IfPresent of nothing": NATIVE,
    "IfPresent of null": NATIVE,
    "IfPresent of a given value": NATIVE,
    "values of all types in a command": NATIVE,
    "artifacts of containers": NATIVE,
    "typed outputs of containers": NATIVE,
}
"""Cases in which a run on Argo is known, or suspected, to differ from a local one, and how."""


def marked(case: Case) -> Any:
    """A case as a parameter; one that is open may fail."""
    marks = [pytest.mark.xfail(reason=OPEN[case.name], strict=False)] if case.name in OPEN else []
    return pytest.param(case, id=case.name, marks=marks)


def test_what_is_open_is_a_case():
    assert set(OPEN) <= {case.name for case in CASES}


@pytest.mark.parametrize("case", [marked(case) for case in CASES])
def test_argo_gives_what_the_author_meant(case: Case, on_argo, shared, ir_folder, tmp_path):
    ran = on_argo(case)
    expected = case.expected or local.run_case(case, ir_folder, tmp_path).outcome
    outcome = harness.outcome(ran.prepared, ran.done, shared)
    told = reading.story(ran.done.workflow, ran.done.logs, ran.done.problem)
    assert to_the_letter(replace(outcome)) == to_the_letter(expected), told
