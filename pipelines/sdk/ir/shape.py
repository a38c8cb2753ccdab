"""Does a document have the shape of a protobuf message? What does not is named by its place and line."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from pipelines.sdk.ir.yamltext import Array, Object
from pipelines.sdk.values import Json

_TEXTS = {FieldDescriptor.CPPTYPE_STRING}
_INTEGERS = {
    FieldDescriptor.CPPTYPE_INT32: 31,
    FieldDescriptor.CPPTYPE_INT64: 63,
}
_NUMBERS = {FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT}
_DURATION = re.compile(r"\d{1,11}(\.\d{1,9})?s")


@dataclass(frozen=True)
class Misfit:
    """One place where a document is not what it should be.

    Args:
        path: of the value, as `root.dag.tasks.train`.
        line: of it in the file; 0 where that is not known.
        what: the problem.
        mend: what to do about it; '' where nothing sensible can be said.
    """

    path: str
    line: int
    what: str
    mend: str = ""


def misfits(document: Json, message: Descriptor, path: str = "", line: int = 0) -> Iterator[Misfit]:
    """Every place where a document has not the shape of a message.

    Args:
        document: as JSON.
        message: its descriptor.
        path: of the document, for messages.
        line: likewise.
    """
    known = _WELL_KNOWN.get(message.full_name)
    if known:
        yield from known(document, path, line)
        return
    if not isinstance(document, dict):
        yield Misfit(path, line, f"expected a mapping, found {described(document)}")
        return
    fields = {name: f for f in message.fields for name in (f.json_name, f.name)}
    seen: dict[str, str] = {}
    for key, value in document.items():
        where, at = _join(path, key), line_of(document, key, line)
        if key not in fields:
            near = difflib.get_close_matches(key, [f.json_name for f in message.fields], n=1)
            mend = f"did you mean {near[0]}?" if near else f"known here: {_names(message)}"
            yield Misfit(where, at, "it is unknown here", mend)
        elif value is not None:
            yield from _twice(fields[key], key, seen, where, at)
            yield from _field(value, fields[key], where, at)


def _twice(field: FieldDescriptor, key: str, seen: dict[str, str], path: str, line: int) -> Iterator[Misfit]:
    group = field.containing_oneof
    for name in {field.name, group.name if group else field.name}:
        if name in seen:
            yield Misfit(path, line, f"it stands beside {seen[name]}: only one of them can be")
        seen[name] = key


def _field(value: Json, field: FieldDescriptor, path: str, line: int) -> Iterator[Misfit]:
    if field.message_type and field.message_type.GetOptions().map_entry:
        if not isinstance(value, dict):
            yield Misfit(path, line, f"expected a mapping, found {described(value)}")
            return
        each = field.message_type.fields_by_name["value"]
        for key, element in value.items():
            yield from _single(element, each, _join(path, key), line_of(value, key, line))
    elif field.is_repeated:
        if not isinstance(value, list):
            yield Misfit(path, line, f"expected a list, found {described(value)}")
            return
        for index, element in enumerate(value):
            yield from _single(element, field, f"{path}[{index}]", line_of(value, index, line))
    else:
        yield from _single(value, field, path, line)


def _single(value: Json, field: FieldDescriptor, path: str, line: int) -> Iterator[Misfit]:
    if field.message_type:
        yield from misfits(value, field.message_type, path, line)
    elif field.enum_type:
        names = [v.name for v in field.enum_type.values]
        numbers = [v.number for v in field.enum_type.values]
        if not (value in names if isinstance(value, str) else _is_integer(value) and value in numbers):
            yield Misfit(path, line, f"{described(value)} is unknown", f"known: {', '.join(names[1:])}")
    elif expected := _expected(value, field):
        yield Misfit(path, line, f"expected {expected}, found {described(value)}")


def _expected(value: Json, field: FieldDescriptor) -> str:
    """What a scalar should have been; '' where it is that. Numbers can be texts, as protobuf writes them."""
    kind = field.cpp_type
    if kind in _TEXTS:
        return "" if isinstance(value, str) else "a text"
    if kind == FieldDescriptor.CPPTYPE_BOOL:
        return "" if isinstance(value, bool) else "true or false"
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return "a number"
    number = _number(value)
    if kind in _NUMBERS:
        return "" if number is not None and _is_exact(number, loose=True) else "a number"
    fits = number is not None and number == number // 1 and abs(number) < 2 ** _INTEGERS.get(kind, 31)
    return "" if fits else "a whole number"


def _number(value: float | str) -> float | None:
    if not isinstance(value, str):
        return value
    try:
        return int(value) if re.fullmatch(r"-?\d{1,19}", value, re.ASCII) else float(value)
    except ValueError:
        return None


def _value(document: Json, path: str, line: int) -> Iterator[Misfit]:
    """`google.protobuf.Value`: any JSON; its numbers are doubles."""
    if isinstance(document, dict):
        for key, value in document.items():
            yield from _value(value, _join(path, key), line_of(document, key, line))
    elif isinstance(document, list):
        for index, value in enumerate(document):
            yield from _value(value, f"{path}[{index}]", line_of(document, index, line))
    elif isinstance(document, int) and not _is_exact(document):
        what = f"{described(document)} is no number that KFP can hold: it knows doubles alone"
        yield Misfit(path, line, what, "write it as a text")


def _struct(document: Json, path: str, line: int) -> Iterator[Misfit]:
    if isinstance(document, dict):
        yield from _value(document, path, line)
    else:
        yield Misfit(path, line, f"expected a mapping, found {described(document)}")


def _duration(document: Json, path: str, line: int) -> Iterator[Misfit]:
    if not isinstance(document, str) or not _DURATION.fullmatch(document):
        yield Misfit(path, line, f"{described(document)} is no duration", 'write it as "60s"')


_WELL_KNOWN = {
    "google.protobuf.Value": _value,
    "google.protobuf.Struct": _struct,
    "google.protobuf.Duration": _duration,
}


def line_of(container: Json, key: Any, default: int) -> int:
    """The line of an element, where the container knows it.

    Args:
        container: a mapping or list.
        key: of the element.
        default: the line of the container.
    """
    if isinstance(container, Object | Array):
        return container.lines[key]
    return default


def described(value: Json) -> str:
    """A value as a message can show it: kind and, where it is short, the value."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value.bit_length() > 200:
        return f"a whole number of {value.bit_length()} bits"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _is_integer(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_exact(number: float, *, loose: bool = False) -> bool:
    """Whether a double can hold it; loosely, where rounding does no harm."""
    try:
        return math.isfinite(float(number)) and (loose or float(number) == number)
    except OverflowError:
        return False


def _names(message: Descriptor) -> str:
    return ", ".join(sorted(f.json_name for f in message.fields)) or "nothing"


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
