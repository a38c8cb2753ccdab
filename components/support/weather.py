"""The weather table: its columns and units, and its files."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

from components.support.days import parse_day
from components.support.errors import StepFailed
from pipelines.sdk.errors import Finding

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Measure:
    """A column of numbers.

    Args:
        name: of the column.
        unit: of the numbers.
        low: the smallest that nature gives, inclusive.
        high: the largest.
        meaning: in words.
    """

    name: str
    unit: str
    low: float
    high: float
    meaning: str


# Wider than any record on Earth (1825 mm a day, 57 °C, 113 m/s), but for the cold of Antarctica and Siberia.
MEASURES: Final = (
    Measure("precipitation", "mm", 0.0, 2000.0, "rain and melted snow of the day"),
    Measure("temp_max", "°C", -50.0, 60.0, "highest temperature of the day"),
    Measure("temp_min", "°C", -50.0, 60.0, "lowest temperature of the day"),
    Measure("wind", "m/s", 0.0, 120.0, "mean wind speed of the day"),
)
FIRST_DAY: Final = date(1800, 1, 1)  # nobody measured before, and pandas' days end in 2262
LAST_DAY: Final = date(2199, 12, 31)
CATEGORIES: Final = ("drizzle", "fog", "rain", "snow", "sun")
COLUMNS: Final = ("date", *(measure.name for measure in MEASURES), "weather")

_DATES: Final = ("date", "target_date")
_TEXTS: Final = ("weather",)


def write_table(table: pd.DataFrame, path: str | Path) -> dict[str, int | str]:
    """Writes a table as CSV, days as 2012-01-31, numbers so that they read back to the last bit.

    Args:
        table: with a column `date`.
        path: of the file.

    Returns:
        What an artifact's metadata should say: `rows`, `first_day` and `last_day` (empty in an empty table),
        and `data_hash`, the SHA-256 of the file.
    """
    content = table.to_csv(index=False, date_format="%Y-%m-%d", lineterminator="\n").encode()
    Path(path).write_bytes(content)
    days = table["date"].dt.strftime("%Y-%m-%d")
    return {
        "rows": len(table),
        "first_day": str(days.min()) if len(table) else "",
        "last_day": str(days.max()) if len(table) else "",
        "data_hash": hashlib.sha256(content).hexdigest(),
    }


def read_table(path: str | Path) -> pd.DataFrame:
    """Reads a table that `write_table` wrote.

    Returns:
        `date` and `target_date` as datetime64[ns], `weather` as text, every other column as float64.

    Raises:
        StepFailed: a cell is not what its column holds.
    """
    import pandas as pd

    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    for name in (column for column in table.columns if column not in _TEXTS):
        typed: list[object] = []
        try:
            for cell in table[name]:
                typed.append(_day(cell) if name in _DATES else float(cell or "nan"))
        except ValueError as error:
            what = f"line {len(typed) + 2}, column {name}: {error}"
            raise StepFailed(Finding(what, str(path), "validate the data first")) from None
        table[name] = pd.Series(typed, dtype="datetime64[ns]" if name in _DATES else float)
    return table


def _day(cell: str) -> date:
    day = parse_day(cell)
    if day is None or not FIRST_DAY <= day <= LAST_DAY:
        raise ValueError(f"{cell!r} is not a day between {FIRST_DAY} and {LAST_DAY}")
    return day
