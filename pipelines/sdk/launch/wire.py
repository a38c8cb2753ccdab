"""The wire format: how a parameter's value is written between two steps.

Compact ASCII JSON in which neither `{{` (which Argo would evaluate) nor `$(` (which Kubernetes would expand)
occurs. Every JSON value comes back with the type it had.
"""

from __future__ import annotations

import json
import math

from .errors import WireError, shorten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

MAX_BYTES = 32 * 1024
"""The longest wire text of one value: etcd and the kernel limit what Argo can carry."""

NULL = "null"
"""The wire text of an absent value."""


def encode(value: Any, limit: int | None = MAX_BYTES) -> str:
    """The wire text of a value.

    Args:
        value: any JSON value.
        limit: bytes that the text may have; None for any number.

    Raises:
        WireError: it is no JSON value (NaN, infinities, lone surrogates and keys that are no strings
            included), or its text is too long.
    """
    try:
        plain = json.dumps(_checked(value), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    except (
        RecursionError,
        ValueError,
    ) as error:  # nested thousands deep, or an integer of thousands of digits
        raise WireError(f"the value cannot be written as JSON: {error}") from None
    text = _guard(plain)
    if limit is not None and len(text) > limit:
        raise WireError(
            f"the value is {len(text)} bytes as JSON, more than the {limit} bytes that a parameter can have",
            mend="make it an artifact",
        )
    return text


def decode(text: str) -> Any:
    """The value of a wire text.

    Raises:
        WireError: the text is not strict JSON (`NaN` and `Infinity` are not), or holds a lone surrogate.
    """
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise WireError("the value is nested too deeply") from None
    except (ValueError, TypeError) as error:
        raise WireError(f"{shorten(text)} is not JSON: {error}") from None
    return _checked(value)


def twin(text: str) -> str:
    """A wire text written once more as a JSON string.

    Argo keeps a list of strings as it is; any other list that it collects changes shape with the data.
    """
    return _guard(json.dumps(text))


def untwin(text: str) -> str:
    """The wire text in a twin.

    Raises:
        WireError: the text is not a JSON string.
    """
    value = decode(text)
    if not isinstance(value, str):
        raise WireError(f"{shorten(text)} is not a wire text in a JSON string")
    return value


def _guard(text: str) -> str:
    # In JSON both can only stand inside strings. Escaping the *second* brace leaves no pair in `{{{` either.
    return text.replace("{{", "{\\u007b").replace("$(", "\\u0024(")


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON value")


def _checked(value: Any) -> Any:
    try:
        _check(value, ())
    except RecursionError:
        raise WireError("the value is nested too deeply, or contains itself") from None
    return value


def _check(value: Any, path: tuple[Any, ...]) -> None:
    if value is None or isinstance(value, (bool, int)):
        return
    if isinstance(value, str):
        _check_text(value, path)
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise WireError(f"{value} cannot be written as JSON", _show(path), "use None, or leave it out")
    elif isinstance(value, list):
        for index, element in enumerate(value):
            _check(element, (*path, index))
    elif isinstance(value, dict):
        for key, element in value.items():
            if not isinstance(key, str):
                raise WireError(f"the key {shorten(key)} is not a string", _show(path), "use strings as keys")
            _check_text(key, path)
            _check(element, (*path, key))
    else:
        kind = type(value).__name__
        raise WireError(f"{shorten(value)} is a {kind}, which JSON does not have", _show(path))


def _check_text(text: str, path: tuple[Any, ...]) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        what = f"the text {shorten(text)} has a lone surrogate at character {error.start}"
        raise WireError(
            what, _show(path), "such text is no Unicode; read it with the right encoding"
        ) from None


def _show(path: tuple[Any, ...]) -> str:
    return "".join(f"[{step!a}]" for step in path)
