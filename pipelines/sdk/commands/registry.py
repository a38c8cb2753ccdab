"""The model that an alias of the registry stands for."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from pipelines.sdk.errors import Finding, Unreachable, UsageError
from pipelines.sdk.local.mlflow_store import tracking_uri
from pipelines.sdk.plan import Plan

SHOWN = 200  # characters of what MLflow says


@dataclass(frozen=True)
class RegisteredModel:
    """A version of a registered model.

    Args:
        uri: of the immutable logged model, `models:/m-...`.
        version: its number.
    """

    uri: str
    version: str


def service_of(plan: Plan) -> str:
    """The name under which a pipeline's model is registered and served."""
    parameter = plan.root.interface.parameters.get("model_name")
    return str(parameter.default) if parameter and parameter.has_default else plan.name


def use_tracking(home: Path) -> str:
    """Sets MLFLOW_TRACKING_URI where the environment has none, as `run` does for its steps.

    A server that does not answer is asked twice, and not for the minutes that MLflow would.
    """
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
    os.environ["MLFLOW_TRACKING_URI"] = tracking_uri(home)
    return os.environ["MLFLOW_TRACKING_URI"]


def resolve(name: str, alias: str, home: Path) -> RegisteredModel:
    """The version that an alias points to.

    Args:
        name: of the registered model.
        alias: `champion`, for example.
        home: folder of the default store.

    Raises:
        UsageError: where there is no such model or alias.
        Unreachable: where the tracking server does not answer.
    """
    uri = use_tracking(home)
    mend = "train one first: `python pipelines/train.py run`"
    if uri.startswith("sqlite:///") and not Path(uri.removeprefix("sqlite:///")).exists():
        raise UsageError(Finding("there is no model yet", f"{name}@{alias}", mend))
    from mlflow.exceptions import MlflowException
    from mlflow.tracking import MlflowClient

    try:
        found = MlflowClient(uri).get_model_version_by_alias(name, alias)
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            raise UsageError(Finding("there is no such model version", f"{name}@{alias}", mend)) from error
        what = " ".join(str(error).split())
        shown = what if len(what) <= SHOWN else f"{what[:SHOWN]}..."
        mend = "is MLFLOW_TRACKING_URI right? `python pipelines/train.py doctor` looks at it"
        raise Unreachable(Finding(f"MLflow does not answer: {shown}", uri, mend)) from error
    return RegisteredModel(str(found.source), str(found.version))
