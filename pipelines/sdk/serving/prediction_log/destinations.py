"""Where the files of a prediction log go: a folder, or a prefix of a bucket."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from pipelines.sdk.errors import EnvironmentProblem, Finding, UsageError
from pipelines.sdk.launch import remote

Destination: TypeAlias = Callable[[str, bytes], None]
"""Writes a file of that name and content, whole or not at all; raises OSError or LaunchError."""


def destination_of(address: str) -> Destination:
    """How files get to an address.

    Args:
        address: a folder, which is made where it is missing, or gs://BUCKET/PREFIX.

    Raises:
        UsageError: the address is of another kind.
        EnvironmentProblem: the folder cannot be written, or there is no client for the bucket.
    """
    if address.startswith("gs://"):
        return _bucket(address)
    if "://" in address or not address:
        mend = "give a folder, or gs://BUCKET/PREFIX"
        raise UsageError(Finding("is no place for a prediction log", address or "''", mend))
    return _folder(Path(address))


def _folder(folder: Path) -> Destination:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # The one way to know: permissions are not all that can be in the way.
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        mend = "give a folder that this process can write"
        raise EnvironmentProblem(
            Finding(f"cannot be written: {error.strerror}", str(folder), mend)
        ) from error

    def put(name: str, content: bytes) -> None:
        # Hidden until it is whole. Opened as any file is, so that others can read it as the umask says.
        part = folder / f".{name}"
        try:
            part.write_bytes(content)
            part.replace(folder / name)
        except OSError:
            part.unlink(missing_ok=True)
            raise

    return put


def _bucket(address: str) -> Destination:
    bucket, _, prefix = address.removeprefix("gs://").partition("/")
    if not bucket:
        raise UsageError(Finding("names no bucket", address, "give gs://BUCKET/PREFIX"))
    try:
        # Now, once for all workers: in the writer's thread its half second would hold up the first requests.
        import google.cloud.storage  # noqa: F401
    except ImportError as error:
        mend = "install google-cloud-storage, or give a folder"
        finding = Finding("there is no client for Cloud Storage here", address, mend)
        raise EnvironmentProblem(finding) from error
    base = (
        "/".join(("gs:/", bucket, *prefix.strip("/").split("/"))) if prefix.strip("/") else f"gs://{bucket}"
    )

    def put(name: str, content: bytes) -> None:
        handle, path = tempfile.mkstemp(prefix=f"{name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            remote.send(path, f"{base}/{name}")
        finally:
            Path(path).unlink(missing_ok=True)

    return put
