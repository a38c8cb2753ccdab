"""`python -m pipelines.sdk.serving MODEL_URI`: serve a model over HTTP."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pipelines.sdk.errors import Exit, PipelineError, UsageError, report
from pipelines.sdk.serving.state import Place, write_json


def main(arguments: list[str] | None = None) -> int:
    """Serve until asked to end; the exit code."""
    options = _parser().parse_args(arguments)
    try:
        _serve(options)
    except PipelineError as error:
        sys.stderr.write(report(error) + "\n")
        return error.exit_code
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    return Exit.OK


def _serve(options: argparse.Namespace) -> None:
    # Before the seconds that the imports and the model take: nobody may want this server any more.
    if options.claim and not Place(options.claim.parent).names_me(options.claim, options.instance):
        raise UsageError(f"{options.claim} does not name this process; the one that started it is gone")

    from pipelines.sdk.serving.handlers import Limits
    from pipelines.sdk.serving.models.served import ServedModel
    from pipelines.sdk.serving.server import Settings, run

    settings = Settings(
        model_uri=options.model_uri,
        name=options.name,
        version=options.version,
        host=options.host,
        port=options.port,
        limits=Limits(options.max_body, options.max_rows),
        instance=options.instance,
        drain=options.drain,
        grace=options.grace,
    )

    def listening(port: int, model: ServedModel) -> None:
        host = f"[{options.host}]" if ":" in options.host else options.host
        sys.stderr.write(f"serving {model.name} ({model.model_id}) on http://{host}:{port}\n")
        if options.port_file:
            write_json(options.port_file, {"host": options.host, "port": port, "model_id": model.model_id})

    run(settings, listening)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pipelines.sdk.serving", description="Serve a model over HTTP."
    )
    parser.add_argument("model_uri", help="a model's folder, runs:/..., models:/m-..., models:/NAME@alias")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port", type=int, default=8080, help="0 for any that is free (default: %(default)s)"
    )
    parser.add_argument(
        "--name", type=_name, default="model", help="of the model, in URLs (default: %(default)s)"
    )
    parser.add_argument("--version", default="", help="of the registered model")
    parser.add_argument("--port-file", type=Path, help="written, as JSON, once requests are answered")
    parser.add_argument("--max-body", type=int, default=16 * 1024 * 1024, help="bytes (default: %(default)s)")
    parser.add_argument("--max-rows", type=int, default=100_000, help="of a request (default: %(default)s)")
    parser.add_argument("--drain", type=float, default=0.5, help="seconds to go on answering after SIGTERM")
    parser.add_argument("--grace", type=float, default=25.0, help="seconds for requests under way after that")
    parser.add_argument(
        "--instance", default="", help="text in the metadata that tells this server from others"
    )
    parser.add_argument(
        "--claim", type=Path, help="a local deployment's record; exit unless it names this process"
    )
    return parser


def _name(text: str) -> str:
    if not text or "/" in text:
        raise argparse.ArgumentTypeError("a model's name cannot be empty or have a slash")
    return text


if __name__ == "__main__":
    sys.exit(main())
