"""One message to a webhook."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping
from urllib.parse import urlsplit

SECONDS = 10.0


def post(url: str, message: Mapping[str, object]) -> None:
    """Send a message as JSON.

    Args:
        url: http:// or https://. It often holds a secret, so no error repeats it.
        message: what to send.

    Raises:
        OSError: nobody took it within ten seconds.
        ValueError: the address is none.
    """
    if urlsplit(url).scheme not in ("http", "https"):
        raise ValueError("it must begin with http:// or https://")
    request = urllib.request.Request(  # noqa: S310 - the scheme was checked
        url, json.dumps(message).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=SECONDS):  # noqa: S310
        pass
