"""The types of parameters: what a value must be, and what a text in a file means."""

from __future__ import annotations

import json
import re

from .errors import LaunchError, shorten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
FALSE = frozenset({"0", "f", "F", "false", "FALSE", "False"})
"""The texts that Go's strconv.ParseBool takes, which KFP's launcher reads booleans with."""

SPACE = " \t\n\v\f\r\x85\xa0"  # what KFP's launcher trims


def coerce(value: Any, kind: str) -> Any:
    """The value in the type that was declared for it.

    A whole number may be written as a float and the other way round, and a STRING takes the JSON text of
    anything; nothing else changes.

    Args:
        value: a JSON value that is not None.
        kind: as in IR; `TASK_FINAL_STATUS` and `TASK_CONFIG` are objects.

    Raises:
        LaunchError: it is of another type.
    """
    if kind == "STRING":
        return value if isinstance(value, str) else json.dumps(value)
    if kind in ("NUMBER_INTEGER", "NUMBER_DOUBLE"):
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return _integer(value) if kind == "NUMBER_INTEGER" else _double(value)
    elif isinstance(value, {"BOOLEAN": bool, "LIST": list}.get(kind, dict)):
        return value
    raise _mismatch(value, kind)


def parse(text: str, kind: str) -> Any:
    """The value of an output that a program wrote into a file.

    Args:
        text: all of the file.
        kind: as in IR.

    Raises:
        LaunchError: the text is not one of that type.
    """
    if kind == "STRING":
        return text
    trimmed = text.strip(SPACE)
    if kind == "BOOLEAN":
        if trimmed in TRUE or trimmed in FALSE:
            return trimmed in TRUE
    elif kind in ("NUMBER_INTEGER", "NUMBER_DOUBLE"):
        number = _number(trimmed)
        if number is not None:
            return coerce(number, kind)
    else:
        try:
            return coerce(json.loads(trimmed), kind)
        except (ValueError, RecursionError):
            pass
    raise _mismatch(text, kind)


def _number(text: str) -> int | float | None:
    try:
        if re.fullmatch(r"[+-]?[0-9]+", text):
            return int(text)
        # float() also takes 1_000 and the digits of other scripts.
        return float(text) if text.isascii() and "_" not in text else None
    except ValueError:
        return None


def _integer(value: int | float) -> int:
    if isinstance(value, int):
        return value
    if not value.is_integer():  # neither are NaN and the infinities
        raise _mismatch(value, "NUMBER_INTEGER")
    return int(value)


def _double(value: int | float) -> float:
    try:
        return float(value)
    except OverflowError:
        raise _mismatch(value, "NUMBER_DOUBLE") from None


def _mismatch(value: Any, kind: str) -> LaunchError:
    return LaunchError(f"{shorten(value)} is not a {kind}")
