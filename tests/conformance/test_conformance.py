"""Every construct of KFP, run by our command line and by kfp.local on the same compiled file."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines.sdk import ir
from tests.bench import pods
from tests.conformance import harness
from tests.conformance.case import Case, Outcome
from tests.conformance.pipelines import (
    artifacts,
    branches,
    containers,
    groups,
    loops,
    parameters,
    placeholders,
)

CASES = [
    case
    for module in (parameters, artifacts, branches, loops, groups, placeholders, containers)
    for case in module.CASES
]


def to_the_letter(outcome: Outcome) -> str:
    """As text in which 1, 1.0 and true differ, and the order of keys does not matter."""
    return json.dumps(
        {"outputs": outcome.outputs, "files": outcome.files, "status": outcome.status},
        sort_keys=True,
        indent=1,
    )


@pytest.fixture(scope="session")
def compiled_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ir")


@pytest.fixture(scope="session")
def oracle(compiled_in: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Case], dict[str, Any]]:
    """What kfp.local makes of a case; all cases are run once, one after the other, in one process."""
    results = harness.run_oracle(CASES, compiled_in, tmp_path_factory.mktemp("oracle"))
    return lambda case: results[case.name]


@pytest.fixture(scope="session")
def ours(compiled_in: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Case], harness.Ran]:
    """What our command line makes of a case; each is run once."""
    done: dict[str, harness.Ran] = {}

    def run(case: Case) -> harness.Ran:
        if case.name not in done:
            done[case.name] = harness.run_case(case, compiled_in, tmp_path_factory.mktemp("ours"))
        return done[case.name]

    return run


def outcome_of(result: dict[str, Any]) -> Outcome:
    return Outcome(result["outputs"], result["files"], result["status"])


def test_names_of_cases_are_unique():
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_our_runner_gives_what_the_author_meant(case, ours, oracle):
    ran = ours(case)
    expected = case.expected or outcome_of(oracle(case))
    assert to_the_letter(ran.outcome) == to_the_letter(expected), ran.log
    assert ran.code == (0 if expected.status == "SUCCEEDED" else 1)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_readme_has_the_pods_of_the_run(case, ours, compiled_in):
    plan = ir.read_file(str(harness.compiled(case.pipeline, compiled_in)))
    row = pods.row(case.name, pods.count(plan, ours(case).report["tasks"]))
    assert row in pods.in_readme().splitlines(), "`make pods` writes it"


def test_tasks_are_named_by_their_groups_and_iterations(ours):
    case = next(case for case in CASES if case.name == "nested loops")
    names = [task["name"] for task in ours(case).report["tasks"]]
    inner = {f"for-loop-2.{outer}/for-loop-4.{index}/join" for outer in range(2) for index in range(3)}
    assert inner | {"for-loop-2.0/say", "for-loop-2.1/say", "for-loop-2", "shown", "shown-2"} <= set(names)
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", ["NaN is no parameter", "half a character is no text"])
def test_a_value_that_cannot_travel_is_an_error_that_names_the_output(name, ours):
    case = next(case for case in CASES if case.name == name)
    failed = ours(case).report["tasks"][0]
    assert failed["status"] == "FAILED"
    assert "output 'Output'" in failed["message"]


@pytest.mark.parametrize("case", [case for case in CASES if not case.kfp_local], ids=lambda case: case.name)
def test_kfp_local_agrees(case, oracle):
    answer = oracle(case)
    if case.expected is None:
        assert answer["status"] == "SUCCEEDED", "an oracle that fails says nothing"
    else:
        assert to_the_letter(outcome_of(answer)) == to_the_letter(case.expected), answer.get("error")


@pytest.mark.parametrize("case", [case for case in CASES if case.kfp_local], ids=lambda case: case.name)
def test_kfp_local_is_still_wrong_where_we_say_so(case, oracle):
    """When this fails, kfp.local has been mended: take the difference out of the case."""
    answer, said = oracle(case), case.kfp_local
    assert case.expected is not None
    assert to_the_letter(outcome_of(answer)) != to_the_letter(case.expected), said.wrong
    if said.gives is None:
        assert said.error in answer["error"], said.wrong
    else:
        assert to_the_letter(outcome_of(answer)) == to_the_letter(said.gives), said.wrong
