"""Artifacts that Argo does not move: fetched from the web and other buckets, and sent to those."""

from __future__ import annotations

import os
import shutil

from .errors import LaunchError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

TIMEOUT_SECONDS = 60.0  # for a server to answer
PATIENCE_SECONDS = 5.0  # for repetitions: a step that needs the address alone is to go on without a network


def fetch(uri: str, target: str) -> None:
    """Fetch a file, or all below a prefix of a bucket.

    Args:
        uri: its scheme is http, https, gs, s3 or minio.
        target: path where it goes; whole, or not at all.

    Raises:
        LaunchError: it is not there, or cannot be reached; one line.
    """
    if ".." in target.split("/"):
        raise LaunchError("the address leads out of its bucket")
    part = os.path.join(os.path.dirname(target), f".{os.path.basename(target)}.{os.getpid()}")

    def work() -> None:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if uri.startswith(("http://", "https://")):
            _from_web(uri, part)
        elif uri.startswith("gs://") and (storage := _google()):
            _from_google(storage, uri, part)
        else:
            system, path = _fsspec(uri)
            system.get(path, part, recursive=system.isdir(path))
        os.replace(part, target)

    _in_one_line(work)


def send(source: str, uri: str) -> None:
    """Upload a file, or a folder with all in it.

    Args:
        source: path of it.
        uri: its scheme is gs, s3 or minio.

    Raises:
        LaunchError: it cannot be written; one line.
    """

    def work() -> None:
        if uri.startswith("gs://") and (storage := _google()):
            _to_google(storage, source, uri)
        else:
            system, path = _fsspec(uri)
            system.put(source, path, recursive=os.path.isdir(source))

    _in_one_line(work)


def _in_one_line(work: Callable[[], None]) -> None:
    try:
        work()
    except LaunchError:
        raise
    except Exception as error:  # whatever a network can do becomes one line
        lines = str(error).splitlines() or [""]
        kind = type(error).__name__
        raise LaunchError(f"{kind}: {lines[0]}" if lines[0] else kind) from error


def _from_web(uri: str, target: str) -> None:
    from urllib.request import urlopen

    with urlopen(uri, timeout=TIMEOUT_SECONDS) as answer, open(target, "wb") as file:  # noqa: S310 - http(s)
        shutil.copyfileobj(answer, file)


def _google() -> Any:
    try:
        from google.cloud import storage
    except ImportError:
        return None
    return storage


def _fsspec(uri: str) -> tuple[Any, str]:
    scheme = uri.partition("://")[0]
    try:
        import fsspec  # type: ignore[import-not-found, unused-ignore]

        found: tuple[Any, str] = fsspec.core.url_to_fs(uri.replace("minio://", "s3://", 1))
    except ImportError:
        tools = "google-cloud-storage, or fsspec and gcsfs" if scheme == "gs" else "fsspec and s3fs"
        mend = f"install {tools} in the step's image, or put it into the bucket of the pipeline root"
        raise LaunchError("the image has no client for it", mend=mend) from None
    return found


def _bucket(storage: Any, uri: str) -> tuple[Any, str]:
    name, _, key = uri[len("gs://") :].partition("/")
    return _client(storage).bucket(name), key


def _from_google(storage: Any, uri: str, target: str) -> None:
    """An object, or all below a prefix, as folders are in buckets."""
    from google.cloud.exceptions import NotFound

    bucket, key = _bucket(storage, uri)
    prefix = f"{key.rstrip('/')}/" if key.rstrip("/") else ""
    try:
        if not key or key.endswith("/"):
            raise NotFound("a prefix")
        bucket.blob(key).download_to_filename(target, **_options())
    except NotFound:
        if os.path.exists(target):
            os.unlink(target)
        try:
            inside = [b for b in bucket.list_blobs(prefix=prefix, **_options()) if not b.name.endswith("/")]
        except NotFound:
            raise LaunchError("there is no such bucket") from None
        if not inside:
            raise LaunchError(f"there is no such object, and nothing below {prefix or 'it'}") from None
        for blob in inside:
            path = os.path.normpath(os.path.join(target, blob.name[len(prefix) :]))
            if not path.startswith(f"{os.path.normpath(target)}/"):
                raise LaunchError(f"the object's name {blob.name!r} leads out of the folder") from None
            os.makedirs(os.path.dirname(path), exist_ok=True)
            bucket.blob(blob.name).download_to_filename(path, **_options())


def _to_google(storage: Any, source: str, uri: str) -> None:
    bucket, key = _bucket(storage, uri)
    files = [(source, key)]
    if os.path.isdir(source):
        paths = [os.path.join(place, name) for place, _, names in os.walk(source) for name in names]
        files = [(path, f"{key.rstrip('/')}/{os.path.relpath(path, source)}") for path in paths]
    for path, name in files:
        bucket.blob(name).upload_from_filename(path, **_options())


def _options() -> dict[str, Any]:
    from google.cloud.storage.retry import DEFAULT_RETRY

    return {"timeout": TIMEOUT_SECONDS, "retry": DEFAULT_RETRY.with_timeout(PATIENCE_SECONDS)}


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
