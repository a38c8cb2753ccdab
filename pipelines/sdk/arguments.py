"""Values for a pipeline's own inputs, from the texts of a command line, checked before anything starts."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pipelines.sdk import launch
from pipelines.sdk.errors import Finding, UsageError
from pipelines.sdk.values import ArtifactSpec, Interface, Json, Parameter, ParameterType


def from_texts(interface: Interface, texts: Mapping[str, str]) -> dict[str, Json]:
    """Reads `NAME=VALUE` options by the types that the pipeline declares.

    Text is taken as it is, a boolean is true or false, lists and dicts are JSON, an artifact is its URI.

    Args:
        interface: of the pipeline.
        texts: value texts by name.

    Raises:
        UsageError: with everything that is wrong.
    """
    findings: list[Finding] = []
    values: dict[str, Json] = {}
    for name, text in texts.items():
        parameter = interface.parameters.get(name)
        try:
            values[name] = _READERS[parameter.type](text) if parameter else text
        except ValueError as error:
            findings.append(Finding(f"{_short(text)} is no {_kind(parameter)}: {error}", f"parameter {name}"))
    return check(interface, values, findings)


def check(
    interface: Interface, values: Mapping[str, Json], findings: list[Finding] | None = None
) -> dict[str, Json]:
    """Checks typed values against what the pipeline declares.

    Args:
        interface: of the pipeline.
        values: by name; None is no value.
        findings: what is known to be wrong already.

    Returns:
        The values, whole numbers for a NUMBER_DOUBLE as floats; without those that are None.

    Raises:
        UsageError: with everything that is wrong.
    """
    findings = list(findings or ())
    known: dict[str, Parameter | ArtifactSpec] = {**interface.parameters, **interface.artifacts}
    findings += [_unknown(name, known) for name in values if name not in known]
    broken = {finding.where.removeprefix("parameter ") for finding in findings}
    checked: dict[str, Json] = {}
    for name, declared in known.items():
        value = values.get(name)
        if value is None:
            required = not declared.optional and not (
                isinstance(declared, Parameter) and declared.has_default
            )
            if required and name not in broken:
                findings.append(Finding("a value is required", f"parameter {name}", f"-p {name}=..."))
        elif problem := _problem(declared, value):
            findings.append(Finding(problem, f"parameter {name}"))
        else:
            checked[name] = _typed(declared, value)
    if findings:
        raise UsageError(*findings)
    return checked


def _problem(declared: Parameter | ArtifactSpec, value: Json) -> str:
    if isinstance(declared, ArtifactSpec):
        return "" if isinstance(value, str) and value else f"{_short(value)} is no URI"
    if not _FITS[declared.type](value):
        return f"{_short(value)} is no {_kind(declared)}"
    if declared.literals and value not in declared.literals:
        allowed = ", ".join(json.dumps(literal) for literal in declared.literals)
        return f"{_short(value)} is not one of {allowed}"
    try:
        launch.encode(value)
    except launch.WireError as error:
        return str(error)
    return ""


def _typed(declared: Parameter | ArtifactSpec, value: Json) -> Json:
    if isinstance(declared, Parameter) and declared.type is ParameterType.DOUBLE and isinstance(value, int):
        return float(value)
    if isinstance(declared, ArtifactSpec) and isinstance(value, str) and "://" not in value:
        return str(Path(value).absolute())
    return value


def _unknown(name: str, known: Mapping[str, Any]) -> Finding:
    near = difflib.get_close_matches(name, known, n=1)
    mend = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known) or 'none'}"
    return Finding("the pipeline has no such parameter", f"parameter {name}", mend)


def _boolean(text: str) -> bool:
    if text.lower() in {"true", "false"}:
        return text.lower() == "true"
    raise ValueError("write true or false")


def _integer(text: str) -> int:
    try:
        return int(text.strip())
    except ValueError:
        raise ValueError("write a whole number") from None


def _double(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError("write a number") from None


def _json(kind: type) -> Callable[[str], Json]:
    def read(text: str) -> Json:
        try:
            value: Json = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"not JSON, {error}") from None
        if not isinstance(value, kind):
            raise ValueError(f"write a JSON {'list' if kind is list else 'object'}")
        return value

    return read


def _whole(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_READERS: Mapping[ParameterType, Callable[[str], Json]] = {
    ParameterType.STRING: str,
    ParameterType.INTEGER: _integer,
    ParameterType.DOUBLE: _double,
    ParameterType.BOOLEAN: _boolean,
    ParameterType.LIST: _json(list),
    ParameterType.STRUCT: _json(dict),
    ParameterType.FINAL_STATUS: _json(dict),
    ParameterType.TASK_CONFIG: _json(dict),
}
_FITS: Mapping[ParameterType, Callable[[Json], bool]] = {
    ParameterType.STRING: lambda value: isinstance(value, str),
    ParameterType.INTEGER: _whole,
    ParameterType.DOUBLE: lambda value: isinstance(value, float) or _whole(value),
    ParameterType.BOOLEAN: lambda value: isinstance(value, bool),
    ParameterType.LIST: lambda value: isinstance(value, list),
    ParameterType.STRUCT: lambda value: isinstance(value, dict),
    ParameterType.FINAL_STATUS: lambda value: isinstance(value, dict),
    ParameterType.TASK_CONFIG: lambda value: isinstance(value, dict),
}


def _kind(parameter: Parameter | None) -> str:
    return str(parameter.type) if parameter else "value"


def _short(value: Json) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
