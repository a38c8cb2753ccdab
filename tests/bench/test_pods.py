"""README.md's tables of pods are of the runs that take place; the tests that run them look for their rows."""

import pytest

from pipelines.sdk.plan import Dag, Plan, Step, Task
from pipelines.sdk.values import Interface
from tests.bench import pods
from tests.conformance.test_conformance import CASES

EMPTY = Interface()


def rows_in_readme() -> list[str]:
    return [line for line in pods.in_readme().splitlines() if line.startswith("| ")]


def test_the_tables_have_every_case_and_their_sum():
    train = [line for line in rows_in_readme() if line.split("|")[1].strip() in pods.NIGHTS]
    runs = {line.split("|")[1].strip(): line for line in rows_in_readme()}
    assert pods.in_readme() == pods.tables(train, [runs[case.name] for case in CASES])


def step(name: str, **settings) -> Task:
    return Task(name, name, Step(name, EMPTY, "alpine", ("true",), ()), **settings)


def group(name: str, *tasks: Task, **settings) -> Task:
    return Task(name, name, Dag(EMPTY, tasks), **settings)


@pytest.mark.parametrize(
    ("message", "kfp"),
    [("its condition is false", 1 + 1), ("not started: upstream failed", 1)],
    ids=["a driver reads the condition", "nothing is started"],
)
def test_a_group_that_did_not_run_took_at_most_its_driver(message, kfp):
    plan = Plan("p", Dag(EMPTY, (group("condition-1", step("a"), when="1 == 2"),)))
    skipped = [{"name": "condition-1", "status": "SKIPPED", "message": message}]
    assert pods.count(plan, skipped) == pods.Pods(0, 0, kfp)


def test_a_retry_takes_a_pod_and_no_further_driver():
    plan = Plan("p", Dag(EMPTY, (group("nested", step("a")),)))
    ran = [{"name": "nested", "status": "SUCCEEDED"}, {"name": "nested/a", "status": "FAILED", "attempts": 3}]
    assert pods.count(plan, ran) == pods.Pods(1, 3, 1 + 1 + 1 + 3)
