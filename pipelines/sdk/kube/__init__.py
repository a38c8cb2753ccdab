"""The Kubernetes API, straight: connection, server-side apply, watches, and errors that say what to do.

Knows nothing of Argo or KServe; both use it.
"""

from pipelines.sdk.kube.connection import Cluster, connect
from pipelines.sdk.kube.errors import ApiError
from pipelines.sdk.kube.objects import (
    FIELD_MANAGER,
    Kind,
    Selection,
    apply,
    create,
    delete,
    get,
    listing,
    patch,
    replace,
)
from pipelines.sdk.kube.request import request, stream

__all__ = [
    "FIELD_MANAGER",
    "ApiError",
    "Cluster",
    "Kind",
    "Selection",
    "apply",
    "connect",
    "create",
    "delete",
    "get",
    "listing",
    "patch",
    "replace",
    "request",
    "stream",
]
