"""The rules for a weather table as pandera schemas; each check's `error` is the rule's name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from components.support.days import parse_day
from components.support.weather import CATEGORIES, FIRST_DAY, LAST_DAY, MEASURES

if TYPE_CHECKING:
    import pandas as pd
    import pandera.pandas as pa

# Narrower than Python's float(), which also takes nan, inf, 1_000 and the digits of other scripts.
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


def number(cell: str) -> float | None:
    """The number that a cell holds; None where it holds none."""
    return float(cell) if _NUMBER.fullmatch(cell) else None


def text_rules() -> pa.DataFrameSchema:
    """What each cell must be as text: all columns there, nothing empty, numbers and days readable."""
    import pandera.pandas as pa

    def column(error: str, holds: Any) -> pa.Column:
        filled = pa.Check(_is_filled, error="filled")
        return pa.Column(object, [filled, pa.Check(holds, error=error)], required=True)

    return pa.DataFrameSchema(
        {
            "date": column("day", _is_day),
            **{measure.name: column("number", _is_number) for measure in MEASURES},
            "weather": column("category", _is_category),
        }
    )


def value_rules() -> pa.DataFrameSchema:
    """What the values must be: in nature's ranges, each day once and in order, no minimum over its maximum.

    Cells without a value pass; they broke a rule for text.
    """
    import pandera.pandas as pa

    once = pa.Check(_is_first, error="once")
    order = pa.Check(_is_in_order, error="order")
    columns = {}
    for measure in MEASURES:
        between = pa.Check.in_range(measure.low, measure.high, error="range")
        columns[measure.name] = pa.Column(float, between, nullable=True, required=False)
    columns["date"] = pa.Column("datetime64[ns]", [once, order], nullable=True, required=False)
    return pa.DataFrameSchema(columns, checks=pa.Check(_minimum_is_lower, error="minimum", ignore_na=False))


def _is_filled(cells: pd.Series[Any]) -> pd.Series[bool]:
    return cells != ""


def _is_number(cells: pd.Series[Any]) -> pd.Series[bool]:
    return (cells == "") | cells.map(lambda cell: number(cell) is not None).astype(bool)


def _is_day(cells: pd.Series[Any]) -> pd.Series[bool]:
    def readable(cell: str) -> bool:
        day = parse_day(cell)
        return day is not None and FIRST_DAY <= day <= LAST_DAY

    return (cells == "") | cells.map(readable).astype(bool)


def _is_category(cells: pd.Series[Any]) -> pd.Series[bool]:
    return cells.isin(["", *CATEGORIES])


def _is_first(days: pd.Series[Any]) -> pd.Series[bool]:
    return days.isna() | ~days.duplicated()


def _is_in_order(days: pd.Series[Any]) -> pd.Series[bool]:
    before = days.ffill().shift()
    return days.isna() | before.isna() | (days >= before)


def _minimum_is_lower(table: pd.DataFrame) -> pd.Series[bool] | bool:
    if not {"temp_min", "temp_max"} <= set(table.columns):
        return True
    return ~(table["temp_min"] > table["temp_max"])
