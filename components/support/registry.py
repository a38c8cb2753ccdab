"""The registry of models: versions, and the aliases that say which of them serves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from components.support.store import patiently
from components.support.trained import champion, model_of

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion


def register(client: MlflowClient, name: str, model_id: str, tags: Mapping[str, str]) -> str:
    """Version of the registered model that is this logged model; made if there is none.

    Registering again, after a retry or from the cache of another run, gives the same version, newly tagged.

    Args:
        client: of the store.
        name: of the registered model; made if there is none.
        model_id: MLflow's id of the logged model.
        tags: of the version.
    """
    _ensure_model(client, name)
    made = None
    if not _versions(client, name, model_id):
        source = f"models:/{model_id}"
        made = patiently(lambda: client.create_model_version(name, source, model_id=model_id))
    # Several may have found none at once; all of them then agree on the first, and take back their own.
    version = str(_versions(client, name, model_id)[0].version)
    if made is not None and str(made.version) != version:
        patiently(lambda: client.delete_model_version(name, made.version))
    for key, value in tags.items():
        patiently(
            lambda key=key, value=value: client.set_model_version_tag(name, version, key, value)  # type: ignore[misc]
        )
    return version


def set_alias(client: MlflowClient, name: str, alias: str, version: str) -> None:
    """Let an alias name a version, whichever it named before."""
    patiently(lambda: client.set_registered_model_alias(name, alias, version))


def overtaken(client: MlflowClient, name: str, version: str, seen: str) -> str:
    """Why a version must not be promoted: another one was since the evaluation. Empty where none was.

    Args:
        client: of the store.
        name: of the registered model.
        version: to be promoted.
        seen: version of the champion at the evaluation; empty where there was none.
    """
    now = champion(client, name)
    current = str(now.version) if now else ""
    if current in (seen, version):
        return ""
    was = f"version {seen}" if seen else "no champion"
    return f"version {current or 'none'} is champion now, but version {version} was compared with {was}"


def move_champion(client: MlflowClient, name: str, version: str, seen: str) -> None:
    """Make a version the champion, and keep the way back: `previous` moves first, `champion` last."""
    if seen and seen != version:
        set_alias(client, name, "previous", seen)
    set_alias(client, name, "champion", version)


def _ensure_model(client: MlflowClient, name: str) -> None:
    try:
        patiently(lambda: client.create_registered_model(name))
    except _mlflow_exception() as error:
        # Whatever the store says when another process was faster: what counts is that the model is there now.
        try:
            patiently(lambda: client.get_registered_model(name))
        except _mlflow_exception():
            raise error from None


def _versions(client: MlflowClient, name: str, model_id: str) -> list[ModelVersion]:
    """Versions that are this logged model, the first one first."""
    quoted = name.replace("'", "''")
    found: list[ModelVersion] = []
    token: str | None = None
    while True:
        page = patiently(
            lambda token=token: client.search_model_versions(f"name='{quoted}'", page_token=token)  # type: ignore[misc]
        )
        found.extend(version for version in page if model_of(version) == model_id)
        token = page.token
        if not token:
            return sorted(found, key=lambda version: int(version.version))


def _mlflow_exception() -> type[Exception]:
    from mlflow.exceptions import MlflowException

    return MlflowException
