"""A table that a client sent, and what a model's signature makes of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd

from pipelines.sdk.serving.protocols import tensors
from pipelines.sdk.serving.protocols.columns import Array, Column, Kind, Values, convert, listed
from pipelines.sdk.serving.protocols.jsontext import named, shallow
from pipelines.sdk.serving.protocols.problems import Refused, quoted
from pipelines.sdk.serving.protocols.tensors import Tensor

ModelInput: TypeAlias = "Frame | pd.DataFrame | Array | dict[str, Array] | list[Any]"

_SPARSE_CELLS: Final = 10_000_000
_SPARSEST: Final = 10
_MOST_COLUMNS: Final = 50_000  # ten microseconds each, in pandas; a signature needs no such limit


@dataclass(frozen=True)
class Frame:
    """A table with the types of the model's signature: a DataFrame before it costs as much as one.

    Args:
        columns: by name, or by position where the signature has no names; in the signature's order.
        rows: how many.
    """

    columns: Mapping[Any, Array]
    rows: int

    def __len__(self) -> int:
        """The rows."""
        return self.rows

    def block(self) -> Array:
        """The columns, of numbers, side by side.

        Of the type and memory layout that pandas' `to_numpy` gives: the layout decides the last bit of a sum.
        """
        dtypes = {column.dtype for column in self.columns.values()}
        dtype = dtypes.pop() if len(dtypes) == 1 else np.result_type(*dtypes)
        block = np.empty((len(self.columns), self.rows), dtype)
        for index, column in enumerate(self.columns.values()):
            block[index] = column
        return block.T

    def to_pandas(self) -> pd.DataFrame:
        """The same table in pandas; nothing in it is shared with this one."""
        dtypes = {column.dtype for column in self.columns.values()}
        if len(dtypes) == 1 and dtypes.pop().kind in "iuf":
            # What pandas makes of a dict in the end, in a sixth of the time.
            # A view: what a model does to the labels of its table stays there.
            return pd.DataFrame(self.block(), columns=_labels(tuple(self.columns)).view(), copy=False)
        return pd.DataFrame(dict(self.columns), index=pd.RangeIndex(self.rows))


@lru_cache(maxsize=64)
def _labels(names: tuple[Any, ...]) -> Any:
    return pd.Index(names)


@dataclass(frozen=True)
class Signature:
    """What a model takes; all empty for a model without signature.

    Args:
        columns: of a table, or
        tensors: arrays, or
        raw: whether it takes a list of values that its own type hints describe.
        named: whether columns are found by name; else by position.
        params: names of the parameters that a request can set.
    """

    columns: tuple[Column, ...] = ()
    tensors: tuple[Tensor, ...] = ()
    raw: bool = False
    named: bool = True
    params: frozenset[str] = frozenset()

    @cached_property
    def kinds(self) -> Mapping[str, Kind]:
        """The types of the columns by name; empty where they have none."""
        return {column.name: column.kind for column in self.columns} if self.named else {}


@dataclass(frozen=True)
class Table:
    """Values by column, all columns of one length.

    Args:
        columns: by name: values as JSON has them, or arrays of numbers or booleans without null.
        rows: how many.
    """

    columns: Mapping[str, Values]
    rows: int


def from_rows(names: Sequence[Any], rows: Sequence[Any]) -> Table:
    """A table from column names and rows.

    Raises:
        Refused: a name is no text or there twice, or a row is not a list of as many values.
    """
    if other := [name for name in names if not isinstance(name, str)]:
        raise Refused(f"column names must be texts, not {named(other[0])}", kind="shape")
    if len(set(names)) < len(names):
        twice = next(name for name, times in Counter(names).items() if times > 1)
        raise Refused(f"column {quoted(twice)} is there twice", kind="shape")
    if set(map(type, rows)) - {list} or set(map(len, rows)) - {len(names)}:
        _refuse_row(rows, len(names))
    return Table(
        dict(zip(names, zip(*rows, strict=True) if rows else [()] * len(names), strict=True)), len(rows)
    )


def _refuse_row(rows: Sequence[Any], width: int) -> None:
    for index, row in enumerate(rows):
        if not isinstance(row, list):
            raise Refused(f"row {index} must be a list, not {named(row)}", kind="shape")
        if len(row) != width:
            raise Refused(f"row {index} has {len(row)} values for {width} columns", kind="shape")


def from_records(records: Sequence[Any], known: Collection[str] = ()) -> Table:
    """A table from one object a row; a key that a row lacks is null there.

    Args:
        records: the rows.
        known: columns of the model; none, where it takes any.

    Raises:
        Refused: a row is no object, or the rows have hardly a column in common.
    """
    if set(map(type, records)) - {dict}:
        index = next(i for i, record in enumerate(records) if type(record) is not dict)
        raise Refused(f"row {index} must be an object, not {named(records[index])}", kind="shape")
    if len(set(map(len, records))) == 1:
        with suppress(KeyError):
            return Table({name: [record[name] for record in records] for name in records[0]}, len(records))
    names = [name for name in dict.fromkeys(chain.from_iterable(records)) if not known or name in known]
    # One value in each of as many columns as rows: a small body would become a table without end.
    cells = len(names) * len(records)
    if cells > _SPARSE_CELLS and cells > _SPARSEST * sum(map(len, records)):
        reason = f"{len(records)} rows with {len(names)} different columns have too little in common"
        raise Refused(reason, kind="shape")
    return Table({name: [record.get(name) for record in records] for name in names}, len(records))


def from_columns(columns: Mapping[str, Any]) -> Table:
    """A table from a list of values a column.

    Raises:
        Refused: a column is no list, or is longer than another.
    """
    for name, values in columns.items():
        if not isinstance(values, (list, np.ndarray)):
            raise Refused(f"column {quoted(name)} must be a list, not {named(values)}", kind="shape")
    first, rows = next(((name, len(values)) for name, values in columns.items()), ("", 0))
    for name, values in columns.items():
        if len(values) != rows:
            both = f"{quoted(first)} {rows}, {quoted(name)} {len(values)}"
            raise Refused(f"columns differ in length: {both}", kind="shape")
    return Table(columns, rows)


def model_input(table: Table, signature: Signature) -> ModelInput:
    """The table as the model's signature wants it, every value exactly as it was sent.

    Columns that the signature does not name are left out, as MLflow does. A column that is not required can
    be absent; one that is null in every row counts as absent.

    Raises:
        Refused: a required column is missing, or a value does not fit.
    """
    if signature.tensors:
        return tensors.of_columns(table.columns, signature.tensors)
    if not signature.columns:
        if len(table.columns) > _MOST_COLUMNS:
            raise Refused(f"more than {_MOST_COLUMNS} columns are too many", kind="shape")
        columns = {name: shallow(listed(values)) for name, values in table.columns.items()}
        return pd.DataFrame(columns, index=range(table.rows))
    if not signature.named:
        return _by_position(table, signature.columns)
    missing = [c.name for c in signature.columns if c.required and c.name not in table.columns]
    if missing:
        told = ", ".join(quoted(name) for name in missing)
        raise Refused(f"missing required column{'s' if len(missing) > 1 else ''} {told}", kind="missing")
    given = {c.name: convert(c, table.columns[c.name]) for c in signature.columns if _given(c, table)}
    return Frame(given, table.rows)


def _given(column: Column, table: Table) -> bool:
    if column.required:
        return True
    values = table.columns.get(column.name)
    if values is None or isinstance(values, np.ndarray):
        return values is not None
    return not values or any(value is not None for value in values)


def _by_position(table: Table, columns: Sequence[Column]) -> Frame:
    if len(table.columns) != len(columns):
        raise Refused(f"the model takes {len(columns)} columns, not {len(table.columns)}", kind="shape")
    pairs = zip(columns, table.columns.values(), strict=True)
    return Frame({i: convert(column, values) for i, (column, values) in enumerate(pairs)}, table.rows)


def rows_of(data: ModelInput) -> int:
    """How many rows an input has."""
    if isinstance(data, dict):
        return len(next(iter(data.values()), ()))
    if isinstance(data, np.ndarray) and data.ndim == 0:
        return 1
    return len(data)


def numeric_columns(data: ModelInput) -> Mapping[str, Array]:
    """The columns of numbers and booleans of a table, by name; NaN where a value is missing.

    Empty for a model of arrays. With a signature nothing is copied: these are the arrays that the model gets.
    """
    if isinstance(data, pd.DataFrame):
        data = Frame({str(name): column.to_numpy() for name, column in data.items()}, len(data))
    if not isinstance(data, Frame):
        return {}
    return {str(name): array for name, array in data.columns.items() if array.dtype.kind in "iufb"}


@dataclass(frozen=True)
class Query:
    """One request for predictions.

    Args:
        data: what the model's `predict` takes.
        params: values for the model's own parameters, if the request has any.
    """

    data: ModelInput
    params: dict[str, Any] | None = None
