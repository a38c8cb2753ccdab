"""A pipeline's own parameters as options of a command."""

from __future__ import annotations

import json
from collections.abc import Mapping

import click

from pipelines.sdk.values import Interface, Parameter, ParameterType

_METAVARS = {
    ParameterType.STRING: "TEXT",
    ParameterType.INTEGER: "INTEGER",
    ParameterType.DOUBLE: "NUMBER",
    ParameterType.BOOLEAN: "true|false",
    ParameterType.LIST: "JSON",
    ParameterType.STRUCT: "JSON",
}


def options_of(interface: Interface, *, without: tuple[str, ...] = ()) -> list[click.Option]:
    """An option for every parameter; values stay text, since `arguments` reads and checks them all at once.

    Args:
        interface: of the pipeline.
        without: names that get no option.
    """
    options = [_option(p) for name, p in interface.parameters.items() if name not in without]
    for name, spec in interface.artifacts.items():
        options.append(
            click.Option([_flag(name), name], metavar="URI", help=spec.description or "An artifact.")
        )
    return options


def texts_of(given: Mapping[str, str | None]) -> dict[str, str]:
    """The values that were given on the command line."""
    return {name: text for name, text in given.items() if text is not None}


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _option(parameter: Parameter) -> click.Option:
    help_text = parameter.description.strip().rstrip(".")
    if parameter.has_default:
        help_text = f"{help_text}  [default: {_shown(parameter)}]".strip()
    elif not parameter.optional:
        help_text = f"{help_text}  [required]".strip()
    metavar = "|".join(map(str, parameter.literals)) or _METAVARS.get(parameter.type, "JSON")
    return click.Option([_flag(parameter.name), parameter.name], metavar=metavar, help=help_text)


def _shown(parameter: Parameter) -> str:
    default = parameter.default
    return default if isinstance(default, str) and default else json.dumps(default)
