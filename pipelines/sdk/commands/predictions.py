"""Predictions for people and for programs: a table, CSV or JSON."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sys
import unicodedata
from collections.abc import Sequence
from typing import Any, Literal

from pipelines.sdk.serving.client import Answered

Format = Literal["table", "json", "csv"]
_GAP = "  "
_LONGEST = 60  # characters of a cell: a picture's pixels are nothing to read


def shown(answer: Answered, form: Format) -> str:
    """The text that is printed.

    Args:
        answer: of the server.
        form: `json` has the predictions alone, as the server gave them; a table and CSV have what was asked
            beside them, where that was a table.
    """
    if form == "json":
        return json.dumps({"predictions": answer.predictions})
    asked = answer.columns or {}
    given = _columns(answer.predictions)
    # A prediction can be called as the column that it is for.
    names = [*asked, *(f"{name} (predicted)" if name in asked else name for name in given)]
    columns = [*asked.values(), *given.values()]
    return _csv(names, columns) if form == "csv" else _table(names, columns, len(given))


def _columns(predictions: Sequence[Any]) -> dict[str, list[Any]]:
    if predictions and all(isinstance(each, dict) for each in predictions):
        names = dict.fromkeys(name for each in predictions for name in each)
        return {name: [each.get(name) for each in predictions] for name in names}
    return {"prediction": list(predictions)}


def _text(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False)


def _csv(names: Sequence[str], columns: Sequence[Sequence[Any]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_text(value) for value in row] for row in zip(*columns, strict=True))
    return out.getvalue().rstrip("\n")


def _table(names: Sequence[str], columns: Sequence[Sequence[Any]], predicted: int) -> str:
    made = [_aligned(name, values) for name, values in zip(names, columns, strict=True)]
    kept, left_out = _fitting(made, predicted)
    lines = [_GAP.join(row).rstrip() for row in zip(*kept, strict=True)]
    rows = len(columns[0])
    if left_out:
        lines.append(f"({rows} rows; {left_out} columns more than fit here: --output csv has them)")
    return "\n".join(lines)


def _aligned(name: str, values: Sequence[Any]) -> list[str]:
    cells = [_printable(name), *(_printable(_text(value)) for value in values)]
    width = max(map(_width, cells))
    numbers = all(value is None or isinstance(value, (int, float)) for value in values)
    if numbers:
        return [" " * (width - _width(cell)) + cell for cell in cells]
    return [cell + " " * (width - _width(cell)) for cell in cells]


def _printable(text: str) -> str:
    # A terminal would obey control characters that a server sends.
    plain = "".join(each if each.isprintable() else "�" for each in text)
    return plain if len(plain) <= _LONGEST else f"{plain[: _LONGEST - 1]}…"


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in text)


def _fitting(columns: list[list[str]], predicted: int) -> tuple[list[list[str]], int]:
    """The columns that a terminal has room for, predictions first, and how many it has not."""
    if sys.stdout is None or not sys.stdout.isatty():
        return columns, 0
    room = shutil.get_terminal_size().columns - sum(_width(c[0]) + len(_GAP) for c in columns[-predicted:])
    kept = []
    for column in columns[:-predicted]:
        room -= _width(column[0]) + len(_GAP)
        if room < 0:
            break
        kept.append(column)
    return [*kept, *columns[-predicted:]], len(columns) - predicted - len(kept)
