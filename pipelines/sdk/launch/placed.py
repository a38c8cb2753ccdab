"""Artifacts of a pod: what comes in where the step looks for it, and what it gives where Argo does."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from .documents import Record, Request
from .errors import LaunchError
from .options import Options
from .paths import bring, local_path

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
    bucket = _bucket(options.root)
    problems: dict[str, str] = {}
    records = [(name, record) for name, found in request.artifacts.items() for record in found]
    kept, spare = request.mounts, local_path({"uri": "gs://.web/"}, request)  # no bucket has such a name
    request = replace(request, mounts={**{scheme: f"{spare}{scheme[:-3]}/" for scheme in WEB}, **kept})
    # Of two artifacts, one in the folder of the other, the folder comes first.
    for name, record in sorted(records, key=lambda each: len(str(each[1]["uri"]))):
        uri, target = str(record["uri"]), Path(local_path(record, request))
        held = _held(name, uri, options, bucket)
        if target.exists() or (held is None and not uri.startswith(REMOTE)):
            continue
        if held is None:
            problems.update(_fetched(uri, target))
        elif held.exists() and not _is_empty(held):
            _put(held, target, shared=(record.get("metadata") or {}).get("_kfp_workspace") is True)
    # A folder for a scheme only if all of it is there: else addresses stay addresses.
    whole = [
        s
        for s in WEB
        if any(r["uri"].startswith(s) for _, r in records) and not any(u.startswith(s) for u in problems)
    ]
    mounts = {scheme: request.mounts[scheme] for scheme in whole}
    return replace(request, mounts={**mounts, **kept}), [
        f"{u} could not be fetched: {w}" for u, w in problems.items()
    ]


def _bucket(root: str) -> str:
    scheme, _, rest = root.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}/"


def _held(name: str, uri: str, options: Options, bucket: str) -> Path | None:
    """Where Argo has put an artifact, if it could have; None where it was not asked to."""
    for prefix, folder in options.held_below.items():
        if uri.startswith(f"{prefix.rstrip('/')}/"):
            return Path(folder, uri[len(prefix.rstrip("/")) + 1 :])
    if name in options.held and uri.startswith(bucket):
        return Path(options.held[name])
    return None


def _is_empty(path: Path) -> bool:
    """An empty folder is what Argo makes of an optional artifact that is not there."""
    return path.is_dir() and not any(path.iterdir())


def _put(held: Path, target: Path, shared: bool) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if not shared:
            target.symlink_to(held.absolute())
            return
        part = target.with_name(f".{target.name}.{os.getpid()}")
        bring(str(held), str(part))
        part.replace(target)
    except FileExistsError:
        return  # it came with a folder, or with another step that shares the workspace
    except OSError as error:
        raise LaunchError(f"an artifact cannot be put at {target}: {error}") from error


def _fetched(uri: str, target: Path) -> dict[str, str]:
    """Why an artifact could not be fetched, if so."""
    from .fetch import fetch  # imports what few steps need

    try:
        fetch(uri, target)
    except LaunchError as error:
        return {uri: str(error)}
    return {}


def give(records: Sequence[Record], declared: Record, request: Request, target: Path) -> Sequence[Record]:
    """Put an output artifact where Argo takes it from.

    Args:
        records: as the step left them.
        declared: as it was before the step ran; where Argo will put the bytes.
        request: has the mounts.
        target: the file or folder that Argo takes; it is not there where the step wrote nothing.

    Returns:
        The records, with the addresses at which the bytes will be.

    Raises:
        LaunchError: the bytes cannot be moved.
    """
    uri = str(declared["uri"])
    own = Path(local_path(declared, request))
    given = []
    strays = []
    for record in records:
        there = str(record["uri"])
        place = Path(local_path(record, request))
        astray = there != uri and not there.startswith(f"{uri}/") and "://" not in str(place)
        if astray and len(records) == 1 and place.exists() and not _taken(there, request):
            # The step has put another name to it, as in `model.uri += '.onnx'`; the name stays, in a folder.
            strays.append(place)
            record = {**record, "uri": f"{uri}/{place.name}"}
        given.append(record)
    try:
        for place in strays:
            target.mkdir(parents=True, exist_ok=True)
            _move(place, target / place.name)
        if not strays and any(_below(str(record["uri"]), uri) for record in records):
            _move(own, target)
    except (OSError, shutil.Error) as error:
        raise LaunchError(f"it cannot be moved: {error}", f"output {declared['name']!r}") from error
    return given


def _below(uri: str, folder: str) -> bool:
    return uri == folder or uri.startswith(f"{folder}/")


def _taken(uri: str, request: Request) -> bool:
    """Whether it is an input that the step passes on."""
    inputs = (str(record["uri"]) for records in request.artifacts.values() for record in records)
    return any(_below(uri, each) for each in inputs)


def _move(source: Path, target: Path) -> None:
    if source.is_symlink():  # a link would lead nowhere for those who come after
        bring(str(source), str(target))
    elif source.exists():
        shutil.move(str(source), str(target))
