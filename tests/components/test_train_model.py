"""Training: the score, the refit, and what is logged."""

import json
import subprocess
import sys
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
import skops.io

from components.support import models
from components.support.errors import StepFailed
from components.support.lock import locked_requirements
from components.train_model import train_model
from pipelines.sdk.serving.models.closure import closure_hash, serving_closure
from tests.components.mlflow_store import Parts

CANDIDATES = [
    {"name": "ridge", "alpha": 1.0},
    {"name": "gradient-boosting", "max_iter": 60, "max_leaf_nodes": 8},
    {"name": "random-forest", "n_estimators": 10, "min_samples_leaf": 8},
]
BARE = """
import json, sys
import mlflow.pyfunc, pandas
model = mlflow.pyfunc.load_model(sys.argv[1])
assert not any(path.startswith(sys.argv[2]) and "site-packages" not in path for path in sys.path), sys.path
answers = [float(model.predict(pandas.DataFrame(body["data"], columns=body["columns"]))[0])
           for body in json.loads(sys.argv[3])]
print(json.dumps(answers))
"""


def fitted_on(rows: pd.DataFrame, parts: Parts) -> np.ndarray:
    return models.forecast(models.fit(CANDIDATES[0], rows), parts.tables["holdout"])


def logged(model_id: str, parts: Parts) -> np.ndarray:
    return models.forecast(mlflow.pyfunc.load_model(f"models:/{model_id}"), parts.tables["holdout"])


def test_the_score_is_of_the_training_part_and_the_model_of_training_and_validation(store, parts):
    model_id, score = train_model.python_func(parts.train, parts.validation, CANDIDATES[0])

    recent = parts.tables["validation"]
    alone = models.forecast(models.fit(CANDIDATES[0], parts.tables["train"]), recent)
    assert score == pytest.approx(float(np.mean(np.abs(alone - recent["target"]))), rel=1e-12)
    np.testing.assert_array_equal(logged(model_id, parts), fitted_on(parts.past, parts))
    assert not np.array_equal(logged(model_id, parts), fitted_on(parts.tables["train"], parts))


@pytest.mark.parametrize("settings", CANDIDATES, ids=lambda settings: settings["name"])
def test_the_same_data_gives_the_same_forecasts_to_the_last_bit(store, parts, settings):
    one, other = (train_model.python_func(parts.train, parts.validation, settings) for _ in range(2))

    assert one[0] != other[0]
    assert one[1] == other[1]
    np.testing.assert_array_equal(logged(one[0], parts), logged(other[0], parts))


@pytest.mark.parametrize("settings", CANDIDATES, ids=lambda settings: settings["name"])
def test_a_fresh_process_without_the_project_answers_a_temperature_alone(store, parts, settings, tmp_path):
    model_id, _ = train_model.python_func(parts.train, parts.validation, settings)
    full = {"columns": ["temp", "date", "wind"], "data": [[12.8, "2015/01/31", 3.0]]}
    bodies = [{"columns": ["temp"], "data": [[value]]} for value in (12.8, 4.0, 28.0)] + [full]
    empty = tmp_path / "empty"
    empty.mkdir()

    project = str(Path(models.__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-I", "-c", BARE, f"models:/{model_id}", project, json.dumps(bodies)],
        cwd=empty,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout.splitlines()[-1])
    here = mlflow.pyfunc.load_model(f"models:/{model_id}")
    assert answers == [
        here.predict(pd.DataFrame(body["data"], columns=body["columns"]))[0] for body in bodies
    ]
    # Tomorrow is within some degrees of today; a missing season must not throw it off.
    assert all(abs(answer - body["data"][0][0]) < 5 for answer, body in zip(answers, bodies, strict=True))


def test_a_model_holds_no_type_that_was_not_reviewed_and_the_list_no_type_that_none_holds(parts):
    untrusted = {
        name
        for settings in CANDIDATES
        for name in skops.io.get_untrusted_types(data=skops.io.dumps(models.fit(settings, parts.past)))
    }

    assert untrusted == set(models.TRUSTED)


def test_a_logged_model_says_what_it_needs_and_what_it_has_seen(store, parts):
    model_id, _ = train_model.python_func(parts.train, parts.validation, CANDIDATES[0])

    folder = Path(mlflow.artifacts.download_artifacts(f"models:/{model_id}"))
    assert (folder / "requirements.txt").read_text().split() == locked_requirements()
    info = mlflow.models.get_model_info(f"models:/{model_id}")
    assert [column.name for column in info.signature.inputs if column.required] == ["temp"]
    assert info.metadata["serving_closure"] == closure_hash(serving_closure())
    assert sorted(str(p.relative_to(folder)) for p in (folder / "code").rglob("*.py")) == [
        "code/components/__init__.py",
        "code/components/support/__init__.py",
        "code/components/support/features.py",
    ]
    tags = store.get_logged_model(model_id).tags
    assert tags["trained_days"] == f"2012-01-01/{parts.past['target_date'].max():%Y-%m-%d}"


def test_a_step_has_its_own_run_below_the_pipelines(store, parts):
    train_model.python_func(parts.train, parts.validation, CANDIDATES[0])

    experiment = store.get_experiment_by_name("train").experiment_id
    parent, step = sorted(store.search_runs([experiment]), key=lambda run: run.info.start_time)
    assert parent.data.tags["pipeline.run_id"] == "run-1"
    assert step.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert (parent.info.status, step.info.status) == ("RUNNING", "FINISHED")
    assert step.data.params["alpha"] == "1.0"
    assert step.data.tags["train_hash"] == parts.train.metadata["data_hash"]
    assert {"git_commit", "lock_hash"} <= parent.data.tags.keys()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"name": "oracle"}, ["'oracle'", "ridge, gradient-boosting, random-forest"]),
        ({"alpha": 1.0}, ["no name", "ridge"]),
        ({"name": ["ridge"]}, ["['ridge']", "ridge"]),
        ({"name": "ridge", "alhpa": 1.0}, ["'alhpa'", "alpha (float)"]),
        ({"name": "ridge", "alpha": "1"}, ["alpha is not a float: '1'"]),
        ({"name": "ridge", "alpha": True}, ["alpha is not a float: True"]),
        (
            {"name": "random-forest", "n_estimators": 2.5, "depth": 1},
            ["n_estimators is not a int", "'depth'"],
        ),
        ({"name": "ridge", "alpha": -1.0}, ["'alpha'", "-1.0"]),
        ({"name": "gradient-boosting", "loss": "hope"}, ["'loss'", "hope"]),
    ],
)
def test_a_wrong_setting_is_answered_with_what_would_be_right(store, parts, settings, said):
    with pytest.raises(StepFailed) as failed:
        train_model.python_func(parts.train, parts.validation, settings)

    assert all(words in str(failed.value) for words in said), str(failed.value)
    experiment = store.get_experiment_by_name("train").experiment_id
    steps = [run for run in store.search_runs([experiment]) if "mlflow.parentRunId" in run.data.tags]
    assert [run.info.status for run in steps] == ["FAILED"]
    assert not store.search_logged_models([experiment])


def test_whole_numbers_that_became_doubles_on_the_way_are_taken(store, parts):
    settings = {"name": "random-forest", "n_estimators": 5.0, "min_samples_leaf": 8.0}

    _, score = train_model.python_func(parts.train, parts.validation, settings)

    assert score < 3
