"""Importers: no pod, no node. Whoever takes the artifact gets its record, written when compiling."""

from __future__ import annotations

from collections.abc import Mapping

from pipelines.sdk.argo.authored import names_in, placeholders_in
from pipelines.sdk.argo.travel import Carrier, Resolve, Text
from pipelines.sdk.errors import BadPipeline, Finding
from pipelines.sdk.launch import WireError, encode
from pipelines.sdk.plan import Importer, Task
from pipelines.sdk.values import Json

WORKSPACE_MARK = "_kfp_workspace"


def imported(task: Task, importer: Importer, inputs: Mapping[str, Carrier], where: str) -> Carrier:
    """The record of an imported artifact.

    Args:
        task: the importer's.
        importer: its body.
        inputs: its arguments, as seen from its group.
        where: path of the task.

    Raises:
        BadPipeline: it has a condition or a loop of its own, which KFP refuses too; or it is too long.
    """
    if task.when or task.loop:
        what = "an importer cannot have a condition or a loop of its own"
        raise BadPipeline(Finding(what, f"task {where}", "put the condition on a group around it"))
    uri = f"{{{{$.inputs.parameters['{importer.uri}']}}}}" if importer.uri_input else importer.uri
    metadata: dict[str, Json] = dict(importer.metadata)
    if importer.download_to_workspace:
        metadata[WORKSPACE_MARK] = True
    name, spec = next(iter(importer.interface.output_artifacts.items()))
    kind: Json = {"schemaTitle": spec.schema_title, "schemaVersion": spec.schema_version}
    record: dict[str, Json] = {"name": name, "type": kind, "uri": uri, "metadata": metadata}
    try:
        carrier = Carrier(Text(static=encode(record)), artifact=True)
    except WireError as error:
        mend = "put what is long in its metadata into the artifact itself"
        raise BadPipeline(Finding(error.what, f"task {where}", mend)) from None
    wanted = names_in(record)
    if wanted is None:
        return carrier
    siblings = tuple((n, inputs[n]) for n in wanted if n in inputs)
    return carrier.then(Resolve(siblings, placeholders_in(record)))
