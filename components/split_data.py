"""The component that turns weather into a table for learning, in three parts."""

from typing import NamedTuple

from kfp.dsl import Dataset, Input, Output

from components.support.component import component


@component
def split_data(
    data: Input[Dataset],
    train: Output[Dataset],
    validation: Output[Dataset],
    holdout: Output[Dataset],
    horizon: int = 1,
    validation_days: int = 365,
    holdout_days: int = 365,
) -> NamedTuple(  # type: ignore[valid-type]
    "Split",
    [
        ("train_rows", int),
        ("validation_rows", int),
        ("holdout_rows", int),
        ("train_end", str),
        ("holdout_start", str),
        ("holdout_end", str),
    ],
):
    """Pairs each day with the temperature to forecast and splits the days by time.

    Columns of each part: `date`, `temp` (the day's highest temperature, °C), `temp_min` (°C), `precipitation`
    (mm), `wind` (m/s), `weather`, `target` (°C, the highest temperature of `target_date`), `target_date`.
    No day of one part is in another, neither as `date` nor as `target_date`.

    Args:
        data: valid weather.
        train: the oldest days; models learn from them.
        validation: the days after them, which choose among models.
        holdout: the newest days, which judge and never choose.
        horizon: how many days ahead to forecast, by the calendar.
        validation_days: days in `validation`, missing ones counted.
        holdout_days: days in `holdout`, missing ones counted.

    Returns:
        train_rows: rows of `train`.
        validation_rows: rows of `validation`.
        holdout_rows: rows of `holdout`.
        train_end: the last `target_date` of `train`.
        holdout_start: the first `date` of `holdout`.
        holdout_end: the last `target_date` of `holdout`.
    """
    import logging

    from components.support.split import split
    from components.support.tracking import record, step_run
    from components.support.weather import read_table, write_table

    with step_run("split-data", optional=True):
        parts = split(read_table(data.path), horizon, validation_days, holdout_days)
        for artifact, table in (
            (train, parts.train),
            (validation, parts.validation),
            (holdout, parts.holdout),
        ):
            artifact.metadata.update(write_table(table, artifact.path), horizon=horizon)
            artifact.metadata["last_target_day"] = f"{table['target_date'].max():%Y-%m-%d}"
            logging.info("%d rows, %s to %s", len(table), table["date"].min(), table["date"].max())

        settings = {"horizon": horizon, "validation_days": validation_days, "holdout_days": holdout_days}
        record(settings, {f"{name}_rows": len(part) for name, part in vars(parts).items()})
        rows = [len(part) for part in (parts.train, parts.validation, parts.holdout)]
        train_end = train.metadata["last_target_day"]
        return (*rows, train_end, holdout.metadata["first_day"], holdout.metadata["last_target_day"])
