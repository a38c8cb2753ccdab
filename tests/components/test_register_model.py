"""Registering: one version a model, however often and however many at once."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from kfp.dsl import Metrics

from components.register_model import register_model
from tests.components.mlflow_store import GOOD, log_model

ROOT = Path(__file__).parents[2]
REGISTER = """
import sys, time
from components.support.registry import register, set_alias
from components.support.store import connect
client = connect()
client.search_experiments()
time.sleep(max(0, float(sys.argv[2]) - time.time()))
version = register(client, "weather", sys.argv[1], {"by": sys.argv[1]})
set_alias(client, "weather", "challenger", version)
print(version)
"""


@pytest.fixture
def metrics(output) -> Metrics:
    made = output("metrics", Metrics)
    made.metadata.update(challenger_mae=2.11, baseline_mae=2.24)
    return made


def register(model_id: str, metrics: Metrics) -> str:
    return register_model.python_func(model_id, "weather", metrics, "abc", "2015-12-31")


def at_once(model_ids: list[str]) -> list[str]:
    start = str(time.time() + 10)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", REGISTER, model_id, start],
            cwd=ROOT,
            env=dict(os.environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for model_id in model_ids
    ]
    ended = [process.communicate(timeout=120) for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), [e for _, e in ended]
    return [out.split()[-1] for out, _ in ended]


def test_a_version_says_where_it_comes_from_and_is_the_challenger(store, parts, metrics):
    model_id = log_model(GOOD, parts.past)

    version = register(model_id, metrics)

    found = store.get_model_version_by_alias("weather", "challenger")
    assert (str(found.version), found.source) == (version, f"models:/{model_id}")
    assert found.tags == {
        "pipeline.run_id": "run-1",
        "data_hash": "abc",
        "as_of": "2015-12-31",
        "mae": "2.11",
    }


def test_the_same_model_keeps_its_version_and_another_gets_the_next(store, parts, metrics):
    one, other = (log_model(GOOD, parts.past) for _ in range(2))

    assert [register(model_id, metrics) for model_id in (one, one, other, one)] == ["1", "1", "2", "1"]
    assert str(store.get_model_version_by_alias("weather", "challenger").version) == "1"


@pytest.mark.slow
def test_six_at_once_in_an_empty_registry_get_a_version_each(store, parts):
    models = [log_model(GOOD, parts.past) for _ in range(6)]

    versions = at_once(models)

    assert sorted(versions) == ["1", "2", "3", "4", "5", "6"]
    for model_id, version in zip(models, versions, strict=True):
        assert store.get_model_version("weather", version).source == f"models:/{model_id}"


@pytest.mark.slow
def test_six_at_once_with_the_same_model_agree_on_one_version(store, parts):
    model_id = log_model(GOOD, parts.past)

    versions = at_once([model_id] * 6)

    assert len(set(versions)) == 1
    (left,) = store.search_model_versions("name='weather'")
    assert str(left.version) == versions[0]
