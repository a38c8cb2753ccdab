"""Ask a model server for predictions."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

Protocol = Literal["invocations", "v2"]


def predict(
    url: str,
    body: dict[str, Any] | Path,
    *,
    protocol: Protocol = "invocations",
    model: str = "model",
    timeout: float = 30,
) -> list[Any]:
    """The predictions of a model server, one for each row.

    Args:
        url: base of the server, `http://127.0.0.1:8080`.
        body: what to send: any shape `/invocations` takes (`{"columns": ["temp"], "data": [[12.8]]}`), or the path
            of a JSON or CSV file. With `protocol="v2"`, tables are turned into tensors; a body that has
            `inputs` in V2's form is sent as it is.
        protocol: `invocations` (MLflow's) or `v2` (Open Inference Protocol).
        model: name of the model in V2's path.
        timeout: seconds for the answer.

    Raises:
        Unreachable: nothing answers there, or the server failed.
        UsageError: the file cannot be read, or the server refused the request; its reason is in the message.
    """
    raise NotImplementedError
