"""Input artifacts of a pod: what Argo has brought, and what it could not, where the step looks for it."""

from __future__ import annotations

import os
import sys

from .documents import Record, Request
from .errors import LaunchError
from .options import Options
from .paths import WORKSPACE_MARK, bring, local_path
from .records import replace

WEB = ("http://", "https://")
REMOTE = (*WEB, "gs://", "s3://", "minio://")


def place(request: Request, options: Options) -> tuple[Request, list[str]]:
    """Put the bytes of all input artifacts where the step looks for them.

    Args:
        request: the step with its artifacts.
        options: what Argo brought.

    Returns:
        The request, with a folder for web addresses, and why some artifacts could not be fetched. That is not
        yet an error: a step may need no more than the address.

    Raises:
        LaunchError: there is no room for what has come.
    """
    records = [(name, record) for name, found in request.artifacts.items() for record in found]
    if not records:
        return request, []
    spare = local_path({"uri": "gs://.web/"}, request)  # no bucket has such a name
    folders = {scheme: f"{spare}{scheme[:-3]}/" for scheme in WEB}
    reachable = replace(request, mounts={**folders, **request.mounts})
    problems: dict[str, str] = {}
    # Of two artifacts, one in the folder of the other, the folder comes first.
    for name, record in sorted(records, key=lambda each: len(str(each[1]["uri"]))):
        uri = str(record["uri"])
        if why := _place(name, record, reachable, options):
            problems[uri] = f"{uri} could not be fetched: {why}"
            sys.stderr.write(f"warning: input {name!r}: {problems[uri]}\n")
    # A folder for a scheme only if all of it is there: else addresses stay addresses.
    uris = [str(record["uri"]) for _, record in records]
    whole = {
        scheme: folder
        for scheme, folder in folders.items()
        if any(uri.startswith(scheme) for uri in uris) and not any(uri.startswith(scheme) for uri in problems)
    }
    return replace(request, mounts={**whole, **request.mounts}), list(problems.values())


def bucket_of(uri: str) -> str:
    """The address of the bucket that an address is in, with a slash at its end."""
    scheme, _, rest = uri.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}/"


def _place(name: str, record: Record, request: Request, options: Options) -> str:
    """Put one artifact into its place, and say why that failed where it had to be fetched."""
    uri, target = str(record["uri"]), local_path(record, request).rstrip("/")
    held = _held(name, uri, options)
    if os.path.exists(target) or not (held or uri.startswith(REMOTE)):
        return ""
    if held:
        if not _is_nothing(held):
            _put(held, target, shared=(record.get("metadata") or {}).get(WORKSPACE_MARK) is True)
        return ""
    from .remote import fetch  # imports what few steps need

    try:
        fetch(uri, target)
    except LaunchError as error:
        return str(error)
    return ""


def _held(name: str, uri: str, options: Options) -> str:
    """Where Argo has put an artifact, if it could have; empty where it was not asked to."""
    for prefix, folder in options.held_below.items():
        start = f"{prefix.rstrip('/')}/"
        if uri.startswith(start):
            return os.path.join(folder, uri[len(start) :])
    in_reach = uri.startswith(bucket_of(options.root))
    return options.held.get(name, "") if in_reach else ""


def _is_nothing(path: str) -> bool:
    """An empty folder is what Argo makes of an optional artifact that is not there."""
    return not os.path.exists(path) or (os.path.isdir(path) and not os.listdir(path))


def _put(held: str, target: str, shared: bool) -> None:
    try:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if not shared:
            os.symlink(os.path.abspath(held), target)
            return
        # Other pods see the folder too: a link would lead nowhere there, and half a copy would be read.
        part = os.path.join(os.path.dirname(target), f".{os.path.basename(target)}.{os.getpid()}")
        bring(held, part)
        os.replace(part, target)
    except OSError as error:
        if not os.path.exists(target):  # else another step that shares the folder was faster
            raise LaunchError(f"an artifact cannot be put at {target}: {error}") from error
