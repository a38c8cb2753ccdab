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


def tensors(columns: Columns, datatypes: Mapping[str, str]) -> list[dict[str, Any]]:
    """Columns as V2 wants them; one that is empty in every row is left out.

    Args:
        columns: the table.
        datatypes: of the model's inputs, by name; a guess where one is unknown.
    """
    return [
        {"name": name, "shape": [len(values)], **_typed(values, datatypes.get(name))}
        for name, values in columns.items()
        if any(value is not None for value in values) or not values
    ]


def instances(columns: Columns, datatypes: Mapping[str, str]) -> list[dict[str, Any]]:
    """Columns as V1 wants them: one object a row.

    Args:
        columns: the table.
        datatypes: of the model's inputs, by name; a guess where one is unknown.
    """
    typed = {name: _typed(values, datatypes.get(name))["data"] for name, values in columns.items()}
    rows = zip(*typed.values(), strict=True)
    return [dict(zip(typed, row, strict=True)) for row in rows]


def _typed(values: list[Any], datatype: str | None) -> dict[str, Any]:
    present = [value for value in values if value is not None]
    if datatype is None:
        names = {frozenset({bool}): "BOOL", frozenset({int}): "INT64", frozenset({str}): "BYTES"}
        datatype = names.get(frozenset(map(type, present)), "FP64")
    if datatype == "BYTES" or not any(isinstance(value, str) for value in present):
        return {"datatype": datatype, "data": values}
    return {"datatype": datatype, "data": [_from_text(value, datatype) for value in values]}


def _from_text(value: Any, datatype: str) -> Any:
    # A cell of a CSV file. What does not read as its type goes as it is; the server says what is wrong.
    if not isinstance(value, str):
        return value
    if datatype == "BOOL":
        return {"true": True, "false": False}.get(value.lower(), value)
    try:
        return json.loads(value)
    except ValueError:
        return value
