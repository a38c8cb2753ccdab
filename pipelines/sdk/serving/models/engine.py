"""Asks the model. What it cannot take is the client's mistake, and everything else is the model's."""

from __future__ import annotations

import logging
import re
from typing import Any, Final

from mlflow.exceptions import MlflowException

from pipelines.sdk.serving.models.served import ServedModel
from pipelines.sdk.serving.protocols.problems import Refused, quoted, shorten, without_paths
from pipelines.sdk.serving.protocols.table import Query

_log = logging.getLogger(__name__)
# MLflow tells of a parameter's type in the words of its own code.
_PARAMETER: Final = re.compile(r"Failed to validate type and shape for '(.*?)': (\w+)")


def ask(model: ServedModel, query: Query) -> Any:
    """The model's prediction.

    Raises:
        Refused: the model refuses the data (400), or fails (500).
    """
    try:
        return model.predict(query.data, query.params)
    except Exception as error:  # a model's own code can raise anything; the log gets the trace
        raise _refusal(error) from error


def _refusal(error: Exception) -> Refused:
    """The model has answered its own example, so a value or type that it cannot take is the request's."""
    reason = str(error)
    if isinstance(error, MlflowException):
        if _status(error) < 500:
            if wrong := _PARAMETER.search(reason):
                return Refused(f"parameter {quoted(wrong[1])} must be a {wrong[2]}", kind="params")
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
