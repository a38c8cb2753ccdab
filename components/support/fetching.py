"""What every way of reading a file shares: its limits, and words for what went wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

from components.support.errors import StepFailed
from pipelines.sdk.errors import Finding


@dataclass(frozen=True)
class Limits:
    """How much is read, and how patiently.

    Args:
        bytes: a larger file is refused.
        attempts: how often a server that does not answer, or says it is busy, is asked.
        pause_seconds: between attempts; it doubles from one to the next.
        timeout_seconds: for connecting, and for each answer.
        deadline_seconds: for one download as a whole.
    """

    bytes: int = 256 * 1024 * 1024
    attempts: int = 4
    pause_seconds: float = 0.5
    timeout_seconds: float = 30.0
    deadline_seconds: float = 600.0


def refuse(where: str, what: str, mend: str) -> NoReturn:
    """Ends the step: what is wrong, where, and what to do."""
    raise StepFailed(Finding(what, where, mend))


def check_size(source: str, size: int, limits: Limits) -> None:
    """Ends the step where a file has more bytes than the limit."""
    if size > limits.bytes:
        refuse(source, f"has more than {limits.bytes} bytes", "cut it to the days that are needed")


def network_reason(error: Exception) -> str:
    """A clause with the innermost cause, in place of the chain of retries around it."""
    import requests
    from urllib3.exceptions import NewConnectionError
    from urllib3.exceptions import TimeoutError as Timeout

    *_, innermost = _causes(error)
    # urllib3 counts a refused connection among the timeouts.
    if isinstance(innermost, requests.Timeout | Timeout) and not isinstance(innermost, NewConnectionError):
        return "the server does not answer in time"
    if isinstance(error, requests.TooManyRedirects):
        return "the server redirects without end"
    if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema):
        return "is not a valid address"
    text = re.sub(r"^HTTPS?Connection(Pool)?\([^)]*\): ", "", first_line(innermost))
    return f"cannot be fetched: {text or type(innermost).__name__}"


def _causes(error: Exception) -> Iterator[Exception]:
    """The error and what it wraps, layer by layer: retries of google-api-core, requests, urllib3, sockets."""
    cause: object = error
    while isinstance(cause, Exception):
        yield cause
        cause = (
            getattr(cause, "cause", None) or getattr(cause, "reason", None) or next(iter(cause.args), None)
        )


def first_line(error: Exception) -> str:
    """Of its message, and not too much of it."""
    return str(error).strip().partition("\n")[0][:300]
