"""CSV from a client: a header, then text that becomes JSON values by the type of its column."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

from pipelines.sdk.serving.protocols.columns import Kind, listed
from pipelines.sdk.serving.protocols.problems import Refused
from pipelines.sdk.serving.protocols.table import Signature, Table, from_rows

_NUMBER: Final = re.compile(r"[+-]?(?:\d+(\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_WHOLE: Final = re.compile(r"[+-]?\d{1,40}", re.ASCII)
# A whole column at once, its cells joined by commas. Possessive: nothing is kept of the cells behind.
_NUMBERS: Final = re.compile(rf"(?:{_NUMBER.pattern},)*+{_NUMBER.pattern}", re.ASCII)
_WHOLES: Final = re.compile(rf"(?:{_WHOLE.pattern},)*+{_WHOLE.pattern}", re.ASCII)
_BOOLEANS: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


def read(body: bytes, signature: Signature) -> Table:
    """The table of a CSV body; an empty cell is null.

    Raises:
        Refused: it is not UTF-8, not CSV, has no header or a row of another length.
    """
    try:
        lines = list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True))
    except UnicodeDecodeError as error:
        raise Refused(f"the body is not UTF-8: byte {error.start}", kind="csv") from None
    except csv.Error as error:
        raise Refused(f"the body is not CSV: {error}", kind="csv") from None
    lines = [line for line in lines if line]
    if not lines:
        raise Refused("the body has no header line", kind="csv")
    table = from_rows(lines[0], lines[1:])
    values = {
        name: _values(listed(cells), signature.kinds.get(name)) for name, cells in table.columns.items()
    }
    return Table(values, table.rows)


def _values(cells: Sequence[str], kind: Kind | None) -> list[Any]:
    if kind in (Kind.STRING, Kind.BINARY, Kind.DATETIME):
        return [cell or None for cell in cells]
    if kind is Kind.BOOLEAN:
        return [_BOOLEANS.get(cell, cell) if cell else None for cell in cells]
    if kind in (Kind.FLOAT, Kind.DOUBLE):
        return _read(cells, _NUMBERS, float, _real)
    if kind in (Kind.INTEGER, Kind.LONG):
        return _read(cells, _WHOLES, int, number)
    return _guessed(cells)


def _read(
    cells: Sequence[str], column: re.Pattern[str], reader: type[float] | type[int], one: Callable[[str], Any]
) -> list[Any]:
    if column.fullmatch(",".join(cells)):
        with suppress(ValueError):  # two numbers and a comma, all in one cell
            return list(map(reader, cells))
    return [one(cell) if cell else None for cell in cells]


def _real(cell: str) -> float | str:
    return float(cell) if _NUMBER.fullmatch(cell) else cell


def number(cell: str) -> int | float | str:
    """The number that a cell holds, or the text as it is."""
    if _WHOLE.fullmatch(cell):
        return int(cell)
    return float(cell) if _NUMBER.fullmatch(cell) else cell


def _guessed(cells: Sequence[str]) -> list[Any]:
    # Without a type all cells decide together: a column of numbers, of booleans, else of texts.
    readers: tuple[Callable[[str], Any], ...] = (number, lambda cell: _BOOLEANS.get(cell, cell))
    for reader in readers:
        values = [reader(cell) if cell else None for cell in cells]
        if not any(isinstance(value, str) for value in values):
            return values
    return [cell or None for cell in cells]
