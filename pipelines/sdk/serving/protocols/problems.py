"""What a client did wrong, or the model could not do: a status and one short sentence, never a trace."""

from __future__ import annotations

import re
import reprlib
from typing import Any, Final, Literal, TypeAlias

# Why there is no prediction; a label of the metrics.
Reason: TypeAlias = Literal[
    "answer", "busy", "csv", "datatype", "disconnect", "http", "json", "media_type", "missing", "model",
    "model_input", "null", "outputs", "params", "request", "schema", "server", "shape", "timeout",
    "too_large", "url", "value",
]  # fmt: skip

# Answers stay short whatever the client sent: reasons quote parts of the request.
LONGEST_REASON: Final = 240
_PATH: Final = re.compile(r"(?:/[\w.+@-]+){2,}/?")
_CODES: Final = {
    404: "RESOURCE_DOES_NOT_EXIST",
    405: "METHOD_NOT_ALLOWED",
    408: "REQUEST_TIMEOUT",
    413: "REQUEST_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    431: "REQUEST_TOO_LARGE",
    503: "TEMPORARILY_UNAVAILABLE",
}


class Refused(Exception):
    """A request that gets no prediction.

    Args:
        reason: one sentence for the person who sent it.
        status: of the HTTP answer.
        kind: label in the metrics.
    """

    def __init__(self, reason: str, *, status: int = 400, kind: Reason = "request") -> None:
        super().__init__(reason)
        self.reason = shorten(reason)
        self.status = status
        self.kind = kind


def shorten(text: str, limit: int = LONGEST_REASON) -> str:
    """The text on one line of at most `limit` bytes of UTF-8."""
    line = " ".join(text.split()).encode("utf-8", "replace")
    if len(line) <= limit:
        return line.decode()
    return line[: limit - 3].decode("utf-8", "ignore") + "..."


class _Briefly(reprlib.Repr):
    """Like `repr`, but reads no more of a huge or deep value than a sentence has room for."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 3
        self.maxlist = self.maxdict = 10
        self.maxstring = self.maxother = self.maxlong = 200


def quoted(value: object) -> str:
    """A value of the client's, short enough to stand in a sentence."""
    return shorten(_Briefly().repr(value), 40)


def without_paths(text: str) -> str:
    """The text with this machine's file paths taken out: they are nobody's business."""
    return _PATH.sub("(path)", text)


def body_of(refused: Refused, path: str) -> dict[str, Any]:
    """The JSON of the answer, in the error shape of the protocol that the path belongs to."""
    if path.startswith(("/v1", "/v2")):
        return {"error": refused.reason}
    default = "BAD_REQUEST" if refused.status < 500 else "INTERNAL_ERROR"
    return {"error_code": _CODES.get(refused.status, default), "message": refused.reason}
