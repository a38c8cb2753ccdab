"""Collects what a step gave: from KFP's executor output, and from the files it wrote."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

from . import wire
from .documents import Record, Request, Result
from .errors import LaunchError, WireError, shorten
from .parameters import coerce, parse
from .paths import Layout, bring, local_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

KFP_EXECUTOR = "kfp.dsl.executor_main"

Reported: TypeAlias = "Mapping[str, Any]"


def collect(request: Request, layout: Layout) -> Result:
    """The result of a step that ended well.

    Raises:
        LaunchError: an output is missing, of another type, no JSON or too long; `where` is the output.
    """
    reported = _reported(layout.output_file)
    task = request.task
    values = _section(reported, "parameterValues", "parameter_values")
    # KFP's executor writes no entry for a function that returned None; a program has no such excuse.
    lenient = task.python is not None or any(KFP_EXECUTOR in word for word in task.command)
    parameters = {}
    for name, kind in task.output_parameters.items():
        try:
            value = values.get(name)
            if value is None:
                parameters[name] = _from_file(layout.output_files[name], kind, lenient)
            else:
                parameters[name] = wire.encode(coerce(value, kind))
        except LaunchError as error:
            raise error.at(f"output {name!r}") from None
    lists = _section(reported, "artifacts")
    artifacts = {}
    for name, declared in layout.records.items():
        try:
            artifacts[name] = _records(lists.get(name), declared, request)
        except LaunchError as error:
            raise error.at(f"output {name!r}") from None
    return Result(parameters, artifacts)


def _reported(path: str) -> Reported:
    """KFP's executor output; empty where there is none. The output that holds a NaN will complain itself."""
    name = os.path.basename(path)
    try:
        value = json.loads(_read(path))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise LaunchError(f"{name}, which the step wrote, cannot be read: {error}") from None
    return _object(value, name)


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _section(reported: Reported, *names: str) -> Mapping[str, Any]:
    return _object(next((reported[name] for name in names if name in reported), {}), names[0])


def _object(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise LaunchError(f"{name}, which the step wrote, is {shorten(value)}, not a JSON object")
    return value


def _from_file(path: str, kind: str, lenient: bool) -> str:
    try:
        text = _read(path).decode()
    except FileNotFoundError:
        if lenient:
            return wire.NULL
        mend = "write it to the file that {{$.outputs.parameters['...'].output_file}} names"
        raise LaunchError("the step ended well but did not write it", mend=mend) from None
    except (OSError, UnicodeDecodeError) as error:
        raise LaunchError(f"its file cannot be read as UTF-8 text: {error}") from None
    return wire.encode(parse(text, kind))


def _records(entry: Any, declared: Record, request: Request) -> list[Record]:
    """What was declared, changed by what the step said of it."""
    if entry is None:
        return [declared]
    reported = _object(entry, "its entry").get("artifacts", [])
    if not isinstance(reported, list):
        raise LaunchError(f"artifacts, which the step wrote, is {shorten(reported)}, not a JSON list")
    is_list = request.task.output_artifacts[declared["name"]].is_list
    merged = [_merged(_object(each, "the artifact"), declared, request) for each in reported]
    return merged if is_list else (merged[:1] or [declared])


def _merged(reported: Mapping[str, Any], declared: Record, request: Request) -> Record:
    metadata = {**declared["metadata"], **_object(reported.get("metadata") or {}, "metadata")}
    record = {
        "name": _text(reported, "name") or declared["name"],
        "type": declared["type"],
        "uri": _text(reported, "uri") or declared["uri"],
        "metadata": metadata,
    }
    try:
        size = len(wire.encode(record, limit=None))
    except WireError as error:
        raise LaunchError(
            error.what, error.where.replace("['metadata']", "metadata ", 1), error.mend
        ) from None
    if size > wire.MAX_BYTES:  # the record travels as a parameter does
        what = f"its record is {size} bytes as JSON, more than the {wire.MAX_BYTES} bytes that one can have"
        raise LaunchError(what, mend="write the metadata into the artifact's file")
    custom = _text(reported, "custom_path") or _text(reported, "customPath")
    target = local_path(record, request)
    if custom and "://" not in target and os.path.exists(custom):
        bring(custom, target)
    return record


def _text(reported: Mapping[str, Any], name: str) -> str:
    value = reported.get(name) or ""
    if not isinstance(value, str):
        raise LaunchError(f"its {name} is {shorten(value)}, not a text")
    return value
