"""V2's binary tensors: raw data behind the JSON of a body, as KServe's and Triton's clients send arrays.

Numbers are little-endian; a BYTES element is its length in four bytes, then the bytes, UTF-8 as in JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np

from pipelines.sdk.serving.protocols.columns import Array
from pipelines.sdk.serving.protocols.jsontext import expect
from pipelines.sdk.serving.protocols.problems import Refused, quoted

LENGTH: Final = "Inference-Header-Content-Length"
MEDIA: Final = "application/octet-stream"
EXTENSION: Final = "binary_tensor_data"
SIZE: Final = "binary_data_size"
_PREFIX: Final = 4


def json_length(header: str | None, body: bytes) -> int | None:
    """How many bytes of a body are JSON; None where all are.

    Args:
        header: of the name LENGTH.
        body: all of it.

    Raises:
        Refused: it is no number, or more than there is.
    """
    if header is None:
        return None
    if not (header.isascii() and header.isdigit()) or len(header) > len(str(len(body))):
        raise Refused(f"{LENGTH} must be a number of bytes in the body, not {quoted(header)}", kind="shape")
    length = int(header)
    if length > len(body):
        raise Refused(f"{LENGTH} is {length}, but the body has {len(body)} bytes", kind="shape")
    return length


class Tail:
    """The raw data behind the JSON, given out tensor by tensor.

    Args:
        data: of all tensors; None where the request has no header that would say where it begins.
    """

    def __init__(self, data: bytes | None) -> None:
        self._data = data
        self._position = 0

    def take(self, item: Mapping[str, Any], where: str) -> bytes | None:
        """The data of the next tensor; None where its data is in the JSON.

        Raises:
            Refused: its size is no size, or there is not as much data.
        """
        parameters = item.get("parameters")
        if parameters is None or SIZE not in expect(parameters, dict, f"the parameters of {where}"):
            return None
        size = parameters[SIZE]
        if type(size) is not int or size < 0:
            raise Refused(f"{where}: {SIZE} must be a size, not {quoted(size)}", kind="shape")
        if "data" in item:
            raise Refused(f"{where} has both 'data' and {SIZE}", kind="shape")
        if self._data is None:
            raise Refused(f"{where} is binary, but the request has no {LENGTH}", kind="shape")
        end = self._position + size
        if end > len(self._data):
            raise Refused(f"{where}: its {size} bytes are not all there", kind="shape")
        taken = self._data[self._position : end]
        self._position = end
        return taken

    def end(self) -> None:
        """Make sure that every byte belonged to a tensor.

        Raises:
            Refused: there are more.
        """
        left = len(self._data or b"") - self._position
        if left:
            raise Refused(f"{left} bytes at the end of the body belong to no input", kind="shape")


def values(where: str, dtype: np.dtype[Any], raw: bytes) -> list[Any] | Array:
    """The elements of a tensor as JSON would have had them: NaN, which it cannot say, is null.

    Raises:
        Refused: the bytes are no such elements, or one is infinite.
    """
    if dtype.kind == "O":
        return list(_texts(where, raw))
    if len(raw) % dtype.itemsize:
        raise Refused(f"{where}: {len(raw)} bytes are no whole number of values", kind="shape")
    if dtype.kind == "b":
        if raw.strip(b"\0\1"):
            raise Refused(f"{where}: a BOOL is the byte 0 or 1", kind="value")
        return np.frombuffer(raw, dtype)
    array: Array = np.frombuffer(raw, dtype.newbyteorder("<")).astype(dtype)
    if dtype.kind != "f" or np.isfinite(array).all():
        return array
    if np.isinf(array).any():
        raise Refused(f"{where} has a value that is not finite", kind="value")
    return [None if value != value else value for value in array.tolist()]


def _texts(where: str, raw: bytes) -> Iterable[str]:
    position = 0
    while position < len(raw):
        start = position + _PREFIX
        position = start + int.from_bytes(raw[position:start], "little")
        if start > len(raw) or position > len(raw):
            raise Refused(f"{where}: a BYTES element is longer than the data", kind="shape")
        try:
            yield raw[start:position].decode()
        except UnicodeDecodeError:
            raise Refused(f"{where}: a BYTES element is not UTF-8", kind="value") from None


def packed(array: Array, elements: list[Any] | Array) -> bytes:
    """The raw data of an output.

    Args:
        array: of it.
        elements: of it, flat: texts and null where it is BYTES.
    """
    if isinstance(elements, np.ndarray):
        return array.astype(array.dtype.newbyteorder("<")).tobytes()
    texts = [b"" if element is None else element.encode() for element in elements]
    return b"".join(len(text).to_bytes(_PREFIX, "little") + text for text in texts)
