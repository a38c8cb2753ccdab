"""Runs the model's `predict`: quick calls on the event loop, slow ones in a thread; errors are refusals."""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from mlflow.exceptions import MlflowException

from pipelines.sdk.serving.models.served import ServedModel
from pipelines.sdk.serving.protocols.problems import Refused, shorten, without_paths
from pipelines.sdk.serving.protocols.table import Query, rows_of

_log = logging.getLogger(__name__)

# A hop to a thread and back costs about a tenth of a millisecond, and the two threads then contend for the
# interpreter; a call that holds up the event loop delays everyone else, health checks too. This divides them.
QUICK_SECONDS: Final = 0.005
_BATCH: Final = 1000


class Engine:
    """One model, asked by one caller at a time: not every model is safe to call from two threads.

    Args:
        model: which.
    """

    def __init__(self, model: ServedModel) -> None:
        self._model = model
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="predict")
        self._queued = 0
        # Until a call has been measured, calls are taken for slow ones.
        self._seconds = 1.0

    async def predict(self, query: Query) -> Any:
        """The model's prediction.

        Raises:
            Refused: the model refuses the data (400), or fails (500).
        """
        if not self._queued and self._seconds < QUICK_SECONDS and rows_of(query.data) <= _BATCH:
            return self._call(query)
        self._queued += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._call, query)
        finally:
            self._queued -= 1

    def close(self) -> None:
        """End the thread once its call has ended."""
        self._thread.shutdown(wait=False)

    def _call(self, query: Query) -> Any:
        started = time.perf_counter()
        try:
            return self._model.predict(query.data, query.params)
        except (
            Exception
        ) as error:  # a model's own code can raise anything; the client gets a reason, the log the trace
            raise _refusal(error) from error
        finally:
            self._measure(time.perf_counter() - started, rows_of(query.data))

    def _measure(self, seconds: float, rows: int) -> None:
        # A batch says little about one row: only what small calls take decides, and slow ones weigh at once.
        if rows <= _BATCH:
            self._seconds = max(seconds, 0.8 * self._seconds) if seconds < 1 else 1.0


def _refusal(error: Exception) -> Refused:
    """The model has answered its own example, so a value or type that it cannot take is the request's."""
    reason = str(error)
    if isinstance(error, MlflowException):
        if _status(error) < 500:
            return Refused(_tidy(reason.rpartition("Error: ")[2]), kind="schema")
    elif isinstance(error, (ValueError, TypeError, OverflowError)):
        return Refused(f"the model refuses this input: {_tidy(reason)}", kind="model_input")
    _log.error("the model failed", exc_info=error)
    return Refused(f"the model failed: {type(error).__name__}", status=500, kind="model")


def _status(error: Any) -> int:
    # MLflow's method has no types.
    return int(error.get_http_status_code())


def _tidy(reason: str) -> str:
    first = reason.strip().partition("\n")[0]
    return shorten(without_paths(first), 180)
