"""Answered requests to records, one a row."""

from __future__ import annotations

import datetime
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeAlias

import numpy as np
import pandas as pd

from pipelines.sdk.serving.protocols import predictions
from pipelines.sdk.serving.protocols.table import Frame, ModelInput

Record: TypeAlias = dict[str, Any]


class Model(Protocol):
    """What a record says about the model."""

    @property
    def name(self) -> str:
        """In URLs."""

    @property
    def version(self) -> str:
        """Of the registered model; empty where there is none."""

    @property
    def model_id(self) -> str:
        """MLflow's."""


@dataclass(frozen=True, slots=True)
class Answered:
    """One request and its answer.

    Args:
        request_id: the client's, or one that the server made.
        when: seconds since 1970.
        protocol: that the client spoke.
        model: that answered.
        inputs: what the model was asked.
        prediction: what the model returned.
        rows: how many the inputs have.
        first: row of the request that is the first here.
        step: between two rows here, in rows of the request.
    """

    request_id: str
    when: float
    protocol: str
    model: Model
    inputs: ModelInput
    prediction: Any
    rows: int
    first: int = 0
    step: int = 1


def width_of(inputs: ModelInput, rows: int) -> int:
    """How many values a row has, about."""
    if isinstance(inputs, Frame):
        return len(inputs.columns)
    if isinstance(inputs, dict):
        return sum(np.size(array) for array in inputs.values()) // max(rows, 1)
    if isinstance(inputs, (np.ndarray, pd.DataFrame)):
        return inputs.size // max(rows, 1)
    return 1


def thinned(answered: Answered, most: int) -> Answered:
    """Every nth row, beginning with a random one, as copies: the rest is not to be kept in memory.

    Args:
        answered: with all its rows.
        most: rows that are kept.
    """
    rows = answered.rows
    step = -(-rows // most)
    first = random.randrange(step)  # noqa: S311 - no secret
    inputs = _every(answered.inputs, rows, first, step)
    prediction = _every(answered.prediction, rows, first, step)
    kept = len(range(first, rows, step))
    return replace(answered, inputs=inputs, prediction=prediction, rows=kept, first=first, step=step)


def _every(value: Any, rows: int, first: int, step: int) -> Any:
    # What has another number of rows, as some predictions have, stays as it is.
    if isinstance(value, Frame):
        return Frame(_every(value.columns, rows, first, step), len(range(first, rows, step)))
    if isinstance(value, Mapping):
        return {name: _every(item, rows, first, step) for name, item in value.items()}
    if not hasattr(value, "__len__") or isinstance(value, (str, bytes)) or len(value) != rows:
        return value
    if isinstance(value, (pd.DataFrame, pd.Series)):
        return value.iloc[first::step].copy()
    return value[first::step].copy() if isinstance(value, np.ndarray) else value[first::step]


def records(answered: Answered) -> Iterator[Record]:
    """The records of a request, made one by one: a reader can stop in between."""
    moment = datetime.datetime.fromtimestamp(answered.when, datetime.UTC)
    model = answered.model
    stamp = moment.isoformat(timespec="microseconds").removesuffix("+00:00")
    head = {"ts": f"{stamp}Z", "request_id": answered.request_id}
    about = {"model_name": model.name, "version": model.version, "model_id": model.model_id}
    tail = {**about, "protocol": answered.protocol}
    columns = _columns(answered.inputs)
    answers = _by_row(answered.prediction, _length(columns))
    if answers is None:
        whole = predictions.plain(answered.prediction)
        yield {**head, "row": None, **tail, "inputs": columns, "prediction": whole}
        return
    names = list(columns)
    for index, answer in enumerate(answers):
        inputs = {name: columns[name][index] for name in names}
        row = answered.first + index * answered.step
        yield {**head, "row": row, **tail, "inputs": inputs, "prediction": answer}


def _columns(inputs: ModelInput) -> dict[str, Sequence[Any]]:
    if isinstance(inputs, Frame):
        inputs = dict(inputs.columns)
    if isinstance(inputs, (dict, pd.DataFrame)):
        return {str(name): _values(column) for name, column in inputs.items()}
    if isinstance(inputs, np.ndarray) and inputs.ndim == 2:
        return {str(index): column for index, column in enumerate(inputs.T.tolist())}
    return {"input": _values(np.atleast_1d(inputs) if isinstance(inputs, np.ndarray) else inputs)}


def _values(column: Any) -> Sequence[Any]:
    # A row's value is a plain one: what lives on in an array's element is the whole array.
    if isinstance(column, pd.Series):
        column = column.to_numpy()
    if not isinstance(column, np.ndarray):
        return list(column)
    if column.dtype.kind == "M":  # tolist() of nanoseconds gives integers
        column = column.astype("datetime64[us]")
    values: list[Any] = column.tolist()
    return values


def _length(columns: Mapping[str, Sequence[Any]]) -> int:
    return len(next(iter(columns.values()), ()))


def _by_row(prediction: Any, rows: int) -> list[Any] | None:
    """One item a row, or None where there are not as many."""
    if isinstance(prediction, Mapping):
        outputs = {str(name): _by_row(value, rows) for name, value in prediction.items()}
        if any(values is None for values in outputs.values()):
            return None
        return [{name: values[i] for name, values in outputs.items() if values} for i in range(rows)]
    if isinstance(prediction, (np.ndarray, pd.Series)) and prediction.ndim:
        values: Any = _values(prediction)
    else:
        values = predictions.plain(prediction)
    return values if isinstance(values, list) and len(values) == rows else None
