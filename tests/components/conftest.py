"""What the tests of all components share."""

from collections.abc import Callable
from pathlib import Path

import pytest
from kfp.dsl import Artifact, Dataset

from tests.components.mlflow_store import empty_store, parts, store  # noqa: F401 - fixtures


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
