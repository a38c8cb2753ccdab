"""Where the bytes of artifacts are: Argo moves them, so its template says which bucket and key."""

from __future__ import annotations

import re
from typing import Any

from pipelines.sdk.errors import Finding, UsageError

_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
_PREFIX = re.compile(r"[-\w./=+@:]*", re.ASCII)
_SCHEMES = ("gs", "s3")


def checked_root(root: str) -> str:
    """A pipeline root that Argo can write to, without a slash at its end.

    Args:
        root: as in `gs://bucket/prefix`.

    Raises:
        UsageError: it is none.
    """
    scheme, separator, rest = root.partition("://")
    bucket, _, prefix = rest.partition("/")
    if not separator or scheme not in _SCHEMES:
        known = " or ".join(f"{each}://bucket/prefix" for each in _SCHEMES)
        raise UsageError(
            Finding(f"{root!r} is nothing that Argo can write to", "--pipeline-root", f"use {known}")
        )
    if not _BUCKET.fullmatch(bucket) or not _PREFIX.fullmatch(prefix):
        raise UsageError(
            Finding(f"{root!r} is no bucket and prefix", "--pipeline-root", "as in gs://bucket/runs")
        )
    return root.rstrip("/")


def location(root: str, key: str) -> dict[str, Any]:
    """The place of an artifact in Argo's form.

    Args:
        root: the pipeline root.
        key: within the bucket.
    """
    scheme, _, rest = root.partition("://")
    bucket = rest.partition("/")[0]
    if scheme == "gs":
        return {"gcs": {"bucket": bucket, "key": key}}
    # Without an endpoint Argo takes the bucket of the namespace's artifact repository in place of this one.
    return {"s3": {"bucket": bucket, "key": key, "endpoint": "s3.amazonaws.com", "useSDKCreds": True}}


def directory(root: str) -> str:
    """The key below which a run's artifacts are."""
    prefix = root.partition("://")[2].partition("/")[2]
    return f"{prefix}/{{{{workflow.name}}}}".lstrip("/")


def run_prefix(root: str) -> str:
    """The URI below which a run's artifacts are."""
    return f"{root}/{{{{workflow.name}}}}"
