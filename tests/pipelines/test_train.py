"""The train pipeline as KFP compiles it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import pipelines.train
from pipelines.sdk import ir
from pipelines.sdk.plan import Plan, Step, Task, walk

ROOT = Path(__file__).parents[2]


@pytest.fixture
def file(compiled) -> Path:
    return Path(compiled(pipelines.train.train))


@pytest.fixture
def plan(file) -> Plan:
    return ir.read_file(file)


def steps(plan: Plan) -> dict[str, Task]:
    return {task.body.component: task for _, task in walk(plan.root) if isinstance(task.body, Step)}


def constants(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for each in value.values():
            yield from constants(each)
    elif isinstance(value, list):
        for each in value:
            yield from constants(each)
    elif isinstance(value, str):
        yield value


def test_only_steps_that_nothing_but_their_inputs_decides_are_cached(plan):
    cached = {name for name, task in steps(plan).items() if task.cache.enabled}

    assert cached == {"validate-data", "split-data", "train-model"}


def test_no_cached_step_has_the_run_in_its_inputs(plan):
    for name in ("validate-data", "split-data", "train-model"):
        assert "{{$.pipeline_job" not in str(steps(plan)[name].arguments)


def test_every_step_learns_its_run_from_the_pods_label(plan):
    label = [{"name": "PIPELINE_RUN_ID", "fieldPath": "metadata.labels['pipeline/runid']"}]
    env = [task.body.kubernetes.get("fieldPathAsEnv") for task in steps(plan).values()]

    assert env == [label] * 10


def test_no_step_installs_anything(file):
    documents = list(yaml.safe_load_all(file.read_text()))

    assert not [text for text in constants(documents) if "pip install" in text]


def test_what_serves_is_promoted_only_after_its_smoke_test(plan):
    assert "smoke-test" in steps(plan)["promote-model"].after


def test_the_file_runs_as_a_program_from_any_folder(tmp_path):
    done = subprocess.run(
        [sys.executable, ROOT / "pipelines" / "train.py", "run", "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    assert "--holdout-days" in done.stdout and "length of the part that judges" in done.stdout
