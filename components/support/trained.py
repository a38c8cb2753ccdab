"""Models that were logged before: what is known of them, and their forecasts."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from components.support.models import forecast, inputs
from components.support.store import patiently
from pipelines.sdk.errors import Finding, PipelineError
from pipelines.sdk.serving.models.closure import HASH_KEY, closure_hash, serving_closure

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

SECONDS_APART: Final = 300

# What a bare interpreter does: the model brings its own feature code, whatever this project's is by now.
_APART: Final = """
import json, sys
import mlflow.pyfunc, pandas
task = json.load(sys.stdin)
model = mlflow.pyfunc.load_model(task["model"])
print(json.dumps([float(value) for value in model.predict(pandas.DataFrame(task["rows"]))]))
"""


class CannotLoad(PipelineError):
    """A model is there by name, but it cannot be asked."""


def champion(client: MlflowClient, model_name: str) -> ModelVersion | None:
    """The registered version with the alias `champion`; None where no version has it."""
    from mlflow.exceptions import MlflowException

    try:
        return patiently(lambda: client.get_model_version_by_alias(model_name, "champion"))
    except MlflowException as error:
        # An unknown alias is an invalid parameter to MLflow, an unknown model a missing resource.
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise


def model_of(version: ModelVersion) -> str:
    """MLflow's id of the logged model that a version is; empty where it is none.

    SQL stores keep no `model_id` with a version; its source says it: `models:/m-...`.
    """
    return str(version.model_id or (version.source or "").removeprefix("models:/"))


def model_tags(client: MlflowClient, model_id: str) -> dict[str, str]:
    """Tags of a logged model.

    Raises:
        CannotLoad: the store does not have it.
    """
    from mlflow.exceptions import MlflowException

    try:
        return dict(patiently(lambda: client.get_logged_model(model_id)).tags)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            raise CannotLoad(Finding("the MLflow store does not have it", f"model {model_id}")) from error
        raise


def ask(client: MlflowClient, model_id: str, rows: pd.DataFrame) -> NDArray[np.float64]:
    """A logged model's forecasts, °C.

    One that was trained in another serving closure is asked in its own process, with its own feature code.

    Raises:
        CannotLoad: its record or its files are gone, or it cannot be loaded.
    """
    import mlflow.artifacts
    import mlflow.pyfunc

    ours = model_tags(client, model_id).get(HASH_KEY) == closure_hash(serving_closure())
    try:
        folder = mlflow.artifacts.download_artifacts(f"models:/{model_id}")
        model = mlflow.pyfunc.load_model(folder) if ours else None
    except Exception as error:  # what storage, skops and scikit-learn raise has no common base
        reason = (str(error) or type(error).__name__).partition("\n")[0]
        if reason.startswith("No such artifact"):
            reason = "its files are gone from the store"
        raise CannotLoad(Finding(reason, f"model {model_id}")) from error
    return forecast(model, rows) if model else _ask_apart(Path(folder).absolute(), rows)


def _ask_apart(model: Path, rows: pd.DataFrame) -> NDArray[np.float64]:
    columns = {name: values.tolist() for name, values in inputs(rows).items()}
    with tempfile.TemporaryDirectory() as empty:
        try:
            done = subprocess.run(
                [sys.executable, "-I", "-c", _APART],
                input=json.dumps({"model": str(model), "rows": columns}),
                capture_output=True,
                text=True,
                cwd=empty,
                timeout=SECONDS_APART,
                check=True,
            )
        except subprocess.TimeoutExpired as error:
            raise CannotLoad(Finding(f"no answer within {SECONDS_APART} s", str(model))) from error
        except subprocess.CalledProcessError as error:
            reason = error.stderr.strip().rpartition("\n")[2]
            raise CannotLoad(Finding(f"it cannot be loaded ({reason})", str(model))) from error
    return np.asarray(json.loads(done.stdout.strip().rpartition("\n")[2]), dtype=np.float64)
