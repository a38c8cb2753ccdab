"""Fetches artifacts that Argo does not bring: from the web, and from other buckets."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from .errors import LaunchError

TIMEOUT_SECONDS = 60.0  # for a server to answer
PATIENCE_SECONDS = 5.0  # for repetitions: a step that needs the address alone is to go on without a network


def fetch(uri: str, target: Path) -> None:
    """Fetch a file, or all below a prefix of a bucket.

    Args:
        uri: its scheme is http, https, gs, s3 or minio.
        target: where it goes; whole, or not at all.

    Raises:
        LaunchError: it is not there, or cannot be reached; one line.
    """
    if ".." in target.parts:
        raise LaunchError("the address leads out of its bucket")
    part = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if uri.startswith(("http://", "https://")):
            _from_web(uri, part)
        else:
            _from_bucket(uri, part)
        part.replace(target)
    except LaunchError:
        raise
    except Exception as error:  # whatever a network can do becomes one line
        lines = str(error).splitlines() or [""]
        kind = type(error).__name__
        raise LaunchError(f"{kind}: {lines[0]}" if lines[0] else kind) from error


def _from_web(uri: str, target: Path) -> None:
    from urllib.request import urlopen

    with urlopen(uri, timeout=TIMEOUT_SECONDS) as answer, target.open("wb") as file:  # noqa: S310 - http(s)
        shutil.copyfileobj(answer, file)


def _from_bucket(uri: str, target: Path) -> None:
    scheme = uri.partition("://")[0]
    if scheme == "gs":
        try:
            from google.cloud import storage
        except ImportError:
            pass
        else:
            _from_google(storage, uri, target)
            return
    try:
        import fsspec  # type: ignore[import-not-found, unused-ignore]

        system, path = fsspec.core.url_to_fs(uri.replace("minio://", "s3://", 1))
    except ImportError:
        tools = "google-cloud-storage, or fsspec and gcsfs" if scheme == "gs" else "fsspec and s3fs"
        mend = f"install {tools} in the step's image, or put it into the bucket of the pipeline root"
        raise LaunchError("the image has no client for it", mend=mend) from None
    system.get(path, str(target), recursive=system.isdir(path))


def _from_google(storage: Any, uri: str, target: Path) -> None:
    """An object, or all below a prefix, as folders are in buckets."""
    from google.cloud.exceptions import NotFound
    from google.cloud.storage.retry import DEFAULT_RETRY

    bucket_name, _, name = uri[len("gs://") :].partition("/")
    bucket = _client(storage).bucket(bucket_name)
    prefix = f"{name.rstrip('/')}/" if name.rstrip("/") else ""
    options = {"timeout": TIMEOUT_SECONDS, "retry": DEFAULT_RETRY.with_timeout(PATIENCE_SECONDS)}
    try:
        if not name or name.endswith("/"):
            raise NotFound("a prefix")
        bucket.blob(name).download_to_filename(str(target), **options)
    except NotFound:
        target.unlink(missing_ok=True)
        try:
            inside = [b for b in bucket.list_blobs(prefix=prefix, **options) if not b.name.endswith("/")]
        except NotFound:
            raise LaunchError("there is no such bucket") from None
        if not inside:
            raise LaunchError(f"there is no such object, and nothing below {prefix or 'it'}") from None
        for blob in inside:
            path = Path(os.path.normpath(target / blob.name[len(prefix) :]))
            if target not in path.parents:
                raise LaunchError(f"the object's name {blob.name!r} leads out of the folder") from None
            path.parent.mkdir(parents=True, exist_ok=True)
            bucket.blob(blob.name).download_to_filename(str(path), **options)


def _client(storage: Any) -> Any:
    """With the credentials that there are; without any, what is public can still be read."""
    from google.auth.exceptions import DefaultCredentialsError

    emulator = os.environ.get("STORAGE_EMULATOR_HOST", "")
    # The client goes there by itself and anonymously, but wants a scheme, which some conventions leave out.
    options = {"api_endpoint": f"http://{emulator}"} if emulator and "://" not in emulator else None
    try:
        return storage.Client(project="none", client_options=options)
    except DefaultCredentialsError:
        return storage.Client.create_anonymous_client()
