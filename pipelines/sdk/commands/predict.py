"""`predict`: an answer of the served model."""

from __future__ import annotations

import json
import math
import os
import sys
from pathlib import Path
from typing import Any, cast

import click

from pipelines.sdk.commands.argo_options import with_options
from pipelines.sdk.commands.output import to_stdout
from pipelines.sdk.commands.predictions import Format, shown
from pipelines.sdk.commands.registry import service_of
from pipelines.sdk.errors import Finding, Unreachable, UsageError
from pipelines.sdk.plan import Plan
from pipelines.sdk.serving import client, local
from pipelines.sdk.serving.client.connection import is_near
from pipelines.sdk.settings import Settings

_TOKEN = "PIPELINES_TOKEN"  # noqa: S105 - the variable's name
_REACH = (
    click.option(
        "--host", default="", metavar="NAME", help="The service's own name, behind a gateway at --url."
    ),
    click.option("--ca-file", metavar="FILE", help="Certificate of the authority to trust, PEM."),
    click.option("--token-file", metavar="FILE", help=f"Holds a bearer token.  [default: ${_TOKEN}]"),
    click.option("--token", help="The same in words, which others on this machine can read."),
    click.option(
        "--timeout",
        type=click.FloatRange(0, 3600, min_open=True),
        default=30.0,
        help="Seconds.  [default: 30]",
    ),
)


def command(plan: Plan, settings: Settings) -> click.Command:
    """`predict [--data JSON | --file FILE] [--url URL] ...`.

    Args:
        plan: the pipeline.
        settings: of the environment.
    """

    @click.command("predict", help="Ask the served model, here or on a cluster.")
    @click.option("--data", metavar="JSON", help="The request, as /invocations takes it.")
    @click.option("--file", metavar="FILE", help="A JSON or CSV file with it; - for standard input.")
    @click.option("--url", help="Address of the server.  [default: the one that runs here]")
    @click.option("--protocol", type=click.Choice(["invocations", "v2", "v1"]), default="invocations")
    @click.option("--model-name", default=service_of(plan), help=f"[default: {service_of(plan)}]")
    @with_options(*_REACH)
    @click.option(
        "--output",
        type=click.Choice(["table", "json", "csv"]),
        help="[default: table on a terminal, else json]",
    )
    def predict_command(model_name: str, protocol: str, output: str | None, **given: Any) -> None:
        body = _body(given["data"], given["file"])
        connection = _connection(model_name, settings, given)
        answer = client.ask(connection, body, protocol=cast(client.Protocol, protocol), model=model_name)
        on_terminal = sys.stdout is not None and sys.stdout.isatty()
        to_stdout(shown(answer, cast(Format, output or ("table" if on_terminal else "json"))))

    return predict_command


def _body(data: str | None, file: str | None) -> client.Document | dict[str, Any]:
    if (data is None) == (file is None):
        raise UsageError(Finding("give one of --data and --file", "predict"))
    if file is not None:
        return client.document(sys.stdin.buffer.read() if file == "-" else Path(file))
    try:
        body = json.loads(data or "")
    except ValueError as error:
        raise UsageError(Finding(f"not JSON: {error}", "--data")) from error
    if not isinstance(body, dict):
        raise UsageError(Finding("not a JSON object", "--data", '{"columns": ["temp"], "data": [[12.8]]}'))
    return body


def _connection(model_name: str, settings: Settings, given: dict[str, Any]) -> client.Connection:
    if math.isnan(given["timeout"]):  # which no range of click's keeps out
        raise UsageError(Finding("is no number of seconds", "--timeout"))
    ca_file = Path(given["ca_file"]) if given["ca_file"] else None
    url, token = given["url"], _token(given["token"], given["token_file"])
    if url is None:
        endpoint = local.current(model_name, home=settings.home)
        if endpoint is None:
            mend = "start it: `python pipelines/train.py serve --detach`"
            raise Unreachable(Finding("no server runs here", model_name, mend))
        url = endpoint.url
    else:
        # It is for the server that is named along with it, not for one that happens to run here.
        token = token or os.environ.get(_TOKEN, "").strip()
    if token and not url.startswith("https:") and not is_near(url):
        click.echo(f"note: the token goes to {url} unencrypted", err=True)
    return client.Connection(url, given["host"], ca_file, token, given["timeout"])


def _token(token: str | None, file: str | None) -> str:
    if token is not None and file is not None:
        raise UsageError(Finding("give one of --token and --token-file", "predict"))
    if file is None:
        return token or ""
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        what = error.strerror if isinstance(error, OSError) else "it is no text"
        raise UsageError(
            Finding(f"cannot be read: {what}", file, "give a file with the token alone")
        ) from error
