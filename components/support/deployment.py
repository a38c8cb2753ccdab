"""What the steps that deploy share: where they may run, and what they ask a new server."""

from __future__ import annotations

import math
import os
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from components.support.context import Context
from components.support.models import inputs
from pipelines.sdk.errors import EnvironmentProblem, Finding, PipelineError

BY_HAND: Final = "by-hand"
QUESTION: Final[dict[str, Any]] = {"columns": ["temp"], "data": [[12.8]]}


def local_run_id() -> str:
    """Under which name this run's challenger is known on this machine.

    Raises:
        EnvironmentProblem: this is a cluster.
    """
    if "KUBERNETES_SERVICE_HOST" in os.environ:
        raise EnvironmentProblem(
            Finding(
                "deploying to KServe is not part of this version",
                "deployment",
                "run the pipeline on a laptop, or deploy the registered version by hand",
            )
        )
    return Context.read().run_id or BY_HAND


def sample(holdout: pd.DataFrame, count: int) -> pd.DataFrame:
    """So many rows of the hold-out, evenly over its time, so that every season is asked for."""
    chosen = np.linspace(0, len(holdout) - 1, num=min(count, len(holdout))).round().astype(int)
    return holdout.iloc[sorted(set(chosen.tolist()))].reset_index(drop=True)


def body(rows: pd.DataFrame) -> dict[str, Any]:
    """A request for these rows: what is missing is null."""
    table = inputs(rows)
    data = [[None if pd.isna(cell) else cell for cell in row] for row in table.itertuples(index=False)]
    return {"columns": list(table.columns), "data": data}


def check_identity(url: str, service: str, model_id: str) -> None:
    """Make sure that the server at this address has this model.

    Raises:
        PipelineError: it has another, or none answers.
    """
    from pipelines.sdk.serving.probe import metadata

    try:
        served = metadata(url, service, timeout=10).get("parameters", {}).get("model_id")
    except (OSError, ValueError) as error:
        raise PipelineError(Finding(f"no model server answers: {error}", url, "deploy again")) from error
    if served != model_id:
        raise PipelineError(Finding(f"it serves {served}, not {model_id}", url, "deploy again"))


def check_answers(given: list[Any], expected: NDArray[np.float64], url: str) -> None:
    """Make sure that a server answers what MLflow answers, to the last bit.

    Raises:
        PipelineError: it does not; the first difference is named.
    """
    if len(given) != len(expected):
        raise PipelineError(Finding(f"{len(given)} answers to {len(expected)} rows", url))
    for row, (ours, theirs) in enumerate(zip(given, expected.tolist(), strict=True), start=1):
        if not isinstance(ours, int | float) or not math.isfinite(ours) or ours != theirs:
            raise PipelineError(Finding(f"row {row}: it answers {ours!r}, MLflow {theirs!r}", url))
