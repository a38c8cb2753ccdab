"""What stands for running a step again, and what does not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conformance import harness
from tests.conformance.harness import Ran
from tests.conformance.observe import files
from tests.conformance.pipelines import caching

Runner = Callable[..., Ran]


@pytest.fixture
def seen(tmp_path: Path) -> Path:
    folder = tmp_path / "seen"
    folder.mkdir()
    return folder


@pytest.fixture
def run(tmp_path: Path, seen: Path) -> Runner:
    """Runs a pipeline in one home, so that the second run finds what the first one kept."""

    def once(pipeline: Any, *options: str, **values: Any) -> Ran:
        path = harness.compiled(pipeline, tmp_path)
        return harness.run_file(path, {"folder": str(seen), **values}, tmp_path / "home", options)

    return once


def times(folder: Path) -> dict[str, int]:
    """How often each step really ran."""
    return {name: len(text.splitlines()) for name, text in files(folder).items()}


def outcomes(ran: Ran) -> dict[str, bool]:
    return {task["name"]: task["cached"] for task in ran.report["tasks"]}


def test_a_second_run_takes_what_the_first_one_made(run, seen):
    first, second = run(caching.steps), run(caching.steps)
    assert times(seen) == {"kept": 1, "never kept": 2, "knows the run": 1}
    assert outcomes(first) == {"work": False, "work-2": False, "work-3": False}
    assert outcomes(second) == {"work": True, "work-2": False, "work-3": True}
    assert second.outcome == first.outcome, "and it gives the same outputs"


def test_the_id_of_a_run_is_no_reason_to_run_again(run):
    first, second = run(caching.steps), run(caching.steps)
    assert first.report["run"] != second.report["run"]
    assert second.outcome.outputs["Output"] == f"knows the run 1.0 {first.report['run']}"


def test_another_input_is_a_reason_to_run_again(run, seen):
    run(caching.steps)
    run(caching.steps, value=1.5)
    assert times(seen) == {"kept": 2, "never kept": 2, "knows the run": 2}


def test_without_the_cache_everything_runs(run, seen):
    run(caching.steps)
    run(caching.steps, "--no-cache")
    assert times(seen) == {"kept": 2, "never kept": 2, "knows the run": 2}


def test_artifacts_come_from_the_cache_with_content_and_metadata(run, seen):
    first, second = run(caching.with_artifacts), run(caching.with_artifacts)
    assert times(seen) == {"make": 1, "read": 1}
    assert second.outcome == first.outcome
    made = [next(t for t in each.report["tasks"] if t["name"] == "make") for each in (first, second)]
    assert made[1]["outputs"] == made[0]["outputs"]
    assert made[1]["outputs"]["data"]["metadata"] == {"length": 9}


def test_an_imported_file_with_other_content_is_read_again(run, seen, tmp_path):
    source = tmp_path / "source.txt"
    source.write_text("before")
    assert run(caching.with_import, path=str(source)).outcome.outputs == {"Output": "before"}
    source.write_text("behind")
    assert run(caching.with_import, path=str(source)).outcome.outputs == {"Output": "behind"}
    assert run(caching.with_import, path=str(source)).outcome.outputs == {"Output": "behind"}
    assert times(seen) == {"read": 2}


def test_the_same_content_elsewhere_is_not_read_again(run, seen, tmp_path):
    for name in ("one.txt", "two.txt"):
        (tmp_path / name).write_text("the same")
        assert run(caching.with_import, path=str(tmp_path / name)).outcome.outputs == {"Output": "the same"}
    assert times(seen) == {"read": 1}


@pytest.mark.parametrize("harm", [lambda path: path.write_text("tampered"), lambda path: path.unlink()])
def test_an_artifact_that_was_changed_or_deleted_is_made_again(run, seen, harm):
    first = run(caching.with_artifacts)
    made = next(task for task in first.report["tasks"] if task["name"] == "make")
    harm(Path(made["outputs"]["data"]["uri"]))
    assert run(caching.with_artifacts).outcome == first.outcome
    assert times(seen)["make"] == 2


def test_a_key_of_the_users_own_takes_the_place_of_the_inputs(run, seen):
    first = run(caching.with_key, value=1.0)
    second = run(caching.with_key, value=2.0)
    assert times(seen) == {"keyed": 1}
    assert second.outcome == first.outcome


def test_a_failure_is_never_kept(run, seen):
    assert run(caching.failing).outcome.status == "FAILED"
    assert run(caching.failing).outcome.outputs == {"Output": "at last"}
    assert run(caching.failing).outcome.outputs == {"Output": "at last"}
    assert times(seen) == {"fail_first": 2}


def test_iterations_are_kept_one_by_one(run, seen):
    run(caching.in_loop, values=["a", "b"])
    run(caching.in_loop, values=["b", "c", "a"])
    assert times(seen) == {"item a": 1, "item b": 1, "item c": 1}


def test_other_code_is_a_reason_to_run_again(run, seen, tmp_path):
    path = harness.compiled(caching.with_artifacts, tmp_path)
    run(caching.with_artifacts)
    source = path.read_text()
    assert source.count("file.read()") == 1
    path.write_text(source.replace("file.read()", "file.read().upper()"))
    assert run(caching.with_artifacts).outcome.outputs == {"Output": "SOME TEXT"}
    assert times(seen) == {"make": 1, "read": 2}
