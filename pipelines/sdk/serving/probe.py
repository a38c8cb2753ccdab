"""Asking a local server who it is."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from pipelines.sdk.serving.state import Record


def metadata(url: str, model: str, timeout: float) -> dict[str, Any]:
    """V2's metadata of a model on this machine.

    Raises:
        OSError: nothing answers there.
        ValueError: what answers is no model server.
    """
    # Whatever proxy the environment names, it is not the way to a server on this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    address = f"{url}/v2/models/{urllib.parse.quote(model)}"
    try:
        with opener.open(address, timeout=timeout) as response:
            answer = json.load(response)
    except urllib.error.HTTPError as error:
        raise ValueError(f"it answers with {error.code}") from error
    if not isinstance(answer, dict):
        raise ValueError("it answers with something else")
    return answer


def difference(record: Record, timeout: float = 5.0) -> str:
    """Why what answers at an endpoint is not the recorded server; empty where it is.

    Args:
        record: of the server.
        timeout: seconds for its answer.
    """
    endpoint = record.endpoint
    try:
        parameters = metadata(endpoint.url, endpoint.service, timeout).get("parameters", {})
    except (OSError, ValueError) as error:
        return f"no model server answers at {endpoint.url}: {error}"
    if parameters.get("instance") != record.token:
        return f"another server answers at {endpoint.url}"
    if parameters.get("model_id") != endpoint.model_id:
        return f"it serves model {parameters.get('model_id')!r}, not {endpoint.model_id!r}"
    return ""
