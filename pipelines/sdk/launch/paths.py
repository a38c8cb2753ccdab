"""Where the files of a step are: the local path of an artifact, and the places for what the step gives."""

from __future__ import annotations

import os
from collections.abc import Mapping

from .documents import Record, Request
from .errors import LaunchError
from .records import dataclass

MOUNTS: Mapping[str, str] = {"gs://": "/gcs/", "s3://": "/s3/", "minio://": "/minio/"}
"""Where KFP's own executor expects the bytes behind a URI of each scheme."""

WORKSPACE = "/kfp-workspace"
"""Where KFP mounts the run's shared folder."""

WORKSPACE_MARK = "_kfp_workspace"
"""In the metadata of an artifact that is there."""

OUTPUT_FILES = ".outputs"  # beside the artifacts; no output can have a name that starts with a dot


@dataclass(frozen=True)
class Layout:
    """Where a step puts what it gives.

    Args:
        output_file: KFP's `executor_output.json`.
        output_files: one for each output parameter, by name.
        records: of the output artifacts as they are before the step runs, by name.
    """

    output_file: str
    output_files: Mapping[str, str]
    records: Mapping[str, Record]


def lay_out(request: Request) -> Layout:
    """The layout of a step: under the request's root, but for artifacts with a URI of their own."""
    root = request.root if "://" in request.root else os.path.abspath(request.root)
    root = root.rstrip("/")
    folder = local_path({"uri": root}, request)
    task = request.task
    records = {
        name: {
            "name": name,
            "type": {"schemaTitle": output.schema_title, "schemaVersion": output.schema_version},
            "uri": request.uris.get(name, f"{root}/{name}"),
            "metadata": dict(output.metadata),
        }
        for name, output in task.output_artifacts.items()
    }
    return Layout(
        output_file=f"{folder}/executor_output.json",
        output_files={name: f"{folder}/{OUTPUT_FILES}/{name}" for name in task.output_parameters},
        records=records,
    )


def local_path(record: Record, request: Request) -> str:
    """The path under which a step finds or puts an artifact, as KFP's `Artifact.path` has it.

    Args:
        record: of the artifact; only `uri` and the mark of the workspace in its metadata count.
        request: has the mounts and the workspace.
    """
    path = uri = str(record["uri"])
    for scheme, folder in {**MOUNTS, **request.mounts}.items():
        if uri.startswith(scheme):
            path = f"{folder.rstrip('/')}/{uri[len(scheme) :]}"
    if uri.startswith("oci://"):  # a model image: one flat name, with the files in /models
        path = f"/oci/{uri[len('oci://') :].replace('/', '_')}/models"
    if (record.get("metadata") or {}).get(WORKSPACE_MARK) is True:
        path = f"{request.context.workspace or WORKSPACE}/.artifacts/{path.lstrip('/')}"
    return path


def prepare(layout: Layout, request: Request) -> None:
    """Make the folders that programs may expect, and clear away what an earlier attempt reported.

    Raises:
        LaunchError: a folder cannot be made.
    """
    files = [layout.output_file, *layout.output_files.values()]
    artifacts = [local_path(record, request) for record in layout.records.values()]
    try:
        for path in files:
            if os.path.lexists(path):
                os.unlink(path)
        for path in files + artifacts:
            os.makedirs(os.path.dirname(path), exist_ok=True)
    except OSError as error:
        raise _unwritable(error) from error


def bring(source: str, target: str) -> None:
    """Copy a file or folder to where those who come after look for it.

    Raises:
        LaunchError: the copy cannot be made.
    """
    import shutil  # few steps need it

    try:
        if os.path.exists(target) and os.path.samefile(source, target):
            return
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if os.path.isdir(source):
            shutil.copytree(source, target, dirs_exist_ok=True)
        else:
            shutil.copy2(source, target)
    except (OSError, shutil.Error) as error:
        raise _unwritable(error) from error


def _unwritable(error: Exception) -> LaunchError:
    return LaunchError(
        f"the step's outputs have no place: {error}", mend="check that the folder can be written"
    )
