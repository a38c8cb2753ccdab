"""What can be said of documents before a cluster is asked: names, sizes, whose they are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pipelines.sdk.argo.cluster.kinds import owner
from pipelines.sdk.argo.documents import MAX_CRON_NAME, MAX_NAME
from pipelines.sdk.errors import BadPipeline, Finding, UsageError

CONFIG_MAP_BYTES = 1024 * 1024
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_LONGEST = {"WorkflowTemplate": MAX_NAME, "CronWorkflow": MAX_CRON_NAME, "ConfigMap": 253}


def check(documents: Iterable[Mapping[str, Any]]) -> None:
    """Refuses what the API server, or worse, Argo's controller, would refuse later.

    Raises:
        UsageError: a name is too long or no name.
        BadPipeline: a ConfigMap is too large.
    """
    names: list[Finding] = []
    sizes: list[Finding] = []
    for document in documents:
        names += _name(document["kind"], document["metadata"]["name"])
        sizes += _size(document) if document["kind"] == "ConfigMap" else []
    if sizes:
        raise BadPipeline(*names, *sizes)
    if names:
        raise UsageError(*names)


def _name(kind: str, name: str) -> list[Finding]:
    longest = _LONGEST.get(kind, 253)
    mend = "choose another one with --name"
    if len(name) > longest:
        what = f"the name has {len(name)} characters; a {kind} can have {longest}"
        return [Finding(what, f"{kind} {name}", mend)]
    if not _NAME.fullmatch(name):
        what = (
            "only lower-case letters, digits and hyphens can be in a name, with a letter or digit at its ends"
        )
        return [Finding(what, f"{kind} {name}", mend)]
    return []


def _size(document: Mapping[str, Any]) -> list[Finding]:
    entries = {**(document.get("data") or {}), **(document.get("binaryData") or {})}
    sizes = {key: len(key.encode()) + len(str(value).encode()) for key, value in entries.items()}
    total = sum(sizes.values())
    if total <= CONFIG_MAP_BYTES:
        return []
    largest = max(sizes, key=lambda key: sizes[key])
    what = f"it has {total:,} bytes; a ConfigMap can have {CONFIG_MAP_BYTES:,}"
    mend = (
        f"its largest entry is {largest} with {sizes[largest]:,} bytes: move data out of the component's code"
    )
    return [Finding(what, f"ConfigMap {document['metadata']['name']}", mend)]


def foreign(live: Mapping[str, Any], wanted: Mapping[str, Any]) -> Finding | None:
    """What is wrong with replacing an object: it is somebody else's. None where it is ours.

    Args:
        live: as it is on the cluster.
        wanted: the document that would replace it.
    """
    (manager, pipeline), (us, ours) = owner(live), owner(wanted)
    where = f"{wanted['kind']} {wanted['metadata']['name']}"
    mend = "give yours another name with --name, or delete the other one"
    if manager != us:
        return Finding(f"it is there already, and {manager or 'something else'} made it", where, mend)
    if pipeline != ours:
        return Finding(f"it is there already, and belongs to the pipeline {pipeline!r}", where, mend)
    return None
