"""A real MLflow store for each test, and the real weather in three parts.

MLflow and scikit-learn are imported late: most tests of components need neither.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from kfp.dsl import Dataset

if TYPE_CHECKING:
    import pandas as pd
    from mlflow import MlflowClient

WEATHER = Path(__file__).parents[2] / "components" / "data" / "seattle-weather.csv"
RUN = {"PIPELINE_RUN_ID": "run-1", "PIPELINE_NAME": "train", "PIPELINE_TASK": "some-step"}
GOOD = {"name": "ridge", "alpha": 1.0}
WORSE = {"name": "ridge", "alpha": 100.0}  # worse than GOOD on the hold-out, better than persistence
USELESS = {"name": "ridge", "alpha": 1e9}  # the mean of the past


@dataclass(frozen=True)
class Parts:
    """The parts of the real weather, as tables and as artifacts."""

    train: Dataset
    validation: Dataset
    holdout: Dataset
    tables: dict[str, pd.DataFrame]

    @property
    def past(self) -> pd.DataFrame:
        import pandas as pd

        return pd.concat([self.tables["train"], self.tables["validation"]], ignore_index=True)


@pytest.fixture(scope="session")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    import pandas as pd

    from components.support.split import split
    from components.support.weather import write_table

    folder = tmp_path_factory.mktemp("parts")
    made = split(pd.read_csv(WEATHER, parse_dates=["date"]), 1, 365, 365)
    tables = {"train": made.train, "validation": made.validation, "holdout": made.holdout}
    artifacts = {}
    for name, table in tables.items():
        metadata: dict[str, Any] = dict(write_table(table, folder / name))
        artifacts[name] = Dataset(name=name, uri=str(folder / name), metadata=metadata)
    return Parts(**artifacts, tables=tables)


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that MLflow has set up, which takes seconds; tests copy it."""
    import mlflow

    file = tmp_path_factory.mktemp("empty") / "mlflow.db"
    mlflow.MlflowClient(f"sqlite:///{file}").search_experiments()
    return file


@pytest.fixture
def store(tmp_path: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MlflowClient]:
    """The environment of a step of the pipeline run `run-1`, with an empty store of its own."""
    import mlflow

    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(empty_store, home / "mlflow.db")
    uri = f"sqlite:///{home / 'mlflow.db'}"
    for name in [name for name in os.environ if name.startswith(("MLFLOW_", "PIPELINE", "NOTIFY_"))]:
        monkeypatch.delenv(name)
    for name, value in {**RUN, "PIPELINES_HOME": str(home), "MLFLOW_TRACKING_URI": uri}.items():
        monkeypatch.setenv(name, value)
    mlflow.set_tracking_uri(uri)
    yield mlflow.MlflowClient(uri)
    while mlflow.active_run():
        mlflow.end_run()
    mlflow.set_tracking_uri(None)


def log_model(settings: dict[str, Any], rows: pd.DataFrame) -> str:
    """A model with these settings that learned from these rows."""
    from components.support import models
    from components.support.tracking import step_run

    with step_run("train-model"):
        return models.log(models.fit(settings, rows), rows, {})


def crown(client: MlflowClient, model_id: str, name: str = "weather") -> str:
    """Make a model the champion by hand; gives its version."""
    import mlflow

    version = mlflow.register_model(f"models:/{model_id}", name).version
    client.set_registered_model_alias(name, "champion", str(version))
    return str(version)
