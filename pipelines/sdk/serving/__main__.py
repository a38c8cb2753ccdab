"""`python -m pipelines.sdk.serving MODEL_URI`: serve a model over HTTP."""

from __future__ import annotations

import argparse
import gc
import signal
import sys

from pipelines.sdk.errors import Exit, PipelineError, UsageError, report
from pipelines.sdk.serving.options import limits_of, parser
from pipelines.sdk.serving.state import Place, write_json


def main(arguments: list[str] | None = None) -> int:
    """Serve until asked to end; the exit code."""
    options = parser().parse_args(arguments)
    # Until it serves: the first process of a container does not end by signals that it has no handler for.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(Exit.OK))
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
    # Nearly all that imports and the model make stays: to look through it again and again for what does not
    # takes a sixth of the start. `run` turns it on again.
    gc.disable()

    from pipelines.sdk.serving.models.served import ServedModel
    from pipelines.sdk.serving.prediction_log.log import Options as LogOptions
    from pipelines.sdk.serving.server import Settings, run

    settings = Settings(
        model_uri=options.model_uri,
        name=options.name,
        version=options.version,
        host=options.host,
        port=options.port,
        limits=limits_of(options),
        instance=options.instance,
        drain=options.drain,
        grace=options.grace,
        workers=options.workers,
        log=LogOptions(options.prediction_log, options.log_sample, options.log_format)
        if options.prediction_log
        else None,
        access_log=options.access_log,
        allow_skew=options.allow_skew,
    )

    def listening(port: int, model: ServedModel) -> None:
        host = f"[{options.host}]" if ":" in options.host else options.host
        sys.stderr.write(f"serving {model.name} ({model.model_id}) on http://{host}:{port}\n")
        if options.port_file:
            write_json(options.port_file, {"host": options.host, "port": port, "model_id": model.model_id})

    run(settings, listening)


if __name__ == "__main__":
    sys.exit(main())
