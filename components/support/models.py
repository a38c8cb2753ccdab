"""The candidates, and how a fitted one is logged and asked: from settings to an MLflow model and back."""

from __future__ import annotations

import math
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from components.support.features import OPTIONAL_DATE, OPTIONAL_NUMBERS, REQUIRED, WeatherFeatures
from components.support.gate import day_ranges
from components.support.lock import locked_requirements
from pipelines.sdk.errors import Finding, UsageError
from pipelines.sdk.serving.models import closure, profile

if TYPE_CHECKING:
    from mlflow.models import ModelSignature
    from sklearn.pipeline import Pipeline

INPUTS: Final = (OPTIONAL_DATE, REQUIRED, *OPTIONAL_NUMBERS)
TARGET: Final = "target"
TARGET_DATE: Final = "target_date"
DAYS_TAG: Final = "trained_days"
SEED: Final = 0

# Beyond those of scikit-learn and numpy that skops trusts, a model may hold objects of these types only.
TRUSTED: Final = (
    # Ours, shipped with the model: an array of numbers, set by `__setstate__` of BaseEstimator.
    "components.support.features.WeatherFeatures",
    # A tree of the histogram boosting: its nodes are one structured array; loading calls nothing in it.
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    # A tree of the forest: nodes and values in arrays, whose shapes and dtypes its C code checks.
    "sklearn.tree._tree.Tree",
)


@dataclass(frozen=True)
class Candidate:
    """A kind of model.

    Args:
        settings: what can be set, each with the type of its value.
        build: makes the regression.
    """

    settings: Mapping[str, type]
    build: Callable[..., Any]


def _ridge(**settings: float) -> Any:
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), Ridge(**settings))


def _gradient_boosting(**settings: Any) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor

    # Early stopping would set rows aside at random; a series has an order.
    return HistGradientBoostingRegressor(early_stopping=False, random_state=SEED, **settings)


def _random_forest(**settings: Any) -> Any:
    from sklearn.ensemble import RandomForestRegressor

    return RandomForestRegressor(random_state=SEED, **settings)


CANDIDATES: Final[Mapping[str, Candidate]] = {
    "ridge": Candidate({"alpha": float}, _ridge),
    "gradient-boosting": Candidate(
        {
            "loss": str,
            "learning_rate": float,
            "max_iter": int,
            "max_leaf_nodes": int,
            "min_samples_leaf": int,
            "l2_regularization": float,
        },
        _gradient_boosting,
    ),
    "random-forest": Candidate(
        {"n_estimators": int, "max_depth": int, "min_samples_leaf": int, "max_features": float},
        _random_forest,
    ),
}


def fit(settings: Mapping[str, Any], rows: pd.DataFrame) -> Pipeline:
    """A model of the named kind, fitted on rows with INPUTS and TARGET. The same rows give the same model.

    Args:
        settings: `name` of a candidate and what is set of it: `{"name": "ridge", "alpha": 1.0}`.
        rows: what it learns from.

    Raises:
        UsageError: the settings are not of this form, or scikit-learn refuses a value.
    """
    from sklearn.pipeline import make_pipeline
    from sklearn.utils._param_validation import InvalidParameterError
    from threadpoolctl import threadpool_limits

    name, values = _checked(settings)
    model = make_pipeline(WeatherFeatures(), CANDIDATES[name].build(**values))
    try:
        # Candidates are trained side by side, a process each: threads would only wait for each other.
        with threadpool_limits(limits=1):
            return model.fit(inputs(rows), rows[TARGET])
    except InvalidParameterError as error:
        raise UsageError(Finding(str(error), f"candidate {name!r}", "correct the setting")) from None


def forecast(model: Any, rows: pd.DataFrame) -> NDArray[np.float64]:
    """Tomorrow's maximum temperature for each row, °C, of a fitted or a loaded model."""
    return np.asarray(model.predict(inputs(rows)), dtype=np.float64)


