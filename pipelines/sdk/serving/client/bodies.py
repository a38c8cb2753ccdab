"""What is sent: files, standard input or a dict, as the protocols want tables."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.sdk.errors import Finding, UsageError

Columns = dict[str, list[Any]]


@dataclass(frozen=True)
class Document:
    """A request as somebody wrote it.

    Args:
        text: JSON or CSV.
        is_csv: which of them.
        where: it comes from, for messages.
    """

    text: str
    is_csv: bool
    where: str

    @property
    def content(self) -> dict[str, Any]:
        """The object that it is; of CSV the table, each cell a text, and None where it is empty.

        Raises:
            UsageError: it is neither JSON nor CSV, or no object.
        """
        try:
            content = self._table() if self.is_csv else json.loads(self.text)
        except (ValueError, csv.Error, IndexError) as error:
            what = f"is neither JSON nor CSV: {error}"
            raise UsageError(Finding(what, self.where, "mend the file")) from error
        if not isinstance(content, dict):
            mend = 'for example {"columns": [...], "data": [[...]]}'
            raise UsageError(Finding("must hold an object", self.where, mend))
        return content

    def _table(self) -> dict[str, Any]:
        lines = [line for line in csv.reader(io.StringIO(self.text, newline=""), strict=True) if line]
        return {"columns": lines[0], "data": [[cell or None for cell in line] for line in lines[1:]]}


def document(source: Path | bytes) -> Document:
    """A request in a file or in bytes, which are JSON where they begin with a brace and else CSV.

    Args:
        source: path of a file, which is CSV where it ends so, or bytes from standard input.

    Raises:
        UsageError: the file cannot be read, or is no text.
    """
    where = str(source) if isinstance(source, Path) else "standard input"
    try:
        text = (source.read_bytes() if isinstance(source, Path) else source).decode("utf-8-sig")
    except OSError as error:
        finding = Finding(f"cannot be read: {error.strerror}", where, "give a JSON or CSV file")
        raise UsageError(finding) from error
    except ValueError as error:
        raise UsageError(Finding(f"is no text: {error}", where, "write it in UTF-8")) from error
    is_csv = (
        source.suffix.lower() == ".csv" if isinstance(source, Path) else text.lstrip()[:1] not in ("{", "[")
    )
    return Document(text, is_csv, where)


def dumped(value: Any) -> bytes:
    """JSON text.

    Raises:
        UsageError: JSON cannot hold the value.
    """
    try:
        return json.dumps(value, allow_nan=False).encode()
    except (ValueError, TypeError) as error:
        finding = Finding(f"cannot be sent as JSON: {error}", "body", "write a missing value as null")
        raise UsageError(finding) from error


def split(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """MLflow 1's bare `columns` and `data`, which today's MLflow servers do not take, as they want it."""
    if not {"columns", "data"} <= body.keys():
        return body
    parts = {key: body[key] for key in ("columns", "data", "index") if key in body}
    return {"dataframe_split": parts, **{key: value for key, value in body.items() if key not in parts}}


def table(body: Mapping[str, Any]) -> Columns | None:
    """The columns of a body in any form that has some; None for one that has none.

    Raises:
        UsageError: a row has more or fewer values than there are columns.
    """
    split = body.get("dataframe_split", body)
    if isinstance(split, Mapping) and "columns" in split and "data" in split:
        for row in split["data"]:
            if len(row) != len(split["columns"]):
                what = f"a row has {len(row)} values for {len(split['columns'])} columns"
                raise UsageError(Finding(what, "body"))
        return {name: [row[i] for row in split["data"]] for i, name in enumerate(split["columns"])}
    records = body.get("dataframe_records", body.get("instances"))
    if isinstance(records, list) and records and all(isinstance(record, dict) for record in records):
        names = dict.fromkeys(name for record in records for name in record)
        return {name: [record.get(name) for record in records] for name in names}
    return None


def shown(body: Mapping[str, Any]) -> Columns | None:
    """The columns of a body that was answered, in V2's form or V1's too, to be shown beside the answer."""
    inputs = body.get("inputs")
    if isinstance(inputs, list) and inputs and all(isinstance(tensor, dict) for tensor in inputs):
        return {tensor["name"]: tensor["data"] for tensor in inputs if "data" in tensor and "name" in tensor}
    if isinstance(inputs, dict) and all(isinstance(values, list) for values in inputs.values()):
        return inputs
    return table(body)


def needed_table(body: Mapping[str, Any], what_for: str) -> Columns:
    """The columns of a body that must have some.

    Raises:
        UsageError: it has none.
    """
    columns = table(body)
    if columns is None:
        finding = Finding(f"has no table that can be sent as {what_for}", "body", 'give "columns" and "data"')
        raise UsageError(finding)
    return columns


def from_cells(columns: Columns, datatypes: Mapping[str, str]) -> Columns:
    """The texts of a CSV file as the values that they stand for, just as our server reads CSV.

    What does not read as its type stays a text; the server says what is wrong with it.

    Args:
        columns: texts, and None for empty cells.
        datatypes: V2's, of the model's inputs by name; where one is unknown, all cells of the column decide.
    """
    return {name: _values(cells, datatypes.get(name)) for name, cells in columns.items()}


def _values(cells: list[Any], datatype: str | None) -> list[Any]:
    # Brings numpy and pandas along, which take half a second and nothing but CSV needs.
    from pipelines.sdk.serving.protocols.sheets import number

    if datatype == "BYTES":
        return cells
    if datatype is not None:
        reader = _boolean if datatype == "BOOL" else number
        return [cell and reader(cell) for cell in cells]
    for guess in (number, _boolean):
        values = [cell and guess(cell) for cell in cells]
        if not any(isinstance(value, str) for value in values):
            return values
    return cells


def _boolean(cell: str) -> bool | str:
    return {"true": True, "false": False}.get(cell.lower(), cell)


def tensors(columns: Columns, datatypes: Mapping[str, str]) -> list[dict[str, Any]]:
    """Columns as V2 wants them; one that is empty in every row is left out.

    Args:
        columns: the table.
        datatypes: of the model's inputs, by name; by the values where one is unknown.
    """
    return [
        {
            "name": name,
            "shape": [len(values)],
            "datatype": datatypes.get(name) or _datatype(values),
            "data": values,
        }
        for name, values in columns.items()
        if any(value is not None for value in values) or not values
    ]


def _datatype(values: list[Any]) -> str:
    kinds = frozenset(type(value) for value in values if value is not None)
    names = {frozenset({bool}): "BOOL", frozenset({int}): "INT64", frozenset({str}): "BYTES"}
    return names.get(kinds, "FP64")


def instances(columns: Columns) -> list[dict[str, Any]]:
    """Columns as V1 wants them: one object a row."""
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
