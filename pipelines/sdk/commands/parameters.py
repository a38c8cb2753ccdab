"""A pipeline's own parameters as options of a command."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import click

from pipelines.sdk import arguments
from pipelines.sdk.commands.times import DAY_PARAMETER, day
from pipelines.sdk.errors import Finding
from pipelines.sdk.values import ArtifactSpec, Interface, Json, Parameter, ParameterType

_PREFIX = "parameter_"  # of the names that callbacks get, so that a parameter can be called as an option is
_DEFAULT_SHOWN = 60  # characters
_METAVARS = {
    ParameterType.STRING: "TEXT",
    ParameterType.INTEGER: "INTEGER",
    ParameterType.DOUBLE: "NUMBER",
    ParameterType.BOOLEAN: "true|false",
}


def pairs_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """`-p NAME=VALUE`, as often as wanted; the callback gets them as `pairs`."""
    made: Callable[..., Any] = click.option(
        "-p", "--parameter", "pairs", multiple=True, metavar="NAME=VALUE", help="A pipeline parameter."
    )(function)
    return made


def add_options(command: click.Command, interface: Interface, *, without: tuple[str, ...] = ()) -> None:
    """Gives a command an option for every input of a pipeline.

    Values stay text, since `arguments` reads and checks them all at once. An input whose option the command
    has already can be given with `-p` alone.

    Args:
        command: the command.
        interface: of the pipeline.
        without: names that get no option.
    """
    taken = {"--help", *(text for option in command.params for text in option.opts)}
    inputs: dict[str, Parameter | ArtifactSpec] = {**interface.parameters, **interface.artifacts}
    hidden = [name for name in inputs if _flag(name) in taken and name not in without]
    command.params.extend(_option(each) for n, each in inputs.items() if n not in (*without, *hidden))
    if hidden:
        command.epilog = f"Given with -p NAME=VALUE alone: {', '.join(hidden)}."


def read(
    interface: Interface,
    given: Mapping[str, str | None],
    pairs: tuple[str, ...],
    findings: list[Finding],
    **fixed: str,
) -> dict[str, Json]:
    """The inputs of a run, typed and checked.

    Args:
        interface: of the pipeline.
        given: what the callback got of the options of `add_options`.
        pairs: of `pairs_option`.
        findings: what is known to be wrong already.
        fixed: texts that the command itself sets.

    Raises:
        UsageError: with everything that is wrong.
    """
    found = list(findings)
    texts = {n.removeprefix(_PREFIX): text for n, text in given.items() if text is not None}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            found.append(Finding(f"{pair!r} is not NAME=VALUE", "-p"))
        elif name in texts or name in fixed:
            found.append(Finding("it is given twice", f"parameter {name}"))
        else:
            texts[name] = text
    return arguments.from_texts(interface, {**texts, **fixed}, found)


def wrong_day(given: Mapping[str, str | None], pairs: tuple[str, ...]) -> list[Finding]:
    """What is wrong with the day that a run is for, if one was given."""
    texts = [given.get(f"{_PREFIX}{DAY_PARAMETER}")]
    texts += [text for name, _, text in (pair.partition("=") for pair in pairs) if name == DAY_PARAMETER]
    for text in filter(None, texts):
        try:
            day(text)
        except ValueError as error:
            return [Finding(str(error), f"parameter {DAY_PARAMETER}")]
    return []


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _option(declared: Parameter | ArtifactSpec) -> click.Option:
    names = [_flag(declared.name), f"{_PREFIX}{declared.name}"]
    if isinstance(declared, ArtifactSpec):
        help_text = declared.description.strip() or "An artifact."
        return click.Option(names, metavar="URI", help=help_text)
    help_text = declared.description.strip().rstrip(".")
    if declared.has_default:
        help_text = f"{help_text}  [default: {_shown(declared)}]".strip()
    elif not declared.optional:
        help_text = f"{help_text}  [required]".strip()
    metavar = "|".join(map(str, declared.literals)) or _METAVARS.get(declared.type, "JSON")
    return click.Option(names, metavar=metavar, help=help_text)


def _shown(parameter: Parameter) -> str:
    default = parameter.default
    text = default if isinstance(default, str) and default else json.dumps(default)
    return text if len(text) <= _DEFAULT_SHOWN else f"{text[:_DEFAULT_SHOWN]}..."
