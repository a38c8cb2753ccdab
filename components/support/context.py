"""Where a step runs, as the backend tells it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

DEFAULT_EXPERIMENT: Final = "train"
MARK: Final = "wire:"
LONGEST: Final = 500  # characters of a parameter's value; a field of MLflow is small


@dataclass(frozen=True)
class Context:
    """Where a step runs.

    Args:
        run_id: of the pipeline run; empty where a component is called by itself.
        pipeline: its name.
        task: path of the step in the pipeline.
        experiment: name of the MLflow experiment.
        parameters: of the pipeline run, as texts; empty where the backend does not tell.
        step_run: the MLflow run that was made for this step, if one was.
        lock_folder: where processes can wait for each other; None where steps run on several machines.
    """

    run_id: str
    pipeline: str
    task: str
    experiment: str
    parameters: Mapping[str, str]
    step_run: str
    lock_folder: Path | None

    @classmethod
    def read(cls, env: Mapping[str, str] | None = None) -> Context:
        """From the environment variables that every backend sets for a step."""
        env = os.environ if env is None else env
        pipeline = env.get("PIPELINE_NAME", "")
        home = env.get("PIPELINES_HOME")
        return cls(
            run_id=env.get("PIPELINE_RUN_ID", ""),
            pipeline=pipeline,
            task=env.get("PIPELINE_TASK", ""),
            experiment=env.get("MLFLOW_EXPERIMENT_NAME") or pipeline or DEFAULT_EXPERIMENT,
            parameters=_parameters(env.get("PIPELINE_PARAMETERS", "")),
            step_run=env.get("MLFLOW_RUN_ID", ""),
            lock_folder=Path(home) if home and "KUBERNETES_SERVICE_HOST" not in env else None,
        )


def _parameters(text: str) -> dict[str, str]:
    try:
        found = json.loads(text or "{}")
        return {str(name): _plain(str(value)) for name, value in found.items()}
    except (ValueError, AttributeError):
        return {}  # a record for people: a step does not fail for want of it


def _plain(text: str) -> str:
    """A value as people write it; in a workflow, what could be taken for something else is marked JSON."""
    if text.startswith(MARK):
        value = json.loads(text.removeprefix(MARK))
        text = value if isinstance(value, str) else json.dumps(value)
    return text[:LONGEST]
