"""`predict`: an answer of the served model."""

from __future__ import annotations

import json
from pathlib import Path

import click

from pipelines.sdk.commands.output import to_stdout
from pipelines.sdk.commands.registry import service_of
from pipelines.sdk.errors import Finding, Unreachable, UsageError
from pipelines.sdk.plan import Plan
from pipelines.sdk.serving import client, local
from pipelines.sdk.settings import Settings


def command(plan: Plan, settings: Settings) -> click.Command:
    """`predict [--data JSON | --file FILE] [--url URL]`.

    Args:
        plan: the pipeline.
        settings: of the environment.
    """

    @click.command("predict", help="Ask the served model.")
    @click.option("--model-name", default=service_of(plan), help=f"[default: {service_of(plan)}]")
    @click.option("--data", default=None, metavar="JSON", help="The request, as /invocations takes it.")
    @click.option("--file", default=None, metavar="FILE", help="A JSON or CSV file with it.")
    @click.option("--url", default=None, help="Of the server.  [default: the one that runs here]")
    @click.option("--protocol", type=click.Choice(["invocations", "v2"]), default="invocations")
    def predict_command(
        model_name: str, data: str | None, file: str | None, url: str | None, protocol: str
    ) -> None:
        body = _body(data, file)
        if url is None:
            endpoint = local.current(model_name, home=settings.home)
            if endpoint is None:
                mend = "start it: `python pipelines/train.py serve --detach`"
                raise Unreachable(Finding("no server runs here", model_name, mend))
            url = endpoint.url
        chosen: client.Protocol = "v2" if protocol == "v2" else "invocations"
        predictions = client.predict(url, body, protocol=chosen, model=model_name)
        to_stdout(json.dumps({"predictions": predictions}))

    return predict_command


def _body(data: str | None, file: str | None) -> Path | dict[str, object]:
    if (data is None) == (file is None):
        raise UsageError(Finding("give one of --data and --file", "predict"))
    if file is not None:
        return Path(file)
    try:
        body = json.loads(data or "")
    except ValueError as error:
        raise UsageError(Finding(f"not JSON: {error}", "--data")) from error
    if not isinstance(body, dict):
        raise UsageError(Finding("not a JSON object", "--data", '{"columns": ["temp"], "data": [[12.8]]}'))
    return body
