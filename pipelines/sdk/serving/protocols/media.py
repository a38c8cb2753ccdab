"""What a request says of its own body."""

from __future__ import annotations

from typing import Final

from pipelines.sdk.serving.protocols.problems import Refused, quoted

JSON: Final = "application/json"
CSV: Final = "text/csv"


def media_type(header: str | None, encoding: str | None, allowed: tuple[str, ...]) -> str:
    """The media type of a body, one of those allowed.

    Args:
        header: `Content-Type`.
        encoding: `Content-Encoding`.
        allowed: what the path takes.

    Raises:
        Refused: with 415: there is none, it is another, or the text is not in UTF-8 or compressed.
    """
    takes = " or ".join(allowed)
    if not header:
        raise _unsupported(f"the request has no Content-Type; send {takes}")
    media, _, rest = header.partition(";")
    media = media.strip().lower()
    if media not in allowed:
        raise _unsupported(f"Content-Type {quoted(media)} is not supported; send {takes}")
    for parameter in rest.split(";"):
        key, _, value = parameter.strip().partition("=")
        if key.lower() == "charset" and value.strip('"').lower() not in ("utf-8", "utf8", "us-ascii"):
            raise _unsupported(f"charset {quoted(value)} is not supported; send UTF-8")
    if encoding and encoding.strip().lower() != "identity":
        raise _unsupported(f"Content-Encoding {quoted(encoding)} is not supported; send the body as it is")
    return media


def _unsupported(reason: str) -> Refused:
    return Refused(reason, status=415, kind="media_type")
