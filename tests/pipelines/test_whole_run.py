"""The main job from the command line, with everything real: data, MLflow, model server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import mlflow
import pytest
from mlflow.entities import Run

from pipelines.sdk import ir
from tests.bench import pods
from tests.conftest import ROOT, Finished

DATA = ROOT / "components" / "data" / "seattle-weather.csv"
REQUEST = '{"columns": ["temp"], "data": [[12.8]]}'
ONE_CANDIDATE = ("--candidates", '[{"name": "ridge", "alpha": 1.0}]')

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Job:
    """`python pipelines/train.py`, with a home of its own."""

    home: Path

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        env = {
            name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "PIPELINE"))
        }
        return subprocess.Popen(
            [sys.executable, "pipelines/train.py", *arguments],
            cwd=ROOT,
            env={**env, "PIPELINES_HOME": str(self.home)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *arguments: str) -> Finished:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=300)
        return Finished(process.returncode, out, err)

    @property
    def client(self) -> mlflow.MlflowClient:
        return mlflow.MlflowClient(f"sqlite:///{self.home / 'mlflow.db'}")

    def parents(self) -> list[Run]:
        found = self.client.search_runs([e.experiment_id for e in self.client.search_experiments()])
        return [run for run in found if "mlflow.parentRunId" not in run.data.tags]

    def versions(self) -> int:
        return len(self.client.search_model_versions("name = 'weather'"))


@pytest.fixture
def job(tmp_path: Path) -> Iterator[Job]:
    made = Job(tmp_path / "home")
    yield made
    made("serve", "--stop")
    left = subprocess.run(["pgrep", "-f", str(tmp_path)], capture_output=True, text=True).stdout
    assert not left, "nothing is left running"


def answer(finished: Finished) -> float:
    assert finished.code == 0, finished.err
    return json.loads(finished.out)["predictions"][0]


def test_two_runs_in_a_row_train_serve_and_keep_what_is_not_beaten(job: Job) -> None:
    first = job("run", "--json")
    assert first.code == 0, first.err
    assert "beats the baseline" in first.task("exit-handler-1/evaluate-model")["outputs"]["reason"]
    asked = answer(job("predict", "--data", REQUEST))
    assert 8 < asked < 18, "degrees, after a day of 12.8"

    second = job("run", "--json")
    assert second.code == 0, second.err
    states = {task["name"].rpartition("/")[2]: task for task in second.json["tasks"]}
    assert all(states[name]["cached"] for name in ("validate-data", "split-data", "train-model"))
    assert states["condition-3"]["status"] == "SKIPPED"
    assert job.versions() == 1
    assert answer(job("predict", "--data", REQUEST)) == asked
    assert [run.info.status for run in job.parents()] == ["FINISHED", "FINISHED"]

    plan = ir.read_file(str(ROOT / "compiled" / "train.kfp.yaml"))
    rows = [
        pods.row(name, pods.count(plan, run.json["tasks"]))
        for name, run in zip(pods.NIGHTS, (first, second), strict=True)
    ]
    assert set(rows) <= set(pods.in_readme().splitlines()), "`make pods` writes them"


def test_six_runs_at_once_on_an_empty_store_all_succeed(job: Job) -> None:
    processes = [job.start("run", "--json", *ONE_CANDIDATE) for _ in range(6)]
    streams = [process.communicate(timeout=600) for process in processes]
    finished = [Finished(p.returncode, *each) for p, each in zip(processes, streams, strict=True)]
    for each in finished:
        assert each.code == 0, each.err
    parents = job.parents()
    assert {run.data.tags["pipeline.run_id"] for run in parents} == {each.json["run"] for each in finished}
    assert [run.info.status for run in parents] == ["FINISHED"] * 6
    assert job.client.get_model_version_by_alias("weather", "champion")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("date,precipitation,temp_max,", "date,precipitation,hottest,", ["temp_max"]),
        ("2012/01/03,0.8,11.7,", "2012/01/03,0.8,warm,", ["line 4", "temp_max", "warm"]),
        ("2012/01/03,0.8,", "2012/01/02,0.8,", ["line 4", "column date", "line 3"]),
        (None, "", ["empty"]),
    ],
    ids=["a missing column", "text in a number", "a duplicated day", "an empty file"],
)
def test_bad_data_is_named_and_nothing_is_registered(
    job: Job, tmp_path: Path, old: str | None, new: str, words: list[str]
) -> None:
    bad = tmp_path / "bad.csv"
    text = DATA.read_text(encoding="utf-8")
    bad.write_text(text.replace(old, new, 1) if old else new, encoding="utf-8")
    finished = job("run", "--source", str(bad), *ONE_CANDIDATE)
    assert finished.code == 1
    for word in words:
        assert word in finished.err
    assert "Traceback" not in finished.err
    assert job.versions() == 0
    assert [run.info.status for run in job.parents()] == ["FAILED"]


def test_a_repeated_night_gives_the_same_answer(job: Job) -> None:
    outputs = []
    for moment in ("2015-07-02T02:00:00Z", "2015-07-02T23:59:59Z"):
        finished = job("run", "--json", "--schedule-time", moment, "--holdout-days", "180", *ONE_CANDIDATE)
        assert finished.code == 0, finished.err
        outputs.append(finished.task("exit-handler-1/ingest-data")["outputs"])
    assert outputs[0]["as_of"] == "2015-07-01"
    assert outputs[0]["data_hash"] == outputs[1]["data_hash"]
