"""The weather table: its columns and units, and its files."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
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


# Wider than any record on Earth (1825 mm a day, -89 and 57 °C, 113 m/s), except that the cold of Antarctica counts
# as a mistake here.
MEASURES: Final = (
    Measure("precipitation", "mm", 0.0, 2000.0, "rain and melted snow of the day"),
    Measure("temp_max", "°C", -50.0, 60.0, "highest temperature of the day"),
    Measure("temp_min", "°C", -50.0, 60.0, "lowest temperature of the day"),
    Measure("wind", "m/s", 0.0, 120.0, "mean wind speed of the day"),
)
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
        What an artifact's metadata should say: `rows`, `first_day` and `last_day` (empty in an empty table), and
        `data_hash`, the SHA-256 of the file.
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
    for name in table.columns.difference(_TEXTS):
        try:
            if name in _DATES:
                table[name] = pd.to_datetime([parse_day(cell) for cell in table[name]]).astype(
                    "datetime64[ns]"
                )
            else:
                # float() is exact, and an empty cell is a value that is not known.
                table[name] = pd.Series([float(cell or "nan") for cell in table[name]], dtype=float)
        except ValueError as error:
            raise StepFailed(
                Finding(f"column {name}: {error}", str(path), "validate the data first")
            ) from None
        if name in _DATES and table[name].isna().any():
            row = int(table[name].isna().to_numpy().argmax())
            what = f"line {row + 2}, column {name}: not a date"
            raise StepFailed(Finding(what, str(path), "validate the data first"))
    return table
