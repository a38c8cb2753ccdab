"""The first step of every model: from a row as callers send it to the numbers a regression takes.

This file is shipped inside every logged model, so it imports nothing of the project: a server or a bare
`mlflow.pyfunc` finds it beside the model, wherever that is loaded.
"""

from __future__ import annotations

import contextlib
from datetime import date
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

REQUIRED: Final = "temp"
OPTIONAL_NUMBERS: Final = ("temp_min", "precipitation", "wind")
OPTIONAL_DATE: Final = "date"
FEATURES: Final = (REQUIRED, *OPTIONAL_NUMBERS, "season_sin", "season_cos")
DAYS_IN_A_YEAR: Final = 365.25


class WeatherFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Makes a row of weather complete.

    A caller must send `temp` (the day's maximum, °C) and may send `temp_min` (°C), `precipitation` (mm),
    `wind` (m/s) and `date` (ISO text, `YYYY/MM/DD` or a date). The date becomes the season, a sine and a
    cosine. What was left out becomes what usually goes with such a temperature, by the least-squares line
    through the days it was fitted on. So a request with `temp` alone is answered as for a typical day that
    warm, not as for a day without a season.

    Attributes:
        lines_: offset and slope over `temp` of each feature, one row each, in the order of FEATURES.
    """

    def fit(self, X: pd.DataFrame, y: object = None) -> WeatherFeatures:
        """Learn what usually goes with a temperature.

        Args:
            X: rows with at least `temp`; other columns than those named above are left alone.
            y: ignored.

        Raises:
            ValueError: a value is missing where it must not be, infinite, or no number or date.
        """
        rows = _numbers(X)
        temp = np.column_stack([np.ones(len(rows)), rows[:, 0]])
        self.lines_ = np.zeros((len(FEATURES), 2))
        for index in range(len(FEATURES)):
            known = ~np.isnan(rows[:, index])
            if known.any():
                self.lines_[index] = np.linalg.lstsq(temp[known], rows[known, index], rcond=None)[0]
        return self

    def transform(self, X: pd.DataFrame) -> NDArray[np.float64]:
        """The features, in the order of FEATURES, none missing.

        Raises:
            ValueError: as `fit`.
        """
        rows = _numbers(X)
        usual = self.lines_[:, 0] + rows[:, :1] * self.lines_[:, 1]
        return np.where(np.isnan(rows), usual, rows)

    def get_feature_names_out(self, input_features: object = None) -> NDArray[np.object_]:
        """Names of the columns that `transform` gives."""
        return np.asarray(FEATURES, dtype=object)


def _numbers(table: Any) -> NDArray[np.float64]:
    """The table as one block of numbers; NaN where an optional value is missing."""
    if not isinstance(table, pd.DataFrame):
        raise ValueError(f"expected a table with named columns, not {type(table).__name__}")
    if REQUIRED not in table.columns:
        raise ValueError(f"column {REQUIRED!r} is missing; there is {', '.join(map(str, table.columns))}")
    block = np.full((len(table), len(FEATURES)), np.nan)
    for index, name in enumerate((REQUIRED, *OPTIONAL_NUMBERS)):
        if name in table.columns:
            block[:, index] = _column(table[name])
    absent = np.isnan(block[:, 0])
    if absent.any():
        raise ValueError(f"column {REQUIRED!r} has no value in row {int(absent.argmax()) + 1}")
    if OPTIONAL_DATE in table.columns:
        angle = 2 * np.pi * _day_of_year(table[OPTIONAL_DATE]) / DAYS_IN_A_YEAR
        block[:, -2], block[:, -1] = np.sin(angle), np.cos(angle)
    return block


def _column(values: pd.Series[Any]) -> NDArray[np.float64]:
    """Numbers of any kind as doubles; None and NaN alike as NaN."""
    if values.dtype == np.float64:  # as a server has them; what follows would take longer than the prediction
        return _finite(values.name, values.to_numpy())
    # pandas would make numbers of these: nanoseconds of times, ones of truths.
    if values.dtype.kind in "mMb":
        if values.notna().any():
            raise ValueError(f"column {values.name!r} has a value that is no number, but {values.dtype}")
        return np.full(len(values), np.nan)
    try:
        numbers = pd.to_numeric(values).to_numpy(dtype=np.float64, na_value=np.nan)
    except (ValueError, TypeError) as error:
        raise ValueError(f"column {values.name!r} has a value that is no number: {error}") from error
    return _finite(values.name, numbers)


def _finite(name: object, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    endless = np.isinf(numbers)
    if endless.any():
        raise ValueError(f"column {name!r} is infinite in row {int(endless.argmax()) + 1}")
    return numbers


def _day_of_year(values: pd.Series[Any]) -> NDArray[np.float64]:
    """1 for January 1st; NaN where there is no date."""
    with contextlib.suppress(ValueError):
        return np.array([_iso_day(value) for value in values], dtype=np.float64)
    given = values.notna().to_numpy()
    if not given.any():
        return np.full(len(values), np.nan)
    text = [str(value).replace("/", "-") if there else "" for value, there in zip(values, given, strict=True)]
    days = pd.DatetimeIndex(pd.to_datetime(text, format="ISO8601", errors="coerce", utc=True))
    wrong = given & np.asarray(days.isna())
    if wrong.any():
        row = int(wrong.argmax())
        said = repr(str(values.iloc[row]))
        raise ValueError(f"column {OPTIONAL_DATE!r} has {said} in row {row + 1}; write a date as YYYY-MM-DD")
    return np.asarray(days.dayofyear, dtype=np.float64)


def _iso_day(value: object) -> int:
    """The day of the year of a plain ISO date, which is quicker than pandas for the few rows of a request.

    Raises:
        ValueError: it is anything else, or of a year that pandas might not take.
    """
    if (
        isinstance(value, str)
        and len(value) == 10
        and value[4] == value[7] == "-"
        and "1700" < value < "2200"
    ):
        return date.fromisoformat(value).timetuple().tm_yday
    raise ValueError
