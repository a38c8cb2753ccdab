"""Objects in the API: read, apply, change, delete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from pipelines.sdk.kube.connection import Cluster
from pipelines.sdk.kube.errors import ApiError
from pipelines.sdk.kube.request import Path, request

Object: TypeAlias = dict[str, Any]
FIELD_MANAGER = "kfp-on-argo"
"""Who, for the API server, owns the fields that we apply."""

PAGE = 250  # objects a list request gives at most
_APPLY = "application/apply-patch+yaml"
_MERGE = "application/merge-patch+json"
_METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


@dataclass(frozen=True)
class Kind:
    """A kind of object.

    Args:
        api_version: `argoproj.io/v1alpha1`.
        name: `WorkflowTemplate`.
        namespaced: whether its objects are in namespaces.
    """

    api_version: str
    name: str
    namespaced: bool = True

    @staticmethod
    def of(document: Mapping[str, Any]) -> Kind:
        """The kind of a document."""
        return Kind(document["apiVersion"], document["kind"])

    @property
    def group(self) -> str:
        """Of the API; empty for Kubernetes' own oldest kinds."""
        return self.api_version.rpartition("/")[0]

    @property
    def plural(self) -> str:
        """As in URLs and Roles."""
        lower = self.name.lower()
        if lower.endswith(("s", "x", "ch")):
            return f"{lower}es"
        return f"{lower[:-1]}ies" if lower.endswith("y") and lower[-2] not in "aeiou" else f"{lower}s"

    def path(self, namespace: str, name: str = "", sub: str = "") -> Path:
        """Where objects of this kind are.

        Args:
            namespace: of the objects, for kinds that have one.
            name: empty for all of them.
            sub: `log`, `status`, ...
        """
        version = self.api_version.rpartition("/")[2]
        return Path(self.group, version, self.plural, namespace if self.namespaced else "", name, sub)


@dataclass(frozen=True)
class Selection:
    """Which objects a list is of.

    Args:
        labels: a label selector.
        fields: a field selector.
        metadata_only: whether the objects' metadata is enough; a run can be a megabyte.
    """

    labels: str = ""
    fields: str = ""
    metadata_only: bool = False


def get(cluster: Cluster, kind: Kind, name: str) -> Object | None:
    """An object; None where it is not there.

    Raises:
        ApiError: where it may not be read, or the kind is not known.
    """
    try:
        found: Object = request(cluster, "GET", kind.path(cluster.namespace, name))
    except ApiError as error:
        if error.reason == "NotFound":
            return None
        raise
    return found


def listing(cluster: Cluster, kind: Kind, selection: Selection = Selection()) -> list[Object]:
    """All objects of a kind in the namespace that are selected, page by page.

    Raises:
        ApiError: where they may not be read, or the kind is not known.
    """
    chosen = [("labelSelector", selection.labels), ("fieldSelector", selection.fields)]
    query = [("limit", str(PAGE)), *((name, text) for name, text in chosen if text)]
    accept = _METADATA if selection.metadata_only else "application/json"
    found: list[Object] = []
    token = ""
    while True:
        more = [("continue", token)] if token else []
        page = request(cluster, "GET", kind.path(cluster.namespace), query=[*query, *more], accept=accept)
        found += page["items"] or []  # null, in an empty list of metadata alone
        token = page["metadata"].get("continue") or ""
        if not token:
            return found


def apply(cluster: Cluster, document: Object, *, dry_run: bool = False, force: bool = False) -> Object:
    """Server-side apply with strict validation: a field that the kind does not have is refused.

    (kubernetes 30.1 has no call for it: CustomObjectsApi sends no apply patch, DynamicClient no
    `fieldValidation`.)

    Args:
        cluster: see Cluster.
        document: with apiVersion, kind and metadata.name; the namespace is the cluster's.
        dry_run: whether the server only says what would come of it.
        force: whether fields that others have changed are taken back.

    Returns:
        The object as the server has it, or would have it.

    Raises:
        ApiError: where the server refuses it.
    """
    query = [
        ("fieldManager", FIELD_MANAGER),
        ("fieldValidation", "Strict"),
        ("force", str(force).lower()),
        *_dry(dry_run),
    ]
    path = Kind.of(document).path(cluster.namespace, document["metadata"]["name"])
    made: Object = request(
        cluster, "PATCH", path, query=query, body=_placed(cluster, document), content_type=_APPLY
    )
    return made


def _placed(cluster: Cluster, document: Object) -> Object:
    return {**document, "metadata": {**document["metadata"], "namespace": cluster.namespace}}


def create(cluster: Cluster, document: Object, *, dry_run: bool = False, namespaced: bool = True) -> Object:
    """Creates an object, its name perhaps made by the server (`generateName`), with strict validation.

    Args:
        cluster: see Cluster.
        document: with apiVersion, kind and metadata; the namespace is the cluster's.
        dry_run: whether the server only says what would come of it.
        namespaced: whether the kind's objects are in namespaces.

    Raises:
        ApiError: where the server refuses it.
    """
    query = [("fieldManager", FIELD_MANAGER), ("fieldValidation", "Strict"), *_dry(dry_run)]
    placed = _placed(cluster, document) if namespaced else document
    path = Kind.of(document).path(cluster.namespace if namespaced else "")
    made: Object = request(cluster, "POST", path, query=query, body=placed)
    return made


def replace(cluster: Cluster, document: Object, *, dry_run: bool = False) -> Object:
    """Writes back an object that was read; fails where somebody else has changed it meanwhile.

    Raises:
        ApiError: where the server refuses it; the reason is Conflict where it was changed.
    """
    query = [("fieldManager", FIELD_MANAGER), *_dry(dry_run)]
    path = Kind.of(document).path(cluster.namespace, document["metadata"]["name"])
    made: Object = request(cluster, "PUT", path, query=query, body=document)
    return made


def patch(cluster: Cluster, kind: Kind, name: str, change: Object, *, dry_run: bool = False) -> Object:
    """Changes some fields of an object (a JSON merge patch).

    Raises:
        ApiError: where the server refuses it.
    """
    query = [("fieldManager", FIELD_MANAGER), ("fieldValidation", "Strict"), *_dry(dry_run)]
    path = kind.path(cluster.namespace, name)
    made: Object = request(cluster, "PATCH", path, query=query, body=change, content_type=_MERGE)
    return made


def delete(
    cluster: Cluster,
    kind: Kind,
    name: str,
    *,
    propagation: Literal["Background", "Foreground", "Orphan"] = "Background",
    dry_run: bool = False,
) -> bool:
    """Deletes an object.

    Args:
        cluster: see Cluster.
        kind: of the object.
        name: of the object.
        propagation: what becomes of the objects that it owns.
        dry_run: whether it only would.

    Returns:
        Whether it was there.

    Raises:
        ApiError: where the server refuses.
    """
    # With a body, the server reads no options from the URL: a dry run said there would delete.
    dry = {"dryRun": ["All"]} if dry_run else {}
    options = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation, **dry}
    try:
        request(cluster, "DELETE", kind.path(cluster.namespace, name), body=options)
    except ApiError as error:
        if error.reason == "NotFound":
            return False
        raise
    return True


def _dry(dry_run: bool) -> list[tuple[str, str]]:
    return [("dryRun", "All")] if dry_run else []
