"""The component that trains one candidate."""

from typing import Any, NamedTuple

from kfp.dsl import Dataset, Input

from components.support.component import component


@component
def train_model(
    train: Input[Dataset],
    validation: Input[Dataset],
    settings: dict[str, Any],
) -> NamedTuple("Trained", [("model_id", str), ("score", float)]):  # type: ignore[valid-type]
    """Trains a model that forecasts tomorrow's maximum temperature from today's weather; logs it in MLflow.

    Columns: `date`, `temp` (the day's maximum, °C), `temp_min` (°C), `precipitation` (mm), `wind` (m/s),
    `target` (the next day's maximum, °C) and `target_date`.

    Refit policy: the score is that of a model that saw the training part alone. The model that is logged has
    the same settings and learned from training and validation part together, for the days nearest to those it
    will forecast say most. The hold-out is no input here: it neither chooses nor fits.

    Args:
        train: what the scored model learns from.
        validation: what it is scored on; later than all of `train`.
        settings: `name` of a candidate (`ridge`, `gradient-boosting`, `random-forest`) and its settings.

    Returns:
        model_id: MLflow's id of the logged model.
        score: mean absolute error on the validation part, °C; lower is better.
    """
    import logging

    import pandas as pd

    from components.support import models
    from components.support.metrics import mean_absolute_error
    from components.support.tracking import record, step_run
    from components.support.weather import read_table

    with step_run(f"train-model {settings.get('name', '')}"):
        past, recent = read_table(train.path), read_table(validation.path)
        truth = recent[models.TARGET].to_numpy()
        score = mean_absolute_error(truth, models.forecast(models.fit(settings, past), recent))
        persistence = mean_absolute_error(truth, recent["temp"].to_numpy())

        everything = pd.concat([past, recent], ignore_index=True)
        parts = {"train": train, "validation": validation}
        hashes = {f"{name}_hash": str(part.metadata.get("data_hash", "")) for name, part in parts.items()}
        record(
            params={**settings, "train_rows": len(past), "validation_rows": len(recent)},
            metrics={"validation_mae": score, "validation_mae_persistence": persistence},
            tags=hashes,
        )
        model_id = models.log(models.fit(settings, everything), everything, hashes)
    logging.info("%s: %.3f °C on validation, persistence %.3f; %s", settings, score, persistence, model_id)
    return (model_id, score)
