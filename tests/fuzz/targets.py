"""What is fuzzed: bytes in, nothing or `Refused` out, and what must hold in between."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pipelines.sdk.serving.http.limits import Life, Limits, Shared
from pipelines.sdk.serving.http.messages import Request
from pipelines.sdk.serving.http.parsing import Parsing
from pipelines.sdk.serving.protocols import binary, invocations, predictions, v2
from pipelines.sdk.serving.protocols.columns import Column, Kind
from pipelines.sdk.serving.protocols.problems import Refused, body_of
from pipelines.sdk.serving.protocols.table import Query, Signature, numeric_columns, rows_of
from pipelines.sdk.serving.protocols.tensors import Tensor

COLUMNS = (
    Column("temp", Kind.DOUBLE),
    Column("gusts", Kind.FLOAT, False),
    Column("visits", Kind.LONG, False),
    Column("level", Kind.INTEGER, False),
    Column("rain", Kind.BOOLEAN, False),
    Column("sky", Kind.STRING, False),
    Column("day", Kind.DATETIME, False),
    Column("photo", Kind.BINARY, False),
    Column("more", Kind.OTHER, False),
)
SIGNATURES = (
    Signature(COLUMNS, params=frozenset(("do", "seconds"))),
    Signature((Column("temp", Kind.DOUBLE),)),
    Signature((Column("0", Kind.DOUBLE), Column("1", Kind.STRING, False)), named=False),
    Signature(tensors=(Tensor("", np.dtype("f8"), (-1, 3)),)),
    Signature(tensors=(Tensor("temp", np.dtype("f4"), (-1,)), Tensor("sky", np.dtype("O"), (-1, 2)))),
    Signature(tensors=(Tensor("", np.dtype("i4"), (-1,)),)),
    Signature(raw=True),
    Signature(),
)
LIMITS = Limits(body=4096, head=1024, buffered=16_384)


def _decoded(query: Query) -> None:
    rows_of(query.data)
    for column in numeric_columns(query.data).values():
        assert column.ndim == 1


def from_json(body: bytes, signature: Signature) -> None:
    _decoded(invocations.from_json(body, signature))


def from_csv(body: bytes, signature: Signature) -> None:
    _decoded(invocations.from_csv(body, signature))


def from_v1(body: bytes, signature: Signature) -> None:
    _decoded(invocations.from_v1(body, signature))


def from_v2(body: bytes, signature: Signature) -> None:
    request = v2.decode(body, signature)
    _decoded(request.query)
    v2.encode(request, np.zeros(3), "model", "1", ["predictions"])


def from_binary(body: bytes, signature: Signature) -> None:
    """The first two bytes say how many of the others are JSON."""
    length, body = int.from_bytes(body[:2], "little"), body[2:]
    request = v2.decode(body, signature, binary.json_length(str(length), body))
    _decoded(request.query)
    v2.encode(request, {"predictions": np.array(["a", None]), "x": np.zeros(3)}, "model", "", [])


def from_socket(data: bytes, signature: Signature) -> None:
    """The same bytes give the same requests, however they are cut, and nothing is held in the end."""
    size = data[0] % 64 + 1 if data else 1
    whole = _requests([data[1:]])
    cut = _requests([data[i : i + size] for i in range(1, len(data), size)])
    for one, other in zip(whole, cut, strict=False):
        assert one == other, (one, other)


def _requests(pieces: list[bytes]) -> list[Request]:
    shared = Shared(LIMITS, Life())
    parsing = Parsing(shared)
    try:
        for piece in pieces:
            parsing.feed(piece)
            assert shared.buffered == parsing.held >= 0
    except Refused as refused:
        _told(refused, parsing.path)
    found = list(parsing.requests)
    for request in found:
        assert len(request.body) <= LIMITS.body
        assert request.path == "*" or request.method == "CONNECT" or request.path
    parsing.drop()
    assert shared.buffered == parsing.held == 0
    return found


def _told(refused: Refused, path: str) -> None:
    assert 400 <= refused.status < 500 or refused.status == 503
    assert len(predictions.dumps(body_of(refused, path))) < 300


TARGETS: dict[str, Callable[[bytes, Signature], None]] = {
    "json": from_json,
    "csv": from_csv,
    "v1": from_v1,
    "v2": from_v2,
    "binary": from_binary,
    "socket": from_socket,
}


def run(target: str, data: bytes) -> None:
    """Try one input: the first byte chooses the signature.

    Raises:
        Exception: a finding.
    """
    if not data:
        return
    try:
        TARGETS[target](data[1:], SIGNATURES[data[0] % len(SIGNATURES)])
    except Refused as refused:
        _told(refused, "/v2" if target in ("v2", "binary") else "/invocations")
