"""What the API server's refusals mean, and what to do about each."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.sdk.errors import Exit, Finding, Unreachable

_VERBS = {
    "GET": "get",
    "WATCH": "watch",
    "POST": "create",
    "PATCH": "patch",
    "PUT": "update",
    "DELETE": "delete",
}
_NO_RIGHT = re.compile(r'User "(?P<user>[^"]*)" cannot (?P<verb>\S+) resource "(?P<resource>[^"]+)"')
SHOWN = 600  # characters of what the server says
_PRODUCTS = {
    "argoproj.io": "Argo Workflows is not installed there (or not its kinds)",
    "serving.kserve.io": "KServe is not installed there (or not its kinds)",
}


@dataclass(frozen=True)
class Call:
    """What was asked.

    Args:
        method: of HTTP, or WATCH.
        group: of the API; empty for the core.
        resource: plural, with a subresource behind a slash.
        namespace: empty for the whole cluster.
        name: of the object; empty for all.
        server: address of the API server.
        context: of the kubeconfig.
    """

    method: str
    group: str
    resource: str
    namespace: str
    name: str
    server: str
    context: str = ""

    @property
    def verb(self) -> str:
        """As in a Role."""
        return "list" if self.method == "GET" and not self.name else _VERBS[self.method]

    @property
    def where(self) -> str:
        """As a person would say it."""
        thing = f"{self.resource.partition('/')[0]} {self.name}".strip()
        return f"{thing} in namespace {self.namespace}" if self.namespace else thing


class ApiError(Unreachable):
    """The API server answered, and said no.

    Args:
        finding: in words.
        status: of HTTP.
        reason: the server's own word: NotFound, AlreadyExists, Conflict, Invalid, ...
        kind: of what was not found: `namespaces`, for example.
    """

    def __init__(self, finding: Finding, status: int, reason: str = "", kind: str = "") -> None:
        super().__init__(finding)
        self.status = status
        self.reason = reason
        self.kind = kind
        if kind == "namespaces" or (status, reason) == (409, "FieldManagerConflict"):
            self.exit_code = Exit.USAGE
        elif reason in {"Invalid", "Undeclared"}:
            self.exit_code = Exit.BAD_PIPELINE


def unreachable(error: Exception, call: Call) -> Unreachable:
    """No answer at all.

    Args:
        error: of urllib3, the operating system or TLS.
        call: what was asked.
    """
    text = _cause(error)
    whom = f" (context {call.context})" if call.context else ""
    if "certificate" in text.lower():
        what, mend = "TLS with the cluster does not come about", "is the kubeconfig of another cluster?"
    else:
        what, mend = (
            "the cluster does not answer",
            "is it up? Choose another one with --context or KUBECONFIG",
        )
    return Unreachable(Finding(f"{what}: {text}", f"{call.server}{whom}", mend))


def forbidden_or_missing(error: Any, call: Call, group_is_known: bool) -> ApiError:
    """A 403 for a kind, which can also mean that the kind is not there.

    Args:
        error: kubernetes' ApiException.
        call: what was asked.
        group_is_known: whether the API server has the kind's group.
    """
    return refused(error, call) if group_is_known else _no_such_kind(call)


def refused(error: Any, call: Call) -> ApiError:
    """The server's refusal.

    Args:
        error: kubernetes' ApiException.
        call: what was asked.
    """
    said = _status(error)
    message = str(said.get("message") or error.reason or "")[:SHOWN]
    status, details = int(error.status), said.get("details") or {}
    match status:
        case 401:
            mend = "log in again, or ask for a new kubeconfig; --context chooses another one"
            what = "the credentials are refused (expired, or of another cluster)"
            whom = f"{call.server} (context {call.context})" if call.context else call.server
            return ApiError(Finding(what, whom, mend), status, "Unauthorized")
        case 403:
            return _forbidden(message, call)
        case 404:
            return _not_found(said, details, call)
        case 409 if any(c.get("reason") == "FieldManagerConflict" for c in details.get("causes") or ()):
            return _conflict(details, call)
        case 422 | 400:
            return ApiError(Finding(_causes(details) or message, call.where, ""), status, "Invalid")
        case 500 if "typed patch object" in message:
            # What server-side apply makes of a field or type that the kind's schema does not have.
            what = f"the kind's schema refuses it: {message.partition('): ')[2] or message}"
            mend = "compiled for another version of it? Ours are compiled for Argo 3.7.16 and later"
            return ApiError(Finding(what, call.where, mend), status, "Undeclared")
        case _:
            return ApiError(
                Finding(f"the API server says {status}: {message}", call.where),
                status,
                str(said.get("reason") or ""),
            )


def _forbidden(message: str, call: Call) -> ApiError:
    found = _NO_RIGHT.search(message)
    if not found:  # an admission plug-in or a quota, whose own words are the best
        return ApiError(Finding(message, call.where), 403, "Denied")
    verb, resource = found["verb"], found["resource"]
    scope = f"in namespace {call.namespace}" if call.namespace else "in the whole cluster"
    what = f"{found['user']} may not {verb} {resource} {scope}"
    kind = "Role" if call.namespace else "ClusterRole"
    rule = f'{{apiGroups: ["{call.group}"], resources: ["{resource}"], verbs: ["{verb}"]}}'
    return ApiError(Finding(what, "", f"ask for this rule in a {kind}: {rule}"), 403, "Forbidden")


def _not_found(said: Mapping[str, Any], details: Mapping[str, Any], call: Call) -> ApiError:
    if not said:  # plain text: the path itself is unknown
        return _no_such_kind(call)
    kind = str(details.get("kind") or "")
    if kind == "namespaces":
        mend = "choose it with -n/--namespace or PIPELINES_NAMESPACE; or create it: kubectl create namespace"
        finding = Finding(
            f"there is no namespace {call.namespace!r}", call.server, f"{mend} {call.namespace}"
        )
    else:
        finding = Finding("it is not there", call.where, "is the namespace right?")
    return ApiError(finding, 404, "NotFound", kind)


def _no_such_kind(call: Call) -> ApiError:
    what = f"the cluster has no {call.resource}.{call.group}".rstrip(".")
    why = _PRODUCTS.get(call.group, "the kind is not installed there")
    return ApiError(Finding(what, call.server, f"{why}; or --context names the wrong cluster"), 404, "NoKind")


def _conflict(details: Mapping[str, Any], call: Call) -> ApiError:
    causes = details.get("causes") or ()
    owners = sorted(
        {found[1] for c in causes if (found := re.search(r'with "([^"]+)"', c.get("message", "")))}
    )
    fields = ", ".join(dict.fromkeys(c.get("field", "") for c in causes))
    what = f"{', '.join(owners)} changed what the pipeline sets: {fields}"
    mend = "--force-conflicts takes it back; --dry-run shows the difference"
    return ApiError(Finding(what, call.where, mend), 409, "FieldManagerConflict")


def _causes(details: Mapping[str, Any]) -> str:
    texts = (f"{c.get('field') or ''}: {c.get('message') or ''}" for c in details.get("causes") or ())
    return "; ".join(text.removeprefix("[]: ").removeprefix("<nil>: ").removeprefix(": ") for text in texts)


def _status(error: Any) -> Mapping[str, Any]:
    """The server's Status object; empty where it answered with something else."""
    body = error.body.decode("utf-8", "replace") if isinstance(error.body, bytes) else error.body
    try:
        said = json.loads(body or "")
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _cause(error: BaseException) -> str:
    """The innermost of urllib3's nested errors, without the connection that it was on."""
    while isinstance(reason := getattr(error, "reason", None), BaseException):
        error = reason
    text = " ".join(str(error).split())
    return re.sub(r"^\w+\([^)]*\): ", "", text)[:200] or type(error).__name__
