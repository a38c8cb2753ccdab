"""One request to the API server; whatever goes wrong becomes an error of ours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.sdk.kube.connection import Cluster
from pipelines.sdk.kube.errors import Call, forbidden_or_missing, refused, unreachable

CONNECT_SECONDS = 5
READ_SECONDS = 30
_JSON = "application/json"


@dataclass(frozen=True)
class Path:
    """Where something is in the API.

    Args:
        group: `argoproj.io`; empty for Kubernetes' own oldest kinds.
        version: `v1alpha1`.
        plural: of the kind, lower case.
        namespace: empty for kinds of the whole cluster.
        name: empty for all of them.
        sub: `log`, `status`, ...
    """

    group: str
    version: str
    plural: str
    namespace: str = ""
    name: str = ""
    sub: str = ""

    def __str__(self) -> str:
        """As in the URL."""
        from urllib.parse import quote

        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        space = ("namespaces", self.namespace) if self.namespace else ()
        parts = (*space, self.plural, self.name, self.sub)
        return "/".join([root, *(quote(part, safe="") for part in parts if part)])


def request(
    cluster: Cluster,
    method: str,
    path: Path,
    *,
    query: Sequence[tuple[str, str]] = (),
    body: Any = None,
    content_type: str = _JSON,
    accept: str = _JSON,
) -> Any:
    """Asks the API server, and gives the JSON of its answer.

    Args:
        cluster: see Cluster.
        method: of HTTP.
        path: see Path.
        query: of the URL.
        body: as JSON.
        content_type: of the body.
        accept: what the answer can be.

    Raises:
        ApiError: where it says no; `status` and `reason` are the server's.
        Unreachable: where it does not answer.
    """
    headers = {"Content-Type": content_type, "Accept": accept}
    return _send(cluster, _call(cluster, method, path), path, list(query), headers, body, "object")


def stream(
    cluster: Cluster, path: Path, query: Sequence[tuple[str, str]], read_seconds: float = READ_SECONDS
) -> Iterator[str]:
    """The lines of an answer that goes on: a watch, or a log.

    Args:
        cluster: see Cluster.
        path: see Path.
        query: of the URL.
        read_seconds: of silence, after which the connection is taken for dead.

    Raises:
        ApiError: where the server says no.
        Unreachable: where it does not answer, or the connection breaks.
    """
    call = _call(cluster, "WATCH" if ("watch", "true") in query else "GET", path)
    headers = {"Accept": "*/*"}
    response = _send(cluster, call, path, list(query), headers, None, None, read_seconds)
    from urllib3.exceptions import HTTPError

    pending = b""
    try:
        for chunk in response.stream(amt=None, decode_content=True):
            *lines, pending = (pending + chunk).split(b"\n")
            yield from (line.decode("utf-8", "replace") for line in lines)
        if pending:
            yield pending.decode("utf-8", "replace")
    except (HTTPError, OSError) as error:
        raise unreachable(error, call) from error
    finally:
        response.close()


def _call(cluster: Cluster, method: str, path: Path) -> Call:
    return Call(
        method=method,
        group=path.group,
        resource=f"{path.plural}/{path.sub}" if path.sub else path.plural,
        namespace=path.namespace,
        name=path.name,
        server=cluster.server,
        context=cluster.context,
    )


def _send(
    cluster: Cluster,
    call: Call,
    path: Path,
    query: list[tuple[str, str]],
    headers: dict[str, str],
    body: Any,
    response_type: str | None,
    read_seconds: float = READ_SECONDS,
) -> Any:
    from kubernetes.client.exceptions import ApiException
    from urllib3.exceptions import HTTPError

    method = "GET" if call.method == "WATCH" else call.method
    try:
        return cluster.api.call_api(
            str(path),
            method,
            query_params=query,
            header_params=headers,
            body=body,
            response_type=response_type,
            auth_settings=["BearerToken"],
            _return_http_data_only=True,
            _preload_content=response_type is not None,
            _request_timeout=(CONNECT_SECONDS, read_seconds),
        )
    except ApiException as error:
        if not error.status:  # TLS did not come about
            raise unreachable(error, call) from error
        if error.status == 403 and call.group:
            raise forbidden_or_missing(error, call, _group_is_known(cluster, call.group)) from error
        raise refused(error, call) from error
    except (HTTPError, OSError) as error:
        raise unreachable(error, call) from error


def _group_is_known(cluster: Cluster, group: str) -> bool:
    """Whether the API server has a group; who may do nothing may still ask that."""
    from kubernetes.client.exceptions import ApiException
    from urllib3.exceptions import HTTPError

    try:
        cluster.api.call_api(
            f"/apis/{group}",
            "GET",
            response_type="object",
            auth_settings=["BearerToken"],
            _request_timeout=(CONNECT_SECONDS, READ_SECONDS),
        )
    except ApiException as error:
        return bool(error.status != 404)
    except (HTTPError, OSError):
        return True
    return True
