"""Importers: an artifact that exists becomes one of the run's, without a process."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from pipelines.sdk import launch
from pipelines.sdk.launch.paths import bring
from pipelines.sdk.local.scope import Artifacts, Outcome, Status, Value
from pipelines.sdk.local.templates import resolve_template
from pipelines.sdk.plan import Importer
from pipelines.sdk.values import Json


async def import_artifact(
    importer: Importer, arguments: Mapping[str, Value], context: launch.Context
) -> Outcome:
    """Makes the record of an existing artifact.

    A local path that is not there fails here, where its name is known, rather than in a later step. What is
    remote is fetched for the first step that takes it.

    Args:
        importer: what to import.
        arguments: its inputs.
        context: facts about the run, for placeholders.

    Raises:
        LaunchError: a placeholder names nothing, or the artifact has no place in the workspace.
    """
    uri = arguments.get(importer.uri) if importer.uri_input else importer.uri
    if not importer.uri_input:
        uri = resolve_template(uri, arguments, context)
    metadata = resolve_template(dict(importer.metadata), arguments, context)
    if not isinstance(uri, str) or not uri:
        return Outcome(Status.FAILED, message=f"the URI to import is {uri!r}, not text")
    path = uri.removeprefix("file://")
    local = "://" not in path
    if local and not Path(path).exists():
        return Outcome(Status.FAILED, message=f"the artifact to import is not there: {path}")
    if local and not Path(path).is_absolute():
        path = str(Path(path).absolute())  # a container has another folder
    if local and importer.download_to_workspace:
        await asyncio.to_thread(bring, path, f"{context.workspace}/.artifacts{path}")
        metadata = {**metadata, "_kfp_workspace": True}
    name, spec = next(iter(importer.interface.output_artifacts.items()))
    kind = {"schemaTitle": spec.schema_title, "schemaVersion": spec.schema_version}
    record: dict[str, Json] = {"name": name, "type": kind, "uri": path, "metadata": metadata}
    return Outcome(Status.SUCCEEDED, {name: Artifacts((record,))})
