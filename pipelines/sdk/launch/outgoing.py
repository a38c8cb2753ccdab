"""Output artifacts of a pod: what the step wrote, where Argo takes it from."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from .documents import Record, Request, Result
from .errors import LaunchError
from .incoming import REMOTE, WEB, bucket_of
from .paths import WORKSPACE_MARK, Layout, bring, local_path
from .records import dataclass

SCRATCH = ("/", "/tmp", "/gcs", "/s3", "/minio")  # noqa: S108 - mounts that end with the pod


@dataclass(frozen=True)
class Exit:
    """Where what a step wrote goes.

    Args:
        folder: on a volume that Argo's executor sees.
        root: address of the pipeline root; Argo writes to its bucket.
        files: of the output artifacts, by name.
    """

    folder: str
    root: str
    files: Mapping[str, str]

    def target(self, name: str) -> str:
        """The file or folder that Argo takes; not there where the step wrote nothing."""
        return os.path.join(self.folder, "artifacts", self.files[name])


def prepare(layout: Layout, request: Request, way: Exit) -> None:
    """Have the step write its outputs to the volume that Argo takes them from.

    The folder of each output becomes a link to one there: renaming is then enough afterwards. Between two
    volumes all would have to be copied, and there would have to be room for it twice.

    Raises:
        LaunchError: a folder cannot be made.
    """
    try:
        os.makedirs(os.path.join(way.folder, "artifacts"), exist_ok=True)
        for name, declared in layout.records.items():
            parent = os.path.dirname(local_path(declared, request))
            made = os.path.join(way.folder, "made", way.files[name])
            os.makedirs(os.path.dirname(parent), exist_ok=True)
            os.makedirs(made, exist_ok=True)
            if not os.path.lexists(parent):
                os.symlink(made, parent)
    except OSError as error:
        raise LaunchError(f"the step's outputs have no place: {error}") from error


def hand_over(result: Result, layout: Layout, request: Request, way: Exit) -> dict[str, list[Record]]:
    """Put the output artifacts where Argo takes them from.

    Returns:
        The records, with the addresses at which the bytes will be.

    Raises:
        LaunchError: bytes cannot be moved, or sent to where the step wants them; `where` is the output.
    """
    moved: dict[str, str] = {}
    given: dict[str, list[Record]] = {}
    for name in way.files:
        try:
            given[name] = _one(result.artifacts[name], layout.records[name], request, way, moved)
        except LaunchError as error:
            raise error.at(f"output {name!r}") from None
        except OSError as error:
            raise LaunchError(f"its files cannot be moved: {error}", f"output {name!r}") from error
    return given


def _one(
    records: Sequence[Record], declared: Record, request: Request, way: Exit, moved: dict[str, str]
) -> list[Record]:
    uri, target = str(declared["uri"]), way.target(str(declared["name"]))
    inside = [_is_below(str(each["uri"]), uri) for each in records]
    if any(inside):
        _move(local_path(declared, request), target)
    found = []
    for each, kept in zip(records, inside):
        place = local_path(each, request).rstrip("/")
        if not kept and place in moved:
            each = {**each, "uri": moved[place]}
        elif not kept and _is_ours(each, place, request):
            if str(each["uri"]).startswith(REMOTE) and bucket_of(str(each["uri"])) != bucket_of(way.root):
                _send(place, str(each["uri"]))
            else:
                # The step gave it another name, as in `model.uri += '.onnx'`; it stays, in a folder.
                moved[place] = f"{uri}/{os.path.basename(place)}"
                os.makedirs(target, exist_ok=True)
                _move(place, os.path.join(target, os.path.basename(place)))
                each = {**each, "uri": moved[place]}
        found.append(each)
    return found


def _is_ours(each: Record, place: str, request: Request) -> bool:
    """Whether the step has written something that would end with the pod."""
    uri = str(each["uri"])
    if uri.startswith(WEB) or "://" in place or not os.path.exists(place):
        return False
    if (each.get("metadata") or {}).get(WORKSPACE_MARK) is True:
        return False
    inputs = (str(record["uri"]) for records in request.artifacts.values() for record in records)
    if any(_is_below(uri, other) for other in inputs):  # an input that the step passes on
        return False
    return "://" in uri or _ends_with_the_pod(place)


def _ends_with_the_pod(path: str) -> bool:
    """Whether a path is neither part of the image nor on a volume of the step's own."""
    path = os.path.realpath(path)
    try:
        with open("/proc/self/mountinfo", encoding="utf-8") as file:
            points = [line.split()[4] for line in file]
    except OSError:  # no Linux, so no pod
        points = []
    point = max((point for point in points if _is_below(path, point.rstrip("/"))), key=len, default="/")
    return point in SCRATCH and os.access(os.path.dirname(path), os.W_OK)


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def _send(place: str, uri: str) -> None:
    from .remote import send  # imports what few steps need

    try:
        send(place, uri)
    except LaunchError as error:
        what = f"the step gave it the address {uri}, and it cannot be sent there: {error.what}"
        mend = f"{error.mend}; or leave its uri as it was" if error.mend else "leave its uri as it was"
        raise LaunchError(what, mend=mend) from error


def _move(source: str, target: str) -> None:
    if not os.path.exists(source):
        return
    try:
        if os.path.islink(source):  # it would lead nowhere for those who come after
            raise OSError
        os.rename(source, target)
    except OSError:  # another volume
        bring(source, target)
