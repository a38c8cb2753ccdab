"""The nightly job: train a weather forecast, and serve it if it is better than the one that serves.

1. Ingest the data up to the day that the run may know.
2. Validate it: broken data stops here.
3. Split it by time: training, validation, hold-out.
4. Train the candidates, all at once; each is scored on the validation part.
5. Evaluate: the candidate with the best score is the challenger. It meets the champion and the baseline
   (tomorrow is like today) on the hold-out, which has chosen nothing.
6. If the gate lets it pass: register it, deploy it beside the server in use, test it there, promote it.
7. However that ended: close the MLflow run, clear away what was left, notify.
"""

import sys
from pathlib import Path

# `python pipelines/train.py` puts this folder on sys.path, not the one above it that holds the packages.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from typing import Any

from kfp import dsl, kubernetes

from components.deploy_model import deploy_model
from components.evaluate_model import evaluate_model
from components.ingest_data import ingest_data
from components.notify import notify
from components.promote_model import promote_model
from components.register_model import register_model
from components.smoke_test import smoke_test
from components.split_data import split_data
from components.support.gate import MODES
from components.support.metrics import METRICS
from components.train_model import train_model
from components.validate_data import validate_data

CANDIDATES: list[dict[str, Any]] = [
    {"name": "ridge", "alpha": 1.0},
    {
        "name": "gradient-boosting",
        "loss": "absolute_error",
        "learning_rate": 0.05,
        "max_iter": 150,
        "max_leaf_nodes": 8,
        "min_samples_leaf": 30,
    },
    {"name": "random-forest", "n_estimators": 100, "min_samples_leaf": 8},
]


def step(task: dsl.PipelineTask, title: str, *, cached: bool = False) -> dsl.PipelineTask:
    """Name a task, and tell it its run.

    Args:
        task: of a component.
        title: for people.
        cached: whether an earlier result may stand for it. Only where nothing but its inputs decides: not
            where a source, a champion or a server may have changed.
    """
    # In a pod of the KFP backend, steps find their MLflow parent by this; elsewhere the runner sets it.
    kubernetes.use_field_path_as_env(task, "PIPELINE_RUN_ID", "metadata.labels['pipeline/runid']")
    return task.set_display_name(title).set_caching_options(cached)


@dsl.pipeline(name="train", display_name="Train and serve a forecast")  # type: ignore[untyped-decorator]
def train(
    source: str = "",
    as_of: str = "",
    max_gap_days: int = 3,
    horizon: int = 1,
    validation_days: int = 365,
    holdout_days: int = 365,
    candidates: list[dict[str, Any]] = CANDIDATES,
    model_name: str = "weather",
    gate: str = "enforce",
    metric: str = "mae",
) -> None:
    """Trains a forecast of tomorrow's maximum temperature and serves it if it beats the one that serves.

    Args:
        source: path, https:// or gs:// address of a CSV file with daily weather; by default the shipped one.
        as_of: last day whose data may be used, as 2015-12-31; by default the day before the scheduled one.
        max_gap_days: this many missing days in a row are a warning, more stop the run.
        horizon: days ahead to forecast.
        validation_days: length of the part that chooses among the candidates.
        holdout_days: length of the part that judges.
        candidates: models to train, each with a name (ridge, gradient-boosting, random-forest) and settings.
        model_name: name of the registered model and of the service.
        gate: enforce lets pass what beats baseline and champion, report only says so, off does not.
        metric: by which the gate judges; mae, rmse, bias or skill.
    """
    with dsl.ExitHandler(step(notify(model_name=model_name), "Notify"), name="Nightly training"):
        when = dsl.PIPELINE_JOB_SCHEDULE_TIME_UTC_PLACEHOLDER
        data = step(ingest_data(source=source, as_of=as_of, scheduled_time=when), "Ingest data")
        checked = step(
            validate_data(data=data.outputs["data"], max_gap_days=max_gap_days), "Validate data", cached=True
        )
        parts = step(
            split_data(
                data=checked.outputs["valid"],
                horizon=horizon,
                validation_days=validation_days,
                holdout_days=holdout_days,
            ),
            "Split data by time",
            cached=True,
        )

        with dsl.ParallelFor(candidates, name="For each candidate") as candidate:
            trained = step(
                train_model(
                    train=parts.outputs["train"],
                    validation=parts.outputs["validation"],
                    settings=candidate,
                ),
                "Train model",
                cached=True,
            )

        judged = step(
            evaluate_model(
                holdout=parts.outputs["holdout"],
                model_ids=dsl.Collected(trained.outputs["model_id"]),
                scores=dsl.Collected(trained.outputs["score"]),
                model_name=model_name,
                gate=gate,
                metric=metric,
                data_hash=data.outputs["data_hash"],
                as_of=data.outputs["as_of"],
            ),
            "Compare on the hold-out",
        )
        challenger = judged.outputs["model_id"]

        # KFP makes a condition of this comparison; it is no test for truth.
        with dsl.If(judged.outputs["passed"] == True, name="Passed the gate"):  # noqa: E712
            registered = step(
                register_model(
                    model_id=challenger,
                    model_name=model_name,
                    metrics=judged.outputs["metrics"],
                    data_hash=data.outputs["data_hash"],
                    as_of=data.outputs["as_of"],
                ),
                "Register model",
            )
            deployed = step(
                deploy_model(model_id=challenger, model_name=model_name, version=registered.output),
                "Deploy beside",
            )
            tested = step(
                smoke_test(
                    holdout=parts.outputs["holdout"],
                    url=deployed.output,
                    model_id=challenger,
                    model_name=model_name,
                ),
                "Smoke test",
            )
            step(
                promote_model(
                    model_id=challenger,
                    model_name=model_name,
                    version=registered.output,
                    champion_version=judged.outputs["champion_version"],
                ).after(tested),
                "Promote",
            )


if __name__ == "__main__":
    from pipelines.sdk.cli import main

    raise SystemExit(main(train, choices={"gate": MODES, "metric": list(METRICS)}))
