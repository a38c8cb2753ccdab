"""What the tests of all components share."""

from collections.abc import Callable
from pathlib import Path

import pytest
from kfp.dsl import Artifact, Dataset

from components.support.tracking import ASKED_FOR
from tests.components.mlflow_store import empty_store, parts, store  # noqa: F401 - fixtures


@pytest.fixture(autouse=True)
def no_pipeline_around(monkeypatch: pytest.MonkeyPatch) -> None:
    """A component is called by itself unless a test says otherwise: MLflow sets the environment."""
    for name in ASKED_FOR:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def output(tmp_path: Path) -> Callable[..., Artifact]:
    """Makes an artifact as a step gets it for an output: a path that can be written, metadata still empty.

    `output("data")` is a Dataset; `output("report", HTML)` and `output("model", Model)` are what they say.
    """

    def make(name: str, kind: type[Artifact] = Dataset) -> Artifact:
        path = tmp_path / "artifacts" / name
        path.parent.mkdir(exist_ok=True)
        return kind(name=name, uri=str(path), metadata={})

    return make
