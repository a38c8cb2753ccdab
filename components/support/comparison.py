"""Challenger, champion and baseline on the same hold-out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from components.support.gate import MODES, Champion, Mode, Verdict, best, days_in_common, judge
from components.support.metrics import METRICS, Metric, Scores, score
from components.support.models import DAYS_TAG, days_of
from components.support.trained import CannotLoad, ask, champion, model_of, model_tags
from pipelines.sdk.errors import Finding, PipelineError, UsageError

if TYPE_CHECKING:
    from mlflow import MlflowClient


@dataclass(frozen=True)
class Comparison:
    """What came out.

    Args:
        model_id: the challenger's.
        forecast: the challenger's, °C, one for each row of the hold-out.
        scores: of `challenger`, `baseline` and, where it could be compared, `champion`.
        champion_version: empty where there is no champion.
        verdict: the gate's.
    """

    model_id: str
    forecast: NDArray[np.float64]
    scores: Mapping[str, Scores]
    champion_version: str
    verdict: Verdict


def compare(
    client: MlflowClient,
    holdout: pd.DataFrame,
    model_ids: Sequence[str],
    validation: Sequence[float],
    model_name: str,
    gate: str,
    metric: str,
) -> Comparison:
    """Choose the challenger by the validation scores and judge it on the hold-out.

    Args:
        client: of the store that has the models.
        holdout: rows with the models' inputs, `target` and `target_date`.
        model_ids: of the candidates.
        validation: their scores, mean absolute errors.
        model_name: of the registered model.
        gate: `off`, `report` or `enforce`.
        metric: a name of METRICS.

    Raises:
        PipelineError: a setting is wrong, there is no candidate or no hold-out, or the challenger is gone.
    """
    _check(gate, metric, holdout)
    judged_by = METRICS[metric]
    challenger = _challenger(model_ids, validation)
    forecasts = {
        "challenger": _ask_challenger(client, challenger, holdout),
        "baseline": holdout["temp"].to_numpy(),
    }
    serving, obstacle = champion(client, model_name), ""
    if serving is not None:
        obstacle, asked = _ask_champion(client, model_of(serving), holdout)
        if asked is not None:
            forecasts["champion"] = asked
    scores = _scores(holdout, forecasts)
    values = {name: _value(scored, judged_by) for name, scored in scores.items()}
    opponent = None
    if serving is not None:
        opponent = Champion(str(serving.version), model_of(serving), values.get("champion"), obstacle)
    mode: Mode = gate  # type: ignore[assignment]  # checked above
    verdict = judge(mode, judged_by, challenger, values["challenger"], values["baseline"], opponent)
    version = opponent.version if opponent else ""
    return Comparison(challenger, forecasts["challenger"], scores, version, verdict)


def _check(gate: str, metric: str, holdout: pd.DataFrame) -> None:
    wrong = []
    if gate not in MODES:
        wrong.append(Finding(f"{gate!r} is no mode", "gate", f"choose {', '.join(MODES)}"))
    if metric not in METRICS:
        wrong.append(Finding(f"{metric!r} is no metric", "metric", f"choose {', '.join(METRICS)}"))
    if holdout.empty:
        wrong.append(Finding("no rows", "hold-out", "give split_data a larger share for it"))
    if wrong:
        raise UsageError(*wrong)


def _scores(holdout: pd.DataFrame, forecasts: Mapping[str, NDArray[np.float64]]) -> dict[str, Scores]:
    truth = holdout["target"].to_numpy()
    days = holdout["target_date"].dt.strftime("%Y-%m-%d").tolist()
    return {name: score(truth, values, forecasts["baseline"], days) for name, values in forecasts.items()}


def _challenger(model_ids: Sequence[str], validation: Sequence[float]) -> str:
    if len(model_ids) != len(validation):
        raise PipelineError(Finding(f"{len(model_ids)} models have {len(validation)} scores", "candidates"))
    if not model_ids:
        raise PipelineError(Finding("none was trained", "candidates", "name one, such as {'name': 'ridge'}"))
    return best(zip(model_ids, validation, strict=True), METRICS["mae"])


def _ask_challenger(client: MlflowClient, model_id: str, holdout: pd.DataFrame) -> NDArray[np.float64]:
    import mlflow

    try:
        return ask(client, model_id, holdout)
    except CannotLoad as error:
        what = f"the model {model_id} that training logged cannot be used: {error.findings[0].what}"
        mend = "if training came from the cache and the store was emptied since, run again with --no-cache"
        raise PipelineError(Finding(what, f"MLflow store {mlflow.get_tracking_uri()}", mend)) from error


def _ask_champion(
    client: MlflowClient, model_id: str, holdout: pd.DataFrame
) -> tuple[str, NDArray[np.float64] | None]:
    """Why the champion cannot be compared, or its forecasts."""
    try:
        trained = model_tags(client, model_id).get(DAYS_TAG)
        if trained is None:
            return "the days it was trained on are not recorded", None
        common = days_in_common(trained, days_of(holdout))
        if common:
            span = f"{common[0]} to {common[-1]}" if len(common) > 1 else f"{common[0]}"
            return f"it was trained on {len(common)} of the hold-out's days ({span})", None
        return "", ask(client, model_id, holdout)
    except CannotLoad as error:
        return error.findings[0].what, None


def _value(scores: Scores, metric: Metric) -> float:
    if metric.name not in scores.overall:
        what = "skill has no value where the baseline makes no error"
        raise PipelineError(Finding(what, "metric", "judge by mae"))
    return scores.overall[metric.name]
