"""The comparison on the hold-out, one scenario a test; all models are real and lie in a real store."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
import pytest
from kfp.dsl import HTML, Metrics

from components.evaluate_model import evaluate_model
from components.support.errors import StepFailed
from components.support.weather import write_table
from tests.components.mlflow_store import GOOD, USELESS, WORSE, Parts, crown, log_model


@pytest.fixture
def evaluate(store, parts, output) -> Callable[..., Any]:
    """Evaluates candidates, the first of which has the best score."""

    def run(*model_ids: str, **options: Any) -> Any:
        scores = [2.0 + n for n in range(len(model_ids))]
        run.metrics, run.report = output("metrics", Metrics), output("report", HTML)
        return evaluate_model.python_func(
            metrics=run.metrics,
            report=run.report,
            **{
                "holdout": parts.holdout,
                "model_ids": list(model_ids),
                "scores": scores,
                "model_name": "weather",
                **options,
            },
        )

    return run


def folder_of(store: mlflow.MlflowClient, model_id: str) -> Path:
    return Path(store.get_logged_model(model_id).artifact_location.removeprefix("file://"))


def test_without_a_champion_the_challenger_must_beat_the_baseline(store, parts: Parts, evaluate):
    good = log_model(GOOD, parts.past)

    passed, reason, model_id, champion = evaluate(good)

    assert (passed, model_id, champion) == (True, good, "")
    assert "beats the baseline" in reason and "no champion yet" in reason
    values = evaluate.metrics.metadata
    assert 0 < values["challenger_mae"] < values["baseline_mae"]
    assert values["challenger_skill"] == pytest.approx(1 - values["challenger_mae"] / values["baseline_mae"])
    assert {f"challenger_bias_{season}" for season in ("DJF", "MAM", "JJA", "SON")} <= values.keys()
    assert not [name for name in values if name.startswith("champion")]


def test_without_a_champion_a_challenger_worse_than_the_baseline_is_stopped(store, parts, evaluate):
    passed, reason, *_ = evaluate(log_model(USELESS, parts.past))

    assert not passed
    assert "does not beat the baseline" in reason


def test_the_challenger_wins(store, parts, evaluate):
    version = crown(store, log_model(WORSE, parts.past))

    passed, reason, _, champion = evaluate(log_model(GOOD, parts.past))

    assert (passed, champion) == (True, version)
    values = evaluate.metrics.metadata
    assert values["challenger_mae"] < values["champion_mae"] < values["baseline_mae"]
    assert f"champion version {version}" in reason


def test_the_champion_wins(store, parts, evaluate):
    crown(store, log_model(GOOD, parts.past))

    passed, reason, *_ = evaluate(log_model(WORSE, parts.past))

    assert not passed
    assert "does not beat the" in reason and "champion version 1" in reason


def test_a_tie_keeps_the_champion(store, parts, evaluate):
    crown(store, log_model(GOOD, parts.past))

    passed, reason, *_ = evaluate(log_model(GOOD, parts.past))

    assert not passed
    assert "ties with champion version 1" in reason


def test_the_champion_itself_from_the_cache_is_not_deployed_again(store, parts, evaluate):
    good = log_model(GOOD, parts.past)
    crown(store, good)

    passed, reason, *_ = evaluate(good)

    assert not passed
    assert "this very model" in reason


@pytest.mark.parametrize("days", [1, 365])
def test_a_champion_trained_on_days_of_the_hold_out_is_reported_and_not_compared(
    store, parts, evaluate, days
):
    seen = pd.concat([parts.past, parts.tables["holdout"].head(days)], ignore_index=True)
    crown(store, log_model(GOOD, seen))

    passed, reason, _, champion = evaluate(log_model(GOOD, parts.past))

    assert (passed, champion) == (False, "1")
    assert "trained on" in reason and "2014-12-31" in reason and "gate=report" in reason
    assert not [name for name in evaluate.metrics.metadata if name.startswith("champion")]


def test_a_champion_that_saw_only_days_inside_the_hold_out_is_found_too(store, parts, evaluate):
    seen = pd.concat([parts.tables["train"], parts.tables["holdout"].iloc[200:210]], ignore_index=True)
    crown(store, log_model(GOOD, seen))

    _, reason, *_ = evaluate(log_model(GOOD, parts.past))

    assert "trained on 11 of the hold-out's days (2015-07-19 to 2015-07-29)" in reason


def test_the_gate_that_only_reports_replaces_a_champion_it_could_not_compare(store, parts, evaluate):
    crown(store, log_model(GOOD, pd.concat([parts.past, parts.tables["holdout"]])))

    passed, reason, *_ = evaluate(log_model(GOOD, parts.past), gate="report")

    assert passed
    assert "would have blocked" in reason and "trained on" in reason


def test_a_champion_whose_files_are_gone_is_reported_and_stays(store, parts, evaluate):
    lost = log_model(GOOD, parts.past)
    crown(store, lost)
    shutil.rmtree(folder_of(store, lost))

    passed, reason, _, champion = evaluate(log_model(GOOD, parts.past))

    assert (passed, champion) == (False, "1")
    assert "was not compared" in reason and "gate=report" in reason
    assert "its files are gone" in reason


def test_a_champion_whose_record_is_gone_is_reported(store, parts, evaluate):
    lost = log_model(GOOD, parts.past)
    crown(store, lost)
    store.delete_logged_model(lost)

    passed, reason, *_ = evaluate(log_model(GOOD, parts.past))

    assert not passed
    assert "does not have it" in reason


def test_a_champion_of_unknown_training_days_is_not_compared(store, parts, evaluate):
    unknown = log_model(GOOD, parts.past)
    store.delete_logged_model_tag(unknown, "trained_days")
    crown(store, unknown)

    passed, reason, *_ = evaluate(log_model(GOOD, parts.past))

    assert not passed
    assert "not recorded" in reason


def test_a_champion_of_another_closure_is_asked_with_its_own_feature_code(store, parts, evaluate):
    other = log_model(GOOD, parts.past)
    store.set_logged_model_tags(other, {"serving_closure": "0123456789ab"})
    # Its features differ from today's: it sees every day ten degrees warmer.
    code = folder_of(store, other) / "code" / "components" / "support" / "features.py"
    code.write_text(code.read_text().replace("block[:, index] = _column(", "block[:, index] = 10 + _column("))
    crown(store, other)

    passed, reason, *_ = evaluate(log_model(GOOD, parts.past))

    values = evaluate.metrics.metadata
    assert values["champion_mae"] > values["challenger_mae"] + 3
    assert passed, reason


def test_the_gate_that_is_off_deploys_whatever_there_is(store, parts, evaluate):
    crown(store, log_model(GOOD, parts.past))

    passed, reason, *_ = evaluate(log_model(USELESS, parts.past), gate="off")

    assert (passed, reason) == (True, "the gate is off")


def test_the_best_validation_score_makes_the_challenger_and_of_equal_ones_the_first(store, parts, evaluate):
    models = [log_model(settings, parts.past) for settings in (WORSE, GOOD, GOOD)]

    challenger = evaluate(*models, scores=[2.5, 2.0, 2.0])[2]

    assert challenger == models[1]


def test_the_hold_out_does_not_choose_among_candidates(store, parts, evaluate):
    worse, good = (log_model(settings, parts.past) for settings in (WORSE, GOOD))

    assert evaluate(worse, good, scores=[1.0, 2.0])[2] == worse


def test_other_weather_on_the_hold_out_changes_the_judgement_and_not_the_choice(
    store, parts, evaluate, output
):
    models = [log_model(settings, parts.past) for settings in (WORSE, GOOD)]
    _, reason, chosen, _ = evaluate(*models)

    table = parts.tables["holdout"].copy()
    table["target"] = table["target"].to_numpy()[::-1]
    other = output("other-holdout")
    write_table(table, other.path)
    _, other_reason, other_chosen, _ = evaluate(*models, holdout=other)

    assert other_chosen == chosen == models[0]
    assert other_reason != reason


@pytest.mark.parametrize(("metric", "passes"), [("rmse", True), ("skill", True), ("bias", False)])
def test_the_gate_judges_by_the_metric_that_was_chosen(store, parts, evaluate, metric, passes):
    # Persistence has next to no bias, so by that measure it cannot be beaten.
    passed, reason, *_ = evaluate(log_model(GOOD, parts.past), metric=metric)

    assert passed is passes
    assert metric in reason


def test_a_challenger_that_is_no_longer_in_the_store_is_an_error_that_says_what_to_do(store, parts, evaluate):
    gone = log_model(GOOD, parts.past)
    store.delete_logged_model(gone)

    with pytest.raises(StepFailed, match="--no-cache") as failed:
        evaluate(gone)

    assert gone in str(failed.value)
    assert "mlflow.db" in str(failed.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"gate": "maybe"}, "off, report, enforce"),
        ({"metric": "luck"}, "mae, rmse, bias, skill"),
        ({"model_ids": [], "scores": []}, "none was trained"),
        ({"scores": [1.0, 2.0]}, "1 models have 2 scores"),
    ],
)
def test_a_wrong_setting_is_one_clear_error(store, parts, evaluate, options, said):
    with pytest.raises(StepFailed, match=said):
        evaluate("m-0", **options)


def test_numbers_plots_and_verdict_are_kept(store, parts, evaluate):
    good = log_model(GOOD, parts.past)

    _, reason, *_ = evaluate(good, data_hash="abc", as_of="2015-12-31")

    experiment = store.get_experiment_by_name("train").experiment_id
    step = next(r for r in store.search_runs([experiment]) if r.info.run_name == "evaluate-model")
    assert step.data.metrics["challenger_mae"] == evaluate.metrics.metadata["challenger_mae"]
    assert step.data.tags["reason"] == reason
    names = {file.path: file.file_size for file in store.list_artifacts(step.info.run_id)}
    assert set(names) == {"forecast_against_truth.png", "residuals.png"}
    assert min(names.values()) > 10_000
    page = Path(evaluate.report.path).read_text()
    assert page.count("data:image/png;base64,iVBOR") == 2
    assert reason.replace("'", "&#x27;") in page
    parent = store.get_run(step.data.tags["mlflow.parentRunId"])
    assert (parent.data.tags["data_hash"], parent.data.tags["as_of"]) == ("abc", "2015-12-31")
