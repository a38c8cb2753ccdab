"""How good a forecast is: what is measured, which way is better, and by season."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

Direction = Literal["lower", "higher", "nearer zero"]
SEASONS: Final = ("DJF", "MAM", "JJA", "SON")


@dataclass(frozen=True)
class Metric:
    """A number that judges a forecast.

    Args:
        name: of it.
        better: which way.
        unit: of its values.
    """

    name: str
    better: Direction
    unit: str

    def prefers(self, one: float, other: float) -> bool:
        """Whether the first value is the better one; False where they are equal."""
        if self.better == "higher":
            return one > other
        if self.better == "lower":
            return one < other
        return abs(one) < abs(other)


METRICS: Final[Mapping[str, Metric]] = {
    metric.name: metric
    for metric in (
        Metric("mae", "lower", "°C"),
        Metric("rmse", "lower", "°C"),
        Metric("bias", "nearer zero", "°C"),
        Metric("skill", "higher", ""),
    )
}


@dataclass(frozen=True)
class Scores:
    """How a forecast did on some days.

    Args:
        overall: by metric name.
        seasons: the same for the days of DJF, MAM, JJA and SON; a season without days is left out.
    """

    overall: Mapping[str, float]
    seasons: Mapping[str, Mapping[str, float]]

    def flat(self, prefix: str = "") -> dict[str, float]:
        """By one name each: `mae`, `mae_DJF`, ..."""
        named = {f"{prefix}{name}": value for name, value in self.overall.items()}
        for season, values in self.seasons.items():
            named.update({f"{prefix}{name}_{season}": value for name, value in values.items()})
        return named


def score(
    truth: NDArray[np.float64],
    forecast: NDArray[np.float64],
    baseline: NDArray[np.float64],
    days: Sequence[str],
) -> Scores:
    """Judge a forecast.

    Args:
        truth: what came, °C.
        forecast: what was forecast, °C.
        baseline: what the baseline forecast, °C.
        days: the forecast days as ISO text.
    """
    season = np.asarray([season_of(day) for day in days])
    seasons = {
        name: _overall(truth[season == name], forecast[season == name], baseline[season == name])
        for name in SEASONS
        if (season == name).any()
    }
    return Scores(_overall(truth, forecast, baseline), seasons)


def mean_absolute_error(truth: NDArray[np.float64], forecast: NDArray[np.float64]) -> float:
    """The mean of the errors' sizes, in the unit of the data."""
    return float(np.mean(np.abs(forecast - truth)))


def season_of(day: str) -> str:
    """`DJF`, `MAM`, `JJA` or `SON` of an ISO day: December begins the winter."""
    return SEASONS[int(day[5:7]) % 12 // 3]


def _overall(
    truth: NDArray[np.float64], forecast: NDArray[np.float64], baseline: NDArray[np.float64]
) -> dict[str, float]:
    """The metrics of some days.

    Skill is the part of the baseline's mean absolute error that the forecast does away with: 1 is perfect,
    0 as good as the baseline, negative worse. Where the baseline made no error it is 0 for a forecast without
    one, and left out otherwise, having no value then.
    """
    error = forecast - truth
    mae = mean_absolute_error(truth, forecast)
    values = {"mae": mae, "rmse": float(np.sqrt(np.mean(error**2))), "bias": float(np.mean(error))}
    reference = mean_absolute_error(truth, baseline)
    if reference > 0:
        values["skill"] = 1 - mae / reference
    elif mae == 0:
        values["skill"] = 0.0
    return values
