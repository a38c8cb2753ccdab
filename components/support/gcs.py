"""Reading an object of Google Cloud Storage, or of an emulator of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from components.support.fetching import Limits, check_size, first_line, network_reason, refuse

if TYPE_CHECKING:
    from google.cloud.storage import Bucket

_CREDENTIALS = (
    "set GOOGLE_APPLICATION_CREDENTIALS to a key file, or run gcloud auth application-default login"
)


def read_gs(source: str, limits: Limits) -> bytes:
    """The bytes of an object.

    Goes where STORAGE_EMULATOR_HOST says, without credentials; else to Google, with those that
    GOOGLE_APPLICATION_CREDENTIALS or the machine gives.

    Args:
        source: gs://BUCKET/PATH/FILE.
        limits: see Limits.

    Raises:
        StepFailed: there is no such object or bucket, it may not be read or is too large, or nobody answers.
    """
    from google.api_core.exceptions import Forbidden, GoogleAPIError, NotFound, Unauthorized
    from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError
    from requests import RequestException

    bucket, _, name = source[len("gs://") :].partition("/")
    if not bucket or not name or name.endswith("/"):
        refuse(source, "names no file", "write gs://BUCKET/PATH/FILE.csv")
    try:
        return _download(bucket, name, source, limits)
    except DefaultCredentialsError as error:
        refuse(source, f"no Google credentials: {first_line(error)}", _CREDENTIALS)
    except NotFound:
        refuse(
            source, "there is no such object", "check the address; `gcloud storage ls` lists what there is"
        )
    except (Unauthorized, Forbidden) as error:
        what = f"may not be read with these credentials (HTTP {int(error.code or 403)})"
        refuse(source, what, "grant them roles/storage.objectViewer on the bucket")
    except (GoogleAPIError, GoogleAuthError, RequestException, ValueError) as error:
        mend = "check the network, and STORAGE_EMULATOR_HOST where it is set; then run again"
        refuse(source, network_reason(error), mend)


def _download(bucket: str, name: str, source: str, limits: Limits) -> bytes:
    from google.api_core.exceptions import NotFound
    from google.cloud import storage
    from google.cloud.storage.retry import DEFAULT_RETRY

    retry = DEFAULT_RETRY.with_timeout(limits.attempts * limits.timeout_seconds)
    retry = retry.with_delay(initial=limits.pause_seconds)
    emulator = os.environ.get("STORAGE_EMULATOR_HOST", "")
    # The client goes there anonymously, but wants a scheme, which the variable has in some conventions only.
    options = {"api_endpoint": f"http://{emulator}"} if emulator and "://" not in emulator else None
    with storage.Client(project=None, client_options=options) as client:  # reading needs no project
        blob = client.bucket(bucket).blob(name)
        try:
            blob.reload(timeout=limits.timeout_seconds, retry=retry)
        except NotFound:
            if _is_missing(client.bucket(bucket), limits):
                refuse(
                    source, "there is no such bucket", "check the address; `gcloud storage ls` lists yours"
                )
            raise
        check_size(source, int(blob.size or 0), limits)
        # Another handle: this one would go to the address in the answer, which emulators often get wrong.
        content: bytes = (
            client.bucket(bucket)
            .blob(name)
            .download_as_bytes(
                if_generation_match=blob.generation, timeout=limits.timeout_seconds, retry=retry
            )
        )
        return content


def _is_missing(bucket: Bucket, limits: Limits) -> bool:
    """Whether there is no such bucket; False too where these credentials may not know."""
    from google.api_core.exceptions import GoogleAPIError

    try:
        return not bucket.exists(timeout=limits.timeout_seconds)
    except GoogleAPIError:
        return False
