"""From weather to a table for learning, and its three parts in time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from components.support.errors import StepFailed
from components.support.weather import COLUMNS
from pipelines.sdk.errors import Finding

if TYPE_CHECKING:
    import pandas as pd


SUPERVISED: Final = (
    "date", "temp", "temp_min", "precipitation", "wind", "weather", "target", "target_date"
)  # fmt: skip


@dataclass(frozen=True)
class Parts:
    """Three tables, none of which has a day in common with another, neither as `date` nor as `target_date`.

    Args:
        train: the oldest rows; models learn from them.
        validation: chooses among models.
        holdout: the newest; judges the chosen one, and never chooses.
    """

    train: pd.DataFrame
    validation: pd.DataFrame
    holdout: pd.DataFrame


def supervised(weather: pd.DataFrame, horizon: int) -> pd.DataFrame:
    """One row for each day whose target is known: the weather of that day, and the maximum some days later.

    Args:
        weather: with `date`, `precipitation`, `temp_max`, `temp_min`, `wind`, `weather`; each day once.
        horizon: days from `date` to `target_date`, by the calendar: where days are
            missing, so are the rows whose target they would be.

    Returns:
        `date`, `temp` (the day's temp_max, °C), `temp_min`, `precipitation`, `wind`, `weather`, `target` (°C)
        and `target_date`, in order of time.
    """
    import pandas as pd

    targets = pd.DataFrame({"target_date": weather["date"], "target": weather["temp_max"]})
    targets["date"] = targets["target_date"] - pd.Timedelta(days=horizon)
    table = weather.rename(columns={"temp_max": "temp"}).merge(targets, on="date", validate="one_to_one")
    return table.sort_values("date", ignore_index=True)[list(SUPERVISED)]


def split(weather: pd.DataFrame, horizon: int, validation_days: int, holdout_days: int) -> Parts:
    """Splits by the calendar, newest last, leaving out at each border the rows that look across it.

    The hold-out has the last `holdout_days` days that have a target; `validation_days` days with their
    targets lie before it, and all older ones are for training. Missing days make a part smaller and move no
    border.

    Args:
        weather: as for `supervised`.
        horizon: days from a row to its target, at least 1.
        validation_days: at least 1.
        holdout_days: at least 1.

    Raises:
        StepFailed: an argument is too small, a column is missing, a day is there twice, or there are
            too few days.
    """
    import pandas as pd

    _check_arguments(horizon=horizon, validation_days=validation_days, holdout_days=holdout_days)
    _check_table(weather, needed=1 + validation_days + holdout_days + 3 * horizon)
    table = supervised(weather, horizon)
    ahead = pd.Timedelta(days=horizon)
    # Counted back from the last day of the data. Before each border lie `horizon` days that are in no part as
    # `date`: their targets are beyond it.
    holdout_start = weather["date"].max() - ahead - pd.Timedelta(days=holdout_days - 1)
    validation_start = holdout_start - ahead - pd.Timedelta(days=validation_days)
    parts = Parts(
        train=table[table["target_date"] < validation_start],
        validation=table[(table["date"] >= validation_start) & (table["target_date"] < holdout_start)],
        holdout=table[table["date"] >= holdout_start],
    )
    for name in ("train", "validation", "holdout"):
        if getattr(parts, name).empty:
            what = f"no row is left for {name}: where it would lie, too many days are missing"
            raise StepFailed(
                Finding(what, "data", "give data with fewer missing days, or other numbers of days")
            )
    return parts


def _check_arguments(**days: int) -> None:
    wrong = [
        Finding(f"{value} is less than 1", name, "give 1 or more")
        for name, value in days.items()
        if value < 1
    ]
    if wrong:
        raise StepFailed(*wrong)


def _check_table(weather: pd.DataFrame, needed: int) -> None:
    missing = [name for name in COLUMNS if name not in weather]
    if missing:
        raise StepFailed(
            Finding(f"lacks the columns {', '.join(missing)}", "data", "validate the data first")
        )
    if weather["date"].duplicated().any():
        day = weather.loc[weather["date"].duplicated(), "date"].iloc[0]
        raise StepFailed(Finding(f"{day:%Y-%m-%d} is there twice", "data", "validate the data first"))
    first, last = weather["date"].min(), weather["date"].max()
    there = (last - first).days + 1 if len(weather) else 0
    if there < needed:
        span = f" ({first:%Y-%m-%d} to {last:%Y-%m-%d})" if there else ""
        unit = "day" if there == 1 else "days"
        mend = "give more data, or fewer validation_days and holdout_days"
        raise StepFailed(
            Finding(f"the data has {there} {unit}{span}, and {needed} are needed at least", "data", mend)
        )
