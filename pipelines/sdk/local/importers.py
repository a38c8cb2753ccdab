"""Importers: an artifact that exists becomes one of the run's, without a process."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pipelines.sdk import launch
from pipelines.sdk.local.scope import Artifacts, Outcome, Status, Value
from pipelines.sdk.local.templates import resolve_template
from pipelines.sdk.plan import Importer
from pipelines.sdk.values import Json


def import_artifact(importer: Importer, arguments: Mapping[str, Value], context: launch.Context) -> Outcome:
    """Makes the record of an existing artifact.

    A local path that is not there fails here, where its name is known, rather than in a later step.

    Args:
        importer: what to import.
        arguments: its inputs.
        context: facts about the run, for placeholders.
    """
    try:
        uri = arguments.get(importer.uri) if importer.uri_input else importer.uri
        if not importer.uri_input:
            uri = resolve_template(uri, arguments, context)
        metadata = resolve_template(dict(importer.metadata), arguments, context)
    except launch.LaunchError as error:
        return Outcome(Status.FAILED, message=str(error))
    if not isinstance(uri, str) or not uri:
        return Outcome(Status.FAILED, message=f"the URI to import is {uri!r}, not text")
    path = uri.removeprefix("file://")
    if "://" not in path and not Path(path).exists():
        return Outcome(Status.FAILED, message=f"the artifact to import is not there: {path}")
    name, spec = next(iter(importer.interface.output_artifacts.items()))
    kind = {"schemaTitle": spec.schema_title, "schemaVersion": spec.schema_version}
    record: dict[str, Json] = {"name": name, "type": kind, "uri": path, "metadata": metadata}
    return Outcome(Status.SUCCEEDED, {name: Artifacts((record,))})
