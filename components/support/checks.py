"""What is wrong with a weather table, by line, column and value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from components.support.days import parse_day
from components.support.records import Records, Unreadable, decode, read_records
from components.support.rules import number, text_rules, value_rules
from components.support.weather import CATEGORIES, COLUMNS, FIRST_DAY, LAST_DAY, MEASURES

if TYPE_CHECKING:
    import pandas as pd
    import pandera.pandas as pa

_SHOWN_CHARACTERS = 60
_OTHER_SEPARATORS = (";", "\t", "|")


@dataclass(frozen=True, order=True)
class DataFinding:
    """One thing that is wrong, or odd, with the data.

    Args:
        line: of the source file, the header being on line 1.
        column: by name; empty where the whole line is meant.
        message: a clause that goes after these two.
        warning: whether the data can be used all the same.
    """

    line: int
    column: str
    message: str
    warning: bool = False

    def __str__(self) -> str:
        """As it stands in a log: `line 17, column temp_max: 'warm' is not a number`."""
        return f"line {self.line}{f', column {self.column}' if self.column else ''}: {self.message}"


@dataclass(frozen=True)
class Examination:
    """What was found in a file.

    Args:
        rows: below the header.
        findings: by line and column.
        table: the typed table, its index the source's lines; unknown where a cell could not be read.
    """

    rows: int
    findings: tuple[DataFinding, ...]
    table: pd.DataFrame

    @property
    def errors(self) -> tuple[DataFinding, ...]:
        """The findings with which the data cannot be used."""
        return tuple(finding for finding in self.findings if not finding.warning)

    @property
    def warnings(self) -> tuple[DataFinding, ...]:
        """The others."""
        return tuple(finding for finding in self.findings if finding.warning)


@dataclass(frozen=True)
class _Source:
    """What messages quote.

    Args:
        header_line: where the header stands.
        text: the cells as they were, by line.
        first_lines: for each line, the first that has its day.
        lines_before: for each line, the last before it that has a day.
    """

    header_line: int
    text: pd.DataFrame
    first_lines: Mapping[int, int]
    lines_before: Mapping[int, int]


def examine(content: bytes, max_gap_days: int) -> Examination:
    """Checks a CSV file against what a weather table must be.

    Args:
        content: of the file.
        max_gap_days: missing days in a row that are a warning; more are an error.
    """
    import pandas as pd

    try:
        records = read_records(decode(content))
    except Unreadable as error:
        return Examination(0, (DataFinding(error.line, "", f"the file {error.reason}"),), pd.DataFrame())
    text = _text_frame(records)
    table = _typed(text)
    findings = [*_structure(records)]
    if len(text.columns):
        source = _source(records, text, table)
        findings += _broken_rules(text_rules(), text, source)
        findings += _broken_rules(value_rules(), table, source)
    if "date" in text.columns:
        findings += _gaps(table["date"], max_gap_days)
    return Examination(len(records.rows), tuple(sorted(set(findings))), table)


# the file as a whole


def _structure(records: Records) -> Iterator[DataFinding]:
    if records.broken_line:
        reason = f"cannot be read from here on: {records.broken_reason} (is a quote open?)"
        yield DataFinding(records.broken_line, "", reason)
    if records.header is None:
        return
    line, names = records.header.line, records.header.cells
    if not set(names) & set(COLUMNS):
        yield DataFinding(line, "", _no_column(names))
        return
    for name, times in Counter(names).items():
        if name not in COLUMNS:
            yield DataFinding(line, name if name.isidentifier() else "", f"{_quoted(name)} is not used", True)
        elif times > 1:
            yield DataFinding(line, name, f"is there {times} times")
    if not records.rows and not records.broken_line:
        yield DataFinding(line, "", "the header has no rows below it")
    for row in records.rows:
        if len(row.cells) != len(names):
            what = f"the header has {len(names)} fields, this line {len(row.cells)}"
            yield DataFinding(row.line, "", what)


def _no_column(names: tuple[str, ...]) -> str:
    for other in _OTHER_SEPARATORS:
        if set(",".join(names).split(other)) & set(COLUMNS):
            return f"the fields are separated by {other!r}; separate them by commas"
    return f"has none of the columns {', '.join(COLUMNS)}; it reads {_quoted(','.join(names))}"


def _text_frame(records: Records) -> pd.DataFrame:
    """The rows that have as many fields as the header, those of our columns that are there."""
    import pandas as pd

    names = records.header.cells if records.header else ()
    rows = [row for row in records.rows if len(row.cells) == len(names)]
    places = {name: names.index(name) for name in COLUMNS if name in names}
    cells = {name: [row.cells[place] for row in rows] for name, place in places.items()}
    return pd.DataFrame(cells, index=pd.Index([row.line for row in rows], name="line"), dtype=object)


def _typed(text: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    table = text.copy()
    for measure in MEASURES:
        if measure.name in table:
            numbers = [number(cell) for cell in text[measure.name]]
            table[measure.name] = pd.Series(numbers, index=text.index, dtype=float)
    if "date" in table:
        days = [parse_day(cell) for cell in text["date"]]
        usable = [day if day and FIRST_DAY <= day <= LAST_DAY else None for day in days]
        table["date"] = pd.Series(usable, index=text.index, dtype="datetime64[ns]")
    return table


def _source(records: Records, text: pd.DataFrame, table: pd.DataFrame) -> _Source:
    first_lines: dict[int, int] = {}
    lines_before: dict[int, int] = {}
    first_of_day: dict[Any, int] = {}
    before = 0
    for label, day in table["date"].dropna().items() if "date" in table else ():
        line = int(str(label))
        first_lines[line], lines_before[line] = first_of_day.setdefault(day, line), before
        before = line
    return _Source(records.header.line if records.header else 1, text, first_lines, lines_before)


# the cells


def _broken_rules(rules: pa.DataFrameSchema, frame: pd.DataFrame, source: _Source) -> Iterator[DataFinding]:
    from pandera.errors import SchemaErrors

    try:
        rules.validate(frame, lazy=True)
    except SchemaErrors as errors:
        for case in errors.failure_cases.to_dict("records"):
            if case["check"] == "column_in_dataframe":
                yield DataFinding(source.header_line, str(case["failure_case"]), "is missing")
            elif case["schema_context"] == "Column" or case["column"] == "temp_min":
                # A rule over several columns comes once for each of them; one is enough.
                line, column = int(case["index"]), str(case["column"])
                yield DataFinding(line, column, _message(case["check"], column, line, source))


def _message(rule: str, column: str, line: int, source: _Source) -> str:
    value = _quoted(str(source.text.at[line, column]))
    if rule == "filled":
        return "is empty"
    if rule == "number":
        return f"{value} is not a number"
    if rule == "day":
        return f"{value} is not a date such as 2012/01/31"
    if rule == "category":
        return f"{value} is none of {', '.join(CATEGORIES)}"
    value = value.strip("'")
    if rule == "range":
        measure = next(each for each in MEASURES if each.name == column)
        return f"{value} is not between {measure.low:g} and {measure.high:g} {measure.unit}"
    if rule == "minimum":
        return f"{value} is above the day's temp_max, {source.text.at[line, 'temp_max']}"
    if rule == "once":
        return f"{value} is a duplicate of line {source.first_lines[line]}"
    before = source.lines_before[line]
    return f"{value} comes after {source.text.at[before, 'date']} on line {before}"


def _gaps(days: Any, max_gap_days: int) -> Iterator[DataFinding]:
    known = days.dropna().drop_duplicates().sort_values()
    missing = known.diff().dt.days.fillna(1).astype(int) - 1
    for line, count in missing[missing > 0].items():
        first, last = known.at[line] - timedelta(days=count), known.at[line] - timedelta(days=1)
        what = f"the day before, {last:%Y/%m/%d}, is missing"
        if count > 1:
            what = f"the {count} days before, {first:%Y/%m/%d} to {last:%Y/%m/%d}, are missing"
        if count > max_gap_days:
            what += f"; {max_gap_days} in a row are accepted"
        yield DataFinding(int(line), "date", what, warning=count <= max_gap_days)


def _quoted(value: str) -> str:
    """The value with its quotes and control characters visible, and cut where it is long."""
    return repr(value if len(value) <= _SHOWN_CHARACTERS else value[: _SHOWN_CHARACTERS - 1] + "…")
