"""The schema: what hera's models say about Argo's objects, closed, and our tables where hera is open."""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from pipelines.sdk.argo.lint import tables

KINDS = ("Workflow", "WorkflowTemplate", "ClusterWorkflowTemplate", "CronWorkflow")


@dataclass(frozen=True)
class Scalar:
    """A single value: `text`, `integer`, `number`, `boolean`, `quantity`, `int-or-text`, `time` or `any`."""

    kind: str


@dataclass(frozen=True)
class ListOf:
    """A list, all elements alike."""

    item: Shape


@dataclass(frozen=True)
class MapOf:
    """A mapping with any keys, all values alike."""

    value: Shape


@dataclass(frozen=True)
class Nested:
    """A record, by its name in the catalogue: templates hold templates."""

    record: str


Shape: TypeAlias = Scalar | ListOf | MapOf | Nested


@dataclass(frozen=True)
class Field:
    """A field of a record.

    Args:
        shape: of its value.
        required: whether it must be there.
        since: the first version of Argo that has it; "" for those that 3.7 has.
    """

    shape: Shape
    required: bool = False
    since: str = ""


@dataclass(frozen=True)
class Record:
    """A mapping with known fields.

    Args:
        name: of hera's model, or one of ours.
        fields: by the name they have in YAML.
        open: whether Argo keeps fields that it does not know.
    """

    name: str
    fields: Mapping[str, Field] = field(default_factory=dict)
    open: bool = False


Catalogue: TypeAlias = Mapping[str, Record]


def catalogue() -> Catalogue:
    """Every record that a document of Argo's kinds can have."""
    # About a second: not before it is needed.
    from hera.workflows import models
    from pydantic import BaseModel

    records: dict[str, Record] = {}
    waiting: list[type[BaseModel]] = [getattr(models, kind) for kind in KINDS]
    while waiting:
        model = waiting.pop()
        name = _name(model)
        if name not in records:
            shapes = {
                (f.alias or n): (f, _shape(f.annotation, waiting)) for n, f in model.model_fields.items()
            }
            fields = {
                n: _field(model.__name__, n, shape, f.is_required()) for n, (f, shape) in shapes.items()
            }
            records[name] = Record(name, fields, name in tables.OPEN)
    return _with_newer(records)


def _name(model: type) -> str:
    # Argo and Kubernetes have a model of this name each.
    return (
        f"k8s.{model.__name__}"
        if model.__name__ == "HTTPHeader" and ".k8s." in model.__module__
        else model.__name__
    )


def _field(model: str, name: str, shape: Shape, required: bool) -> Field:
    ours = tables.SHAPES.get((model, name))
    since = tables.SINCE.get((model, name), "")
    return Field(_written(ours) if ours else shape, required or (model, name) in tables.REQUIRED, since)


def _shape(annotation: Any, waiting: list[Any]) -> Shape:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _shape(arguments[0], waiting)
    if origin in (typing.Union, types.UnionType):
        real = [each for each in arguments if each is not type(None)]
        return _shape(real[0], waiting) if len(real) == 1 else Scalar("int-or-text")
    if origin is list:
        return ListOf(_shape(arguments[0], waiting))
    if origin is dict:
        return MapOf(_shape(arguments[1], waiting))
    if not hasattr(annotation, "model_fields"):
        return Scalar(_SCALARS.get(annotation, "any"))
    name = annotation.__name__
    if name in _SPECIAL:
        return Scalar(_SPECIAL[name])
    if "root" in annotation.model_fields:
        return _shape(annotation.model_fields["root"].annotation, waiting)
    waiting.append(annotation)
    return Nested(_name(annotation))


_SCALARS: Mapping[Any, str] = {str: "text", int: "integer", float: "number", bool: "boolean"}
_SPECIAL = {"Quantity": "quantity", "Time": "time", "MicroTime": "time", "Item": "any", "FieldsV1": "any"}


def _with_newer(records: dict[str, Record]) -> Catalogue:
    """Hera 7.1 is made from Argo 4.0: the fields of 4.1 are added."""
    for name, fields in tables.RECORDS.items():
        made = {n.rstrip("*"): Field(_written(shape), n.endswith("*")) for n, shape in fields.items()}
        records[name] = Record(name, made)
    for (model, name), (since, shape) in tables.NEWER.items():
        record = records[model]
        more = {**record.fields, name: Field(_written(shape), since=since)}
        records[model] = Record(record.name, more, record.open)
    return records


def _written(shape: str) -> Shape:
    """A shape as the tables write it: `text`, `[integer]`, `{text}`, or the name of a record."""
    if shape.startswith("["):
        return ListOf(_written(shape[1:-1]))
    if shape.startswith("{"):
        return MapOf(_written(shape[1:-1]))
    return Nested(shape) if shape[0].isupper() else Scalar(shape)
