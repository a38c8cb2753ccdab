"""A model in a bucket of Cloud Storage, or of an emulator of it, brought here."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Final

from pipelines.sdk.errors import Finding, PipelineError
from pipelines.sdk.launch import LaunchError
from pipelines.sdk.launch.remote import fetch

ATTEMPTS: Final = 4
_PAUSE_SECONDS: Final = 1.0


def from_bucket(model_uri: str, target: Path) -> Path:
    """Fetch an object, or all below a prefix; what breaks off, or arrives damaged, is fetched anew.

    Args:
        model_uri: gs://BUCKET/FOLDER.
        target: what it becomes, in a folder that holds nothing else.

    Raises:
        PipelineError: it is not there, may not be read, or cannot be reached in ATTEMPTS times.
    """
    if not model_uri.removeprefix("gs://").partition("/")[0]:
        raise PipelineError(Finding("this names no bucket", model_uri, "write gs://BUCKET/FOLDER"))
    attempt = 0
    while not target.exists():
        if attempt:
            time.sleep(_PAUSE_SECONDS * 2 ** (attempt - 1))
        attempt += 1
        try:
            fetch(model_uri, str(target))
        except LaunchError as error:
            for part in target.parent.iterdir():
                shutil.rmtree(part, ignore_errors=True)
            if attempt == ATTEMPTS or not _may_pass(error.__cause__):
                raise PipelineError(Finding(str(error), model_uri, _mend(error.__cause__))) from error
    return target


def _may_pass(cause: BaseException | None) -> bool:
    """Whether to try again: what a network or a server does in passing, not what it says for good."""
    from google.api_core.exceptions import ClientError, TooManyRequests
    from google.auth.exceptions import GoogleAuthError, TransportError
    from requests import RequestException

    if isinstance(cause, (TransportError, TooManyRequests, RequestException, ConnectionError)):
        return True
    # A full disk is an OSError without a connection; an address that is none, a ValueError.
    return cause is not None and not isinstance(cause, (ClientError, GoogleAuthError, OSError, ValueError))


def _mend(cause: BaseException | None) -> str:
    from google.api_core.exceptions import Forbidden, Unauthorized
    from google.auth.exceptions import GoogleAuthError

    if cause is None:
        return "check the address; it is the folder that has the MLmodel"
    if isinstance(cause, (Forbidden, Unauthorized, GoogleAuthError)):
        return "set GOOGLE_APPLICATION_CREDENTIALS, and grant roles/storage.objectViewer on the bucket"
    return "check the network, and STORAGE_EMULATOR_HOST where it is set"
