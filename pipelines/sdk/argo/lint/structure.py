"""Holding a document against the schema: what is unknown, missing, of the wrong type or out of its limits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from pipelines.sdk.argo.lint import cel, tables
from pipelines.sdk.argo.lint.finding import WARNING, Hit, Path
from pipelines.sdk.argo.lint.limits import choices, limits
from pipelines.sdk.argo.lint.nodes import close_to
from pipelines.sdk.argo.lint.shape import Catalogue, Field, ListOf, MapOf, Nested, Record, Scalar, Shape
from pipelines.sdk.ir.shape import described

QUANTITY = re.compile(
    r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[KMGTPE]i|[numkMGTPE]|[eE][+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))?"
)
_WORDS = {
    "text": "a text",
    "time": "a time",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "quantity": "a quantity (a text as 500m or 2Gi, or a whole number)",
    "int-or-text": "a whole number or a text",
}


Misfit: TypeAlias = tuple[str, Hit]
"""A place where a document does not fit the schema, after the id of the rule that says so."""


@dataclass(frozen=True)
class Schema:
    """What a document is held against.

    Args:
        records: of the schema.
        argo: the version that the document is for.
        lenient: inside `inline`, whose content the API server passes on as it is.
    """

    records: Catalogue
    argo: str
    lenient: bool = False


def misfits(document: Mapping[str, Any], kind: str, schema: Schema, at: Path) -> Iterator[Misfit]:
    """Every misfit of a document.

    Args:
        document: of one of Argo's kinds.
        kind: which.
        schema: to hold it against.
        at: the document's path.
    """
    shown = {key: value for key, value in document.items() if key != "status"}
    yield from _record(shown, schema.records[kind], schema, at)


def _record(node: Any, record: Record, schema: Schema, at: Path) -> Iterator[Misfit]:
    if not isinstance(node, Mapping):
        yield _wrong(at, "a mapping", node, "")
        return
    for key, value in node.items():
        if value is None:  # the API server drops it
            continue
        field = record.fields.get(key)
        if field is None:
            yield from _unknown(key, record, schema, at)
            continue
        inner = replace(schema, lenient=True) if key == "inline" else schema
        yield from _newer(key, field, schema, at)
        yield from _field(record.name, key, value, field.shape, inner, (*at, key))
    for key, field in record.fields.items():
        before = tables.INSTEAD.get((record.name, key), "")
        instead = bool(before) and node.get(before) is not None and schema.argo < "4.0"
        if field.required and node.get(key) is None and not instead:
            yield ("missing-field", Hit((*at, key), f"`{key}` is missing", f"add `{key}`"))
    yield from cel.broken(record.name, node, at)


def _unknown(key: Any, record: Record, schema: Schema, at: Path) -> Iterator[Misfit]:
    path = (*at, str(key))
    if record.open:
        return
    removed = tables.REMOVED.get((record.name, str(key)))
    if removed:
        since, mend = removed
        gone = schema.argo >= since
        what = f"Argo {since} has no `{key}` any more"
        yield ("removed-field", Hit(path, what, mend, "" if gone else WARNING))
        return
    near = {known.lower(): known for known in record.fields}.get(str(key).lower())
    mend = f"did you mean {near}?" if near else close_to(str(key), set(record.fields))
    what = f"there is no field `{key}` here"
    if not mend.startswith("did you mean"):
        mend = "leave it out, or put it where it belongs"
    yield ("unknown-field", Hit(path, what, mend, WARNING if schema.lenient else ""))


def _newer(key: str, field: Field, schema: Schema, at: Path) -> Iterator[Misfit]:
    if field.since and field.since > schema.argo:
        what = f"`{key}` came with Argo {field.since}, and this is for {schema.argo}"
        yield ("newer-field", Hit((*at, key), what, f"leave it out, or run Argo {field.since}"))


def _field(record: str, key: str, value: Any, shape: Shape, schema: Schema, at: Path) -> Iterator[Misfit]:
    for rule, hit in _value(value, shape, schema, at):
        # Argo's own decoder takes a number for a text here; only the full schema of 4.x does not.
        loose = record in ("Parameter", "ValueFrom") and rule == "wrong-type" and _is_plain(value)
        if not loose or not schema.lenient:
            yield rule, replace(hit, severity=WARNING if loose and schema.argo < "4.0" else hit.severity)
    if schema.lenient:
        return
    for rule, hit in (*limits((record, key), value, at), *choices((record, key), value, at)):
        severity = WARNING if rule == "too-many-items" and schema.argo < "4.0" else hit.severity
        yield rule, replace(hit, severity=severity)


def _is_plain(value: Any) -> bool:
    return not isinstance(value, Mapping | list | tuple)


def _value(value: Any, shape: Shape, schema: Schema, at: Path) -> Iterator[Misfit]:
    if isinstance(shape, Nested):
        yield from _record(value, schema.records[shape.record], schema, at)
    elif isinstance(shape, ListOf):
        if not isinstance(value, list | tuple):
            yield _wrong(at, "a list", value, "put `- ` before it" if isinstance(value, str) else "")
            return
        for index, each in enumerate(value):
            yield from _value(each, shape.item, schema, (*at, index))
    elif isinstance(shape, MapOf):
        if not isinstance(value, Mapping):
            yield _wrong(at, "a mapping", value, "")
            return
        for key, each in value.items():
            if each is not None:
                yield from _value(each, shape.value, schema, (*at, str(key)))
    else:
        yield from _scalar(value, shape, at)


def _scalar(value: Any, shape: Scalar, at: Path) -> Iterator[Misfit]:
    whole = isinstance(value, int) and not isinstance(value, bool)
    fits = {
        "any": True,
        "text": isinstance(value, str),
        "time": value is None or isinstance(value, str),
        "integer": whole,
        "number": whole or isinstance(value, float),
        "boolean": isinstance(value, bool),
        "quantity": whole or isinstance(value, str),
        "int-or-text": whole or isinstance(value, str),
    }[shape.kind]
    if not fits:
        yield _wrong(at, _WORDS[shape.kind], value, _quoted(value) if shape.kind != "boolean" else "")
    elif shape.kind == "quantity" and isinstance(value, str) and not QUANTITY.fullmatch(value):
        yield ("bad-quantity", Hit(at, f"{described(value)} is no quantity", _quantity_mend(value)))


def _quoted(value: Any) -> str:
    if isinstance(value, bool):
        return f'put it in quotes: "{str(value).lower()}"'
    return f'put it in quotes: "{value}"' if isinstance(value, int | float) else ""


def _quantity_mend(value: str) -> str:
    if "{{" in value:
        return "resources are no place for {{...}}: set them by `podSpecPatch`"
    unit = value.lstrip("+-0123456789.").strip()
    return "write Mi, Gi, ...; 500m; 0.5" if unit else "write a number with a unit, as 500m or 2Gi"


def _wrong(at: Path, wanted: str, value: Any, mend: str) -> Misfit:
    what = f"expected {wanted}, found {described(value)}"
    return ("wrong-type", Hit(at, what, mend or f"write {wanted}"))
