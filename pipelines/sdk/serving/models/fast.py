"""How a model is asked: through MLflow, or past it where the answer is the same to the last bit.

`mlflow.pyfunc` spends ten times what a linear model needs on checking and copying a table that is checked
already. A model of scikit-learn is asked directly, the quickest way that surely gives pyfunc's answer:

- with a block of numbers, where the estimator is one that makes just that of a table;
- with the table, made as pyfunc makes it, whatever the estimator does with it.

Each way is tried when the model is loaded, and one that answers otherwise is not taken. All other models are
asked through pyfunc.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd
from mlflow.pyfunc import PyFuncModel
from threadpoolctl import threadpool_limits

from pipelines.sdk.serving.models import estimators, proof
from pipelines.sdk.serving.protocols.columns import Kind
from pipelines.sdk.serving.protocols.table import Frame, ModelInput, Signature

Predict: TypeAlias = Callable[[ModelInput, dict[str, Any] | None], Any]
_PYFUNC_FLAVOR: Final = "python_function"
_SCIKIT_LOADER: Final = "mlflow.sklearn"
_LONG_SECONDS: Final = 0.25


class Way(StrEnum):
    """What a model is given, and by whom."""

    BLOCK = "block"
    TABLE = "table"
    PYFUNC = "pyfunc"


@dataclass(frozen=True)
class Asking:
    """A way to ask a model.

    Args:
        way: which, for an input that has all columns.
        predict: the data and the parameters to the prediction.
    """

    way: Way
    predict: Predict


def quickest(model: PyFuncModel, signature: Signature) -> Asking:
    """The quickest way that gives what `model.predict` gives, bit for bit, refusals included.

    Args:
        model: loaded.
        signature: its own.
    """
    slow = Asking(
        Way.PYFUNC, one_thread(lambda data, params: model.predict(_for_mlflow(data), params=params))
    )
    estimator, method = _scikit(model)
    if estimator is None or signature.raw or any(c.kind is Kind.OTHER for c in signature.columns):
        return slow
    if not signature.columns:
        ask = _by_table(getattr(estimator, method), slow.predict, signature)
        return Asking(Way.TABLE, one_thread(ask))
    tried = list(proof.samples(signature, model.input_example))
    if _takes_long(slow.predict, tried[:1]):
        return slow
    expected = proof.outcomes(slow.predict, tried)
    ways = _direct(estimator, method, slow.predict, signature)
    return next((way for way in ways if proof.same(proof.outcomes(way.predict, tried), expected)), slow)


def _takes_long(predict: Predict, tried: list[Frame]) -> bool:
    # Beside such a prediction pyfunc is nothing, and trying every way on every table would hold up the start.
    proof.outcomes(predict, tried)  # the first one imports what it needs
    started = time.perf_counter()
    proof.outcomes(predict, tried)
    return time.perf_counter() - started > _LONG_SECONDS


def _direct(estimator: Any, method: str, slow: Predict, signature: Signature) -> Iterator[Asking]:
    """The ways past pyfunc, the quickest first."""
    table = _by_table(estimators.asked(estimator, method), slow, signature)
    nameless = estimators.for_blocks(estimator, signature)
    if nameless is not None:
        ask = estimators.asked(nameless, method)
        yield Asking(Way.BLOCK, one_thread(_by_block(ask, table, len(signature.columns))))
    yield Asking(Way.TABLE, one_thread(table))


def one_thread(predict: Predict) -> Predict:
    """The same, with OpenMP kept to one thread.

    The threads of libgomp do not outlive a fork: a worker made after the model has answered once, as every
    model does when it is loaded, would wait for them for ever (GCC 58378). Nor do they pay for the few rows
    of a request. BLAS stays as it is: it survives forks, and its threads can decide the last bit of a sum.
    """
    # OpenMP counts by the thread that calls it.
    here = threading.local()

    def ask(data: ModelInput, params: dict[str, Any] | None) -> Any:
        if not hasattr(here, "limits"):
            here.limits = threadpool_limits(limits=1, user_api="openmp")
        return predict(data, params)

    return ask


def _scikit(model: PyFuncModel) -> tuple[Any, str]:
    """The fitted estimator and the method that MLflow would call; none for a model of another flavour."""
    flavor = model.metadata.flavors.get(_PYFUNC_FLAVOR, {})
    method = str(flavor.get("predict_fn", "predict"))
    if flavor.get("loader_module") != _SCIKIT_LOADER:
        return None, method
    estimator = model.get_raw_model()  # type: ignore[no-untyped-call]
    estimators.keep_to_one_job(estimator)
    return (estimator if hasattr(estimator, method) else None), method


def _by_table(predict: Callable[[Any], Any], slow: Predict, signature: Signature) -> Predict:
    # Numbers in a block of the signature's type and shape are what pyfunc lets through as it is.
    blocks = all(not tensor.name and tensor.dtype.kind in "iufb" for tensor in signature.tensors)

    def ask(data: ModelInput, params: dict[str, Any] | None) -> Any:
        # pyfunc checks parameters by the signature; a table without a column loses its rows in there.
        if params or (isinstance(data, Frame) and not data.columns):
            return slow(data, params)
        if isinstance(data, (Frame, pd.DataFrame)) or (blocks and isinstance(data, np.ndarray)):
            return predict(_for_mlflow(data))
        return slow(data, params)

    return ask


def _by_block(predict: Callable[[Any], Any], table: Predict, width: int) -> Predict:
    def ask(data: ModelInput, params: dict[str, Any] | None) -> Any:
        if params or not isinstance(data, Frame) or len(data.columns) < width:
            return table(data, params)
        return predict(data.block())

    return ask


def _for_mlflow(data: ModelInput) -> Any:
    return data.to_pandas() if isinstance(data, Frame) else data
