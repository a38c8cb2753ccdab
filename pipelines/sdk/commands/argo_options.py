"""The options of every command that compiles for Argo."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

import click

from pipelines.sdk import argo
from pipelines.sdk.argo.options import PIPELINE_ROOT, SERVICE_ACCOUNT, Options
from pipelines.sdk.errors import Finding, UsageError
from pipelines.sdk.own_modules import own_modules
from pipelines.sdk.plan import Plan
from pipelines.sdk.settings import STEP_IMAGE, Settings

# Registry, path, tag and digest: what YAML can carry without quotes, and Kubernetes would take.
_IMAGE = re.compile(r"[a-zA-Z0-9][\w.-]*(:[0-9]+)?(/[\w.-]+)*(:[\w.-]+)?(@[a-z0-9]+:[a-f0-9]+)?", re.ASCII)
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]
name_option = click.option("--name", default="", help="Of the WorkflowTemplate.  [default: the pipeline's]")


def with_options(*options: Decorator) -> Decorator:
    """Several options at once, in this order in the help text."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def argo_options(settings: Settings) -> Decorator:
    """Adds the options that say how a pipeline becomes a WorkflowTemplate.

    Args:
        settings: of the environment.
    """
    return with_options(
        name_option,
        click.option(
            "--image", default=settings.image, help=f"Of our own steps.  [default: {settings.image}]"
        ),
        click.option(
            "--pipeline-root",
            default="",
            metavar="URI",
            help=f"Of artifacts, as gs://bucket/prefix.  [default: the pipeline's, else {PIPELINE_ROOT}]",
        ),
        click.option(
            "--service-account", default=SERVICE_ACCOUNT, help=f"Of the steps.  [default: {SERVICE_ACCOUNT}]"
        ),
        click.option(
            "--launched",
            multiple=True,
            metavar="COMPONENT",
            help="A component whose image has python3, though nothing says so. Can be given again.",
        ),
        click.option("--allow-skew", is_flag=True, help="Do not compare the image's modules with these."),
        click.option(
            "--argo",
            type=click.Choice(["3.7", "4.0", "4.1"]),
            default="4.1",
            help="The controller's version, for warnings.  [default: 4.1]",
        ),
    )


def options_of(given: Mapping[str, Any], plan: Plan) -> Options:
    """The options of a command line, checked.

    Args:
        given: what click gives, by name; what is no field of Options is not looked at.
        plan: the pipeline; its own steps are to find the modules that they import as they are here.

    Raises:
        UsageError: with everything that makes no sense.
    """
    found = [
        *_wrong("image", given, _IMAGE, "as in registry/name:tag"),
        *_wrong("service_account", given, _SUBDOMAIN, "use small letters, digits and hyphens"),
        *_wrong("name", given, _LABEL, "use at most 63 small letters, digits and hyphens"),
        *_wrong("namespace", given, _LABEL, "use at most 63 small letters, digits and hyphens"),
    ]
    if found:
        raise UsageError(*found)
    known = {each.name for each in fields(Options)}
    values = {name: value for name, value in given.items() if name in known and value is not None}
    values["launched"] = frozenset(given.get("launched") or ())
    if values.get("image") == STEP_IMAGE:
        values["image"] = ""
    return Options(**values, project=None if given.get("allow_skew") else own_modules(plan))


def compiled(plan: Plan, options: Options) -> argo.Compiled:
    """Compiles a pipeline and says its warnings.

    Args:
        plan: the pipeline.
        options: how.
    """
    made = argo.emit(plan, options)
    for warning in made.warnings:
        click.echo(f"warning: {warning}", err=True)
    return made


def _wrong(name: str, given: Mapping[str, Any], pattern: re.Pattern[str], mend: str) -> list[Finding]:
    value = given.get(name) or ""
    option = f"--{name.replace('_', '-')}"
    # Empty means "not given", except for an image, which always has a value.
    given_at_all = name in given and (value or name == "image")
    return (
        [Finding(f"{value!r} cannot be one", option, mend)]
        if given_at_all and not pattern.fullmatch(value)
        else []
    )
