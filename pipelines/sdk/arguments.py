"""Values for a pipeline's own inputs, from the texts of a command line, checked before anything starts."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from pipelines.sdk import launch
from pipelines.sdk.errors import Finding, UsageError
from pipelines.sdk.values import ArtifactSpec, Interface, Json, Parameter, ParameterType, fits

Declared: TypeAlias = Parameter | ArtifactSpec
_INTEGER = re.compile(r"[+-]?[0-9]{1,4000}")
_DOUBLE = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_WORDS = {
    ParameterType.STRING: "text",
    ParameterType.INTEGER: "whole number",
    ParameterType.DOUBLE: "number",
    ParameterType.BOOLEAN: "boolean: write true or false",
    ParameterType.LIST: "JSON list",
}


def from_texts(
    interface: Interface, texts: Mapping[str, str], findings: Iterable[Finding] = ()
) -> dict[str, Json]:
    """Reads `NAME=VALUE` options by the types that the pipeline declares.

    Text is taken as it is, a boolean is true or false, lists and dicts are JSON, an artifact is its URI or
    path. `null`, for anything but text, is no value.

    Args:
        interface: of the pipeline.
        texts: value texts by name.
        findings: what is known to be wrong already.

    Raises:
        UsageError: with everything that is wrong.
    """
    found = list(findings)
    values: dict[str, Json] = {}
    for name, text in texts.items():
        declared = interface.parameters.get(name) or interface.artifacts.get(name)
        try:
            values[name] = _read(declared, text) if declared else text
        except ValueError as error:
            found.append(Finding(str(error), f"parameter {name}"))
    return check(interface, values, found)


def check(
    interface: Interface, values: Mapping[str, Json], findings: Iterable[Finding] = ()
) -> dict[str, Json]:
    """Checks typed values against what the pipeline declares.

    Args:
        interface: of the pipeline.
        values: by name; None is no value.
        findings: what is known to be wrong already.

    Returns:
        The values, whole numbers for a NUMBER_DOUBLE as floats, local paths absolute; without those that are
        None.

    Raises:
        UsageError: with everything that is wrong.
    """
    found = list(findings)
    known: dict[str, Declared] = {**interface.parameters, **interface.artifacts}
    broken = {finding.where.removeprefix("parameter ") for finding in found}
    found += [_unknown(name, known) for name in values if name not in known]
    checked: dict[str, Json] = {}
    for name, declared in known.items():
        value = values.get(name)
        if value is None:
            if _required(declared) and name not in broken:
                found.append(Finding("a value is required", f"parameter {name}", f"-p {name}=..."))
        elif problem := _problem(declared, value):
            found.append(Finding(problem[0], f"parameter {name}", problem[1]))
        else:
            checked[name] = _typed(declared, value)
    if found:
        raise UsageError(*found)
    return checked


def _required(declared: Declared) -> bool:
    return not declared.optional and not (isinstance(declared, Parameter) and declared.has_default)


def _problem(declared: Declared, value: Json) -> tuple[str, str] | None:
    """What is wrong with a value, and what to do about it."""
    if isinstance(declared, ArtifactSpec):
        uris = value if isinstance(value, list) and declared.is_list else [value]
        wrong = [uri for uri in uris if not isinstance(uri, str) or not uri]
        return (f"{_short(wrong[0])} is no URI or path", "") if wrong else None
    if not fits(value, declared.type):
        return f"{_short(value)} is no {_words(declared)}", ""
    try:
        launch.encode(value)
        text = launch.encode(_typed(declared, value))
    except launch.WireError as error:
        return f"{error.where}: {error.what}" if error.where else error.what, error.mend
    if declared.literals and text not in {
        launch.encode(_typed(declared, each)) for each in declared.literals
    }:
        return f"{_short(value)} is not one of {', '.join(map(_short, declared.literals))}", ""
    return None


def _typed(declared: Declared, value: Json) -> Json:
    if isinstance(declared, ArtifactSpec):
        return [_placed(each) for each in value] if isinstance(value, list) else _placed(value)
    if declared.type is ParameterType.DOUBLE and isinstance(value, int):
        try:
            return float(value)
        except OverflowError:
            raise launch.WireError(f"{_short(value)} is beyond what a floating-point number can be") from None
    return value


def _placed(uri: Json) -> Json:
    """A path of this machine as one that holds in any working directory."""
    return str(Path(uri).absolute()) if isinstance(uri, str) and "://" not in uri else uri


def _unknown(name: str, known: Mapping[str, Any]) -> Finding:
    near = difflib.get_close_matches(name, known, n=1)
    mend = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known) or 'none'}"
    return Finding("the pipeline has no such parameter", f"parameter {name}", mend)


def _read(declared: Declared, text: str) -> Json:
    if isinstance(declared, ArtifactSpec):
        return _json(text, list, "JSON list") if declared.is_list and text.lstrip().startswith("[") else text
    if declared.type is ParameterType.STRING:
        return text
    return None if text.strip() == "null" else _READERS.get(declared.type, _struct)(text)


def _boolean(text: str) -> Json:
    if text.strip().lower() not in {"true", "false"}:
        raise ValueError(f"{_short(text)} is no {_WORDS[ParameterType.BOOLEAN]}")
    return text.strip().lower() == "true"


def _integer(text: str) -> Json:
    if not _INTEGER.fullmatch(text.strip()):
        raise ValueError(f"{_short(text)} is no {_WORDS[ParameterType.INTEGER]}")
    return int(text)


def _double(text: str) -> Json:
    if not _DOUBLE.fullmatch(text.strip()):
        raise ValueError(f"{_short(text)} is no {_WORDS[ParameterType.DOUBLE]}")
    return float(text)


def _list(text: str) -> Json:
    return _json(text, list, _WORDS[ParameterType.LIST])


def _struct(text: str) -> Json:
    return _json(text, dict, "JSON object")


def _json(text: str, kind: type, words: str) -> Json:
    try:
        value: Json = json.loads(text, parse_constant=_constant, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{_short(text)} is no {words}: {error}") from None
    if not isinstance(value, kind):
        raise ValueError(f"{_short(text)} is no {words}")
    return value


def _constant(name: str) -> Json:
    raise ValueError(f"{name} is no JSON value")


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    made = dict(pairs)
    if len(made) != len(pairs):
        twice = next(key for key, _ in pairs if [each for each, _ in pairs].count(key) > 1)
        raise ValueError(f"the key {_short(twice)} stands twice")
    return made


_READERS: Mapping[ParameterType, Callable[[str], Json]] = {
    ParameterType.INTEGER: _integer,
    ParameterType.DOUBLE: _double,
    ParameterType.BOOLEAN: _boolean,
    ParameterType.LIST: _list,
}


def _words(parameter: Parameter) -> str:
    return _WORDS.get(parameter.type, "JSON object")


def _short(value: Json) -> str:
    """The value in a message: as JSON where it is that, cut where it is long."""
    try:
        text = json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        text = ascii(type(value).__name__)
    return text if len(text) <= 60 else f"{text[:57]}..."
