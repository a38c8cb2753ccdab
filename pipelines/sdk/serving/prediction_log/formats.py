"""Records as files: JSON lines, or Parquet where pyarrow is installed."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pipelines.sdk.errors import EnvironmentProblem, Finding
from pipelines.sdk.serving.prediction_log.records import Record
from pipelines.sdk.serving.protocols import predictions

JSONL: Final = "jsonl"
PARQUET: Final = "parquet"


@dataclass(frozen=True)
class Format:
    """How records become the bytes of a file, piece by piece.

    Args:
        suffix: of the file's name.
        piece: some records, encoded, and the bytes that they take.
        whole: the file that pieces make.
    """

    suffix: str
    piece: Callable[[Sequence[Record]], tuple[Any, int]]
    whole: Callable[[Sequence[Any]], bytes]


def format_of(name: str) -> Format:
    """The format of that name.

    Raises:
        EnvironmentProblem: it is Parquet, and pyarrow is not installed.
    """
    return _parquet() if name == PARQUET else Format(".jsonl", _lines, b"".join)


def _lines(records: Sequence[Record]) -> tuple[bytes, int]:
    text = b"".join(predictions.dumps(record) + b"\n" for record in records)
    return text, len(text)


def _parquet() -> Format:
    try:
        # Not in the server's image: with its 150 MB it weighs as much as everything else there.
        import pyarrow as pa  # type: ignore[import-untyped, import-not-found, unused-ignore]
        import pyarrow.parquet as pq  # type: ignore[import-untyped, import-not-found, unused-ignore]
    except ImportError as error:
        mend = "write JSON lines, or add pyarrow to platform/images/server.txt"
        raise EnvironmentProblem(Finding("Parquet needs pyarrow, which is not here", "", mend)) from error

    def piece(records: Sequence[Record]) -> tuple[Any, int]:
        flat = [_flat(record) for record in records]
        names = dict.fromkeys(name for record in flat for name in record)
        table = pa.table({name: _array(pa, [record.get(name) for record in flat]) for name in names})
        return table, table.nbytes

    def whole(tables: Sequence[Any]) -> bytes:
        # A column can be null throughout one piece and have its type in the next.
        try:
            table = pa.concat_tables(tables, promote_options="permissive")
        except pa.ArrowException:
            table = pa.concat_tables([_as_texts(pa, t) for t in tables], promote_options="permissive")
        file = io.BytesIO()
        pq.write_table(table, file, compression="zstd")
        return file.getvalue()

    return Format(".parquet", piece, whole)


def _flat(record: Record) -> Record:
    inputs = {f"inputs.{name}": value for name, value in record["inputs"].items()}
    return {key: value for key, value in record.items() if key != "inputs"} | inputs


def _array(pa: Any, values: list[Any]) -> Any:
    try:
        return pa.array(values)
    except pa.ArrowException:  # values of different types, which the model's signature allows
        return pa.array([_text(value) for value in values])


def _as_texts(pa: Any, table: Any) -> Any:
    """The table with what a request or a model decides as JSON text: it has no type that all rows share."""
    columns = {}
    for name in table.column_names:
        free = name == "prediction" or name.startswith("inputs.")
        values = table[name].to_pylist() if free else None
        columns[name] = table[name] if values is None else pa.array([_text(value) for value in values])
    return pa.table(columns)


def _text(value: Any) -> str | None:
    return None if value is None else predictions.dumps(value).decode()
