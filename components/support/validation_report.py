"""The HTML page that shows what validation found: one file that loads nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

from components.support.checks import Examination
from components.support.weather import MEASURES

if TYPE_CHECKING:
    import pandas as pd

MOST_FINDINGS = 1000
_CELL = 14  # pixels of one month in the picture of coverage

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Data validation</title><style>
body {{ font: 14px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; color: #222 }}
table {{ border-collapse: collapse; margin: 1rem 0 }}
th, td {{ border-bottom: 1px solid #ddd; padding: .25rem .75rem; text-align: left; vertical-align: top }}
td.number {{ text-align: right; font-variant-numeric: tabular-nums }}
.error {{ color: #b00020 }} .warning {{ color: #8a5a00 }} .passed {{ color: #1b6e2f }}
</style></head><body>
<h1>Data validation: <span class="{verdict_class}">{verdict}</span></h1>
{body}
</body></html>
"""


def render(examination: Examination, source: str) -> str:
    """The page as text.

    Args:
        examination: what was found. Of more than 1000 findings the first are shown.
        source: where the data came from, as people should read it.
    """
    failed = bool(examination.errors)
    facts = (
        ("Source", source or "not recorded"),
        ("Rows", str(examination.rows)),
        ("Errors", str(len(examination.errors))),
        ("Warnings", str(len(examination.warnings))),
    )
    body = [
        _table((), ((name, value) for name, value in facts)),
        _findings(examination),
        _columns(examination.table),
        _coverage(examination.table),
    ]
    return _PAGE.format(
        verdict_class="error" if failed else "passed",
        verdict="failed" if failed else "passed",
        body="\n".join(part for part in body if part),
    )


def _findings(examination: Examination) -> str:
    # Errors first: they are why somebody opens the page.
    findings = [*examination.errors, *examination.warnings]
    if not findings:
        return "<p>Nothing was found.</p>"
    rows = [
        (_Marked("warning" if each.warning else "error"), str(each.line), each.column, each.message)
        for each in findings[:MOST_FINDINGS]
    ]
    rest = len(findings) - len(rows)
    note = f"<p>{rest} more are not shown.</p>" if rest else ""
    return "<h2>Findings</h2>" + _table(("", "Line", "Column", "Finding"), rows) + note


def _columns(table: pd.DataFrame) -> str:
    rows = []
    for measure in MEASURES:
        if measure.name not in table:
            continue
        values = table[measure.name].dropna()
        if len(values):
            numbers = (values.min(), values.mean(), values.max())
            shown = [_Number(f"{number:.1f}") for number in numbers]
            rows.append((measure.name, measure.unit, _Number(str(len(values))), *shown, measure.meaning))
    header = ("Column", "Unit", "Values", "Minimum", "Mean", "Maximum", "Meaning")
    return "<h2>Columns</h2>" + _table(header, rows) if rows else ""


def _coverage(table: pd.DataFrame) -> str:
    """A square a month, a row a year: the darker, the more of its days are there."""
    days = table["date"].dropna().drop_duplicates().tolist() if "date" in table else []
    if not days:
        return ""
    counts = Counter((day.year, day.month) for day in days)
    years = sorted({year for year, _ in counts})
    squares = []
    for row, year in enumerate(years):
        squares.append(f'<text x="0" y="{row * _CELL + _CELL - 3}" font-size="11">{year}</text>')
        for month in range(1, 13):
            count = counts[year, month]
            place = (
                f'x="{36 + (month - 1) * _CELL}" y="{row * _CELL}" width="{_CELL - 2}" height="{_CELL - 2}"'
            )
            colour = f'fill="#1f6f9f" fill-opacity="{count / 31:.2f}" stroke="#ccc"'
            squares.append(f"<rect {place} {colour}><title>{year}-{month:02}: {count} days</title></rect>")
    size = f'width="{36 + 12 * _CELL}" height="{len(years) * _CELL}"'
    picture = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">{"".join(squares)}</svg>'
    return f"<h2>Days there are, by month</h2>{picture}"


class _Marked(str):
    """A cell whose text is also its class."""


class _Number(str):
    """A cell that is set as a number."""


def _table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in header)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f"<table>{f'<tr>{head}</tr>' if head else ''}{body}</table>"


def _cell(text: str) -> str:
    css = text if isinstance(text, _Marked) else "number" if isinstance(text, _Number) else ""
    attribute = f' class="{css}"' if css else ""
    return f"<td{attribute}>{escape(text)}</td>"
