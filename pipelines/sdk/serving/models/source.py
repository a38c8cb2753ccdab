"""Where a model is: found by its URI, brought to this machine, and read as far as no code of its own runs."""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import mlflow.artifacts
from mlflow.exceptions import MlflowException
from mlflow.models import Model

from pipelines.sdk.errors import Finding, PipelineError
from pipelines.sdk.serving.models.bucket import from_bucket
from pipelines.sdk.serving.models.scratch import scratch_folder
from pipelines.sdk.serving.protocols.problems import shorten

CARD: Final = "MLmodel"
_RETRIES: Final = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"
_GIVE: Final = (
    "give a model's folder, gs://BUCKET/FOLDER, runs:/RUN_ID/NAME, models:/NAME@alias or models:/m-ID"
)


@dataclass(frozen=True)
class Found:
    """A model that is here.

    Args:
        folder: with its MLmodel.
        card: what that says.
        code: folder of the code that it brings; None where it brings none.
    """

    folder: Path
    card: Model
    code: Path | None


@dataclass(frozen=True)
class Identity:
    """Which model a URI means, now and for good.

    Args:
        uri: immutable where MLflow has such a URI (`models:/m-...`), else the one asked for.
        model_id: MLflow's `m-...`, or the uuid of a model that was only saved.
    """

    uri: str
    model_id: str


def identify(model_uri: str) -> Identity:
    """The model behind a URI, without loading it.

    Args:
        model_uri: as for `keep`.

    Raises:
        PipelineError: as `keep`.
    """
    if not model_uri.startswith(("models:/", "runs:/")):
        with at_hand(model_uri) as found:
            return Identity(model_uri, _id(found.card))
    try:
        with _some_patience():
            card = Model.load(model_uri)  # fetches no more than that
    except Exception as error:  # MLflow's stores raise whatever their backend raises
        raise _not_there(model_uri, error) from error
    return Identity(f"models:/{card.model_id}" if card.model_id else model_uri, _id(card))


def _id(card: Model) -> str:
    return str(card.model_id or card.model_uuid or "")


def keep(model_uri: str) -> Found:
    """Bring a model here for as long as this process lives: what it has downloaded goes when it ends.

    Args:
        model_uri: a folder, `file://`, `gs://`, `runs:/` or `models:/...`, or what else MLflow knows.

    Raises:
        PipelineError: there is none, or it cannot be reached or read.
    """
    stack = ExitStack()
    found = stack.enter_context(at_hand(model_uri))
    atexit.register(stack.close)
    return found


@contextmanager
def at_hand(model_uri: str) -> Iterator[Found]:
    """Bring a model here; what was downloaded for it is removed in the end.

    Args:
        model_uri: as for `keep`.

    Raises:
        PipelineError: as `keep`.
    """
    local = _local(model_uri)
    if local is not None:
        yield _read(local, model_uri)
        return
    with scratch_folder() as place:
        yield _read(_downloaded(model_uri, place), model_uri)


def _local(model_uri: str) -> Path | None:
    """The path that a URI without a scheme is, or one of this machine's files; None for any other."""
    if model_uri.startswith("file:"):
        path = model_uri.removeprefix("file:")
        # Two slashes begin with a host, which can only be this one.
        return Path(unquote("/" + path[2:].partition("/")[2] if path.startswith("//") else path))
    return None if ":/" in model_uri else Path(model_uri)


def _downloaded(model_uri: str, place: Path) -> Path:
    if model_uri.startswith("gs://"):
        return from_bucket(model_uri, place / "model")
    try:
        with _some_patience():
            return Path(mlflow.artifacts.download_artifacts(artifact_uri=model_uri, dst_path=str(place)))
    except Exception as error:  # MLflow's stores raise whatever their backend raises
        raise _not_there(model_uri, error) from error


@contextmanager
def _some_patience() -> Iterator[None]:
    """A dozen seconds for a server that does not answer, where the environment says nothing.

    MLflow's own are four minutes: until then nobody would know why a pod does not become ready.
    """
    if _RETRIES in os.environ:
        yield
        return
    os.environ[_RETRIES] = "3"
    try:
        yield
    finally:
        del os.environ[_RETRIES]


def _not_there(model_uri: str, error: Exception) -> PipelineError:
    mend = f"check the URI, and that MLFLOW_TRACKING_URI names its server (now {mlflow.get_tracking_uri()})"
    if isinstance(error, ImportError):
        mend = "there is no client for this storage here: copy the model to a folder or to gs://"
    return PipelineError(Finding(f"no model was found there: {reason(error)}", model_uri, mend))


def _read(folder: Path, model_uri: str) -> Found:
    try:
        model = _model_in(folder, model_uri)
    except OSError as error:
        mend = f"let the server's user, {os.getuid()}, read it"
        raise PipelineError(Finding(f"it cannot be read: {error.strerror}", model_uri, mend)) from error
    try:
        card = Model.load(str(model))
        flavor = card.flavors.get("python_function")
    except Exception as error:  # any content of that file, which MLflow takes for well-formed
        mend = "log or copy the model again"
        raise PipelineError(
            Finding(f"its {CARD} cannot be read: {reason(error)}", model_uri, mend)
        ) from error
    if not isinstance(flavor, dict):
        mend = "log it with one of MLflow's flavors for Python"
        raise PipelineError(Finding("the model has no python_function flavor", model_uri, mend))
    code = model / str(flavor["code"]) if flavor.get("code") else None
    return Found(model, card, code if code is not None and code.is_dir() else None)


def _model_in(folder: Path, model_uri: str) -> Path:
    """The folder, or the one below it that is a model: a whole run's artifacts are often what was copied."""
    if not folder.exists():
        raise PipelineError(Finding("there is no such folder", model_uri, _GIVE))
    if not folder.is_dir():
        raise PipelineError(Finding("this is a file, and a model is a folder", model_uri, "give its folder"))
    if (folder / CARD).is_file():
        return folder
    models = sorted(found.parent for found in folder.glob(f"*/{CARD}"))
    if len(models) == 1:
        return models[0]
    if models:
        names = ", ".join(model.name for model in models)
        raise PipelineError(Finding(f"there are several models in it: {names}", model_uri, "name one"))
    raise PipelineError(Finding(f"there is no {CARD} in it, so it is no model", model_uri, _GIVE))


def unloadable(model_uri: str, error: Exception) -> PipelineError:
    """The error for a model that is here, but cannot be loaded.

    Args:
        model_uri: which.
        error: what MLflow, or the model's own code, has raised.
    """
    mend = "the server needs the packages that the model was trained with"
    if isinstance(error, ModuleNotFoundError):
        mend = "install it here, or log the model with its own modules as code_paths"
    elif isinstance(error, FileNotFoundError):
        mend = "the model is not whole: log or copy it again"
    elif type(error).__name__ == "UntrustedTypesFoundException":  # skops' own, which not every model needs
        mend = "review these types, and log the model with them as skops_trusted_types"
    elif isinstance(error, MlflowException):
        mend = "log the model again"
    return PipelineError(Finding(f"the model cannot be loaded: {reason(error)}", model_uri, mend))


def reason(error: Exception) -> str:
    """An error of somebody else's code on one short line."""
    return shorten(f"{type(error).__name__}: {error}")
