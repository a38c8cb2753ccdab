"""JSON from a client: parsed strictly, and every mistake in it told in one sentence."""

from __future__ import annotations

import collections
import json
import re
from collections.abc import Iterator
from typing import Any, Final

import orjson

from pipelines.sdk.serving.protocols.problems import Refused, quoted

_SPACED: Final = re.compile(rb'"\s+:')
_NESTED: Final = (dict, list)
DEEPEST: Final = 100
_LONG: Final = 500
# Eight bytes of JSON make an object of two hundred in memory.
MOST_OBJECTS: Final = 500_000


def parse(body: bytes) -> Any:
    """The value in a request's body.

    Raises:
        Refused: the body is empty, not UTF-8, not JSON (NaN and Infinity are not), names a key twice, or has
            objects in objects deeper than DEEPEST; with 413: more objects than MOST_OBJECTS.
    """
    if not body or body.isspace():
        raise Refused("the body is empty", kind="json")
    if len(body) > MOST_OBJECTS and body.count(b"{") > MOST_OBJECTS:
        reason = f"the body has more than {MOST_OBJECTS} objects; send lists or columns"
        raise Refused(reason, status=413, kind="too_large")
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refused(f"the body is not JSON: {error}", kind="json") from None
    # A parser keeps one of two equal keys and says nothing. Each key has its colon: where there are no more
    # colons than keys, none is there twice. Texts have colons too: then those after a quote decide, and where
    # they cannot (a quote and colon inside a text, a space before a colon) the body is read once more.
    colons = body.count(b":")
    keys = _keys(value, colons, body)
    if colons != keys and (body.count(b'":') != keys or _SPACED.search(body)):
        _refuse_twins(body)
    return value


def _keys(value: Any, colons: int, body: bytes) -> int:
    # There are no more keys than colons, and no more objects than opening braces: long lists below the last
    # object are not walked.
    keys = objects = 0
    for level in _levels(value):
        found = [item for item in level if type(item) is dict]
        keys += sum(map(len, found))
        objects += len(found)
        if keys == colons:
            break
        listed = sum(len(item) for item in level if type(item) is list)
        if listed > _LONG and objects == body.count(b"{"):
            break
    return keys


def shallow(value: Any) -> Any:
    """The value, if what reads it next can: much in Python and in models reads nested values by recursion.

    Raises:
        Refused: lists and objects are nested deeper than DEEPEST.
    """
    collections.deque(_levels(value), maxlen=0)
    return value


def _levels(value: Any) -> Iterator[list[Any]]:
    level = [value]
    for _ in range(DEEPEST):
        yield level
        inside = (item.values() if type(item) is dict else item for item in level if type(item) in _NESTED)
        level = [inner for items in inside for inner in items if type(inner) in _NESTED]
        if not level:
            return
    raise Refused("the body is nested too deeply", kind="json")


def _refuse_twins(body: bytes) -> None:
    def unique(pairs: list[tuple[str, Any]]) -> None:
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise Refused(f"the key {quoted(key)} is there twice in one object", kind="json")
            seen.add(key)

    try:
        json.loads(body, object_pairs_hook=unique, parse_int=float)
    except RecursionError:
        raise Refused("the body is nested too deeply", kind="json") from None


def expect(value: Any, kind: type, what: str) -> Any:
    """The value, if it is of that kind.

    Raises:
        Refused: it is of another.
    """
    if not isinstance(value, kind):
        names: dict[type, str] = {dict: "an object", list: "a list", str: "a text"}
        raise Refused(f"{what} must be {names[kind]}, not {named(value)}", kind="shape")
    return value


def named(value: object) -> str:
    """What JSON calls a value, with the value where it is short."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return f"the number {value!r}"
    if isinstance(value, str):
        return f"the text {quoted(value)}"
    return "a list" if isinstance(value, (list, tuple)) else "an object"