def inputs(rows: pd.DataFrame) -> pd.DataFrame:
    """The columns that a model takes, as callers send them: days as ISO text."""
    table = rows[[name for name in INPUTS if name in rows.columns]].copy()
    if OPTIONAL_DATE in table:
        table[OPTIONAL_DATE] = pd.to_datetime(table[OPTIONAL_DATE]).dt.strftime("%Y-%m-%d")
    return table


def log(model: Pipeline, rows: pd.DataFrame, tags: Mapping[str, str]) -> str:
    """Log a fitted model to the active run, complete: nothing else of this project is needed to ask it.

    Args:
        model: fitted on `rows`.
        rows: all that it learned from, with `date` and `target_date`.
        tags: of the logged model, beside its training days and its serving closure.

    Returns:
        MLflow's id of the model, `m-` and 32 digits.
    """
    import mlflow.sklearn
    import skops.io  # noqa: F401 - MLflow imports it while logging; named here, it can be loaded beforehand

    recorded = closure.record()
    tags = {
        **tags,
        DAYS_TAG: day_ranges(days_of(rows)),
        closure.HASH_KEY: recorded[closure.HASH_KEY],
    }
    with tempfile.TemporaryDirectory() as folder:
        info = mlflow.sklearn.log_model(
            model,
            name="model",
            code_paths=[str(_feature_code(Path(folder)))],
            signature=signature(),
            input_example=pd.DataFrame({REQUIRED: [12.8]}),
            pip_requirements=locked_requirements(),
            serialization_format="skops",
            skops_trusted_types=list(TRUSTED),
            metadata={**recorded, **profile.record(inputs(rows))},
            tags=tags,
        )
    return str(info.model_id)


def days_of(rows: pd.DataFrame) -> list[date]:
    """Every day that the rows tell something of: those of the inputs and those of the targets."""
    return sorted(
        {day for name in (OPTIONAL_DATE, TARGET_DATE) for day in pd.to_datetime(rows[name]).dt.date}
    )


def signature() -> ModelSignature:
    """What a model takes, all but `temp` optional, and what it gives: numbers as doubles."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema, TensorSpec

    return ModelSignature(
        inputs=Schema(
            [
                ColSpec(DataType.double, REQUIRED),
                *(ColSpec(DataType.double, name, required=False) for name in OPTIONAL_NUMBERS),
                ColSpec(DataType.string, OPTIONAL_DATE, required=False),
            ]
        ),
        outputs=Schema([TensorSpec(np.dtype(np.float64), (-1,))]),
    )


def _feature_code(folder: Path) -> Path:
    """The package as far as a model needs it; the rest of the project stays out of the model."""
    project = Path(__file__).parents[2]
    for name in ("__init__.py", "support/__init__.py", "support/features.py"):
        target = folder / "components" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        # As they are: where they differ, a server takes the project's package for another one.
        shutil.copy(project / "components" / name, target)
    return folder / "components"


def _checked(settings: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Name and values, or all that is wrong with them at once."""
    name = settings.get("name")
    known = CANDIDATES.get(name) if isinstance(name, str) else None
    if known is None:
        what = f"there is no candidate {name!r}" if "name" in settings else f"no name in {dict(settings)}"
        raise UsageError(Finding(what, "candidates", f"known are {', '.join(CANDIDATES)}"))
    values = {
        key: _converted(value, known.settings.get(key)) for key, value in settings.items() if key != "name"
    }
    wrong = [
        Finding(
            f"{key} is not a {known.settings[key].__name__}: {settings[key]!r}"
            if key in known.settings
            else f"there is no setting {key!r}",
            f"candidate {name!r}",
            "known are " + ", ".join(f"{k} ({t.__name__})" for k, t in known.settings.items()),
        )
        for key, value in values.items()
        if value is None
    ]
    if wrong:
        raise UsageError(*wrong)
    return str(name), values


def _converted(value: Any, wanted: type | None) -> Any:
    """The value as the wanted type, None where it is not of it. KFP's backend makes every number a double."""
    if wanted is str:
        return value if isinstance(value, str) else None
    if wanted is None or isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not math.isfinite(value) or (wanted is int and value != int(value)):
        return None
    return wanted(value)
