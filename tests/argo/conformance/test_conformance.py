"""Every construct of KFP, run by Argo's controller: the outputs of the local run, to the letter."""

from __future__ import annotations

import pytest

from tests.argo.conformance import harness, reading
from tests.conformance import harness as local
from tests.conformance.case import Case
from tests.conformance.test_conformance import CASES, to_the_letter

pytestmark = pytest.mark.argo


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_argo_gives_what_the_author_meant(case: Case, on_argo, shared, ir_folder, tmp_path):
    ran = on_argo(case)
    expected = case.expected or local.run_case(case, ir_folder, tmp_path).outcome
    outcome = harness.outcome(ran.prepared, ran.done, shared)
    told = reading.story(ran.done.workflow, ran.done.logs, ran.done.problem)
    assert to_the_letter(outcome) == to_the_letter(expected), told
