"""The model server's command line."""

from __future__ import annotations

import argparse
import sys
from dataclasses import fields
from pathlib import Path
from typing import Final

from pipelines.sdk.serving.http.limits import Limits
from pipelines.sdk.serving.models.closure import described

_DEFAULT: Final = "(default: %(default)s)"
_LIMITS: Final = {
    "body": "bytes of a request's body",
    "rows": "rows of a request",
    "head": "bytes of a request's head",
    "connections": "at once; more are answered 503",
    "waiting": "requests that wait for the model; more are answered 503",
    "buffered": "bytes of bodies held at once",
    "idle_seconds": "for a connection on which nothing is asked",
    "head_seconds": "for a request's head to come",
    "body_seconds": "for a request's body to come, and for an answer to be taken",
}


def parser() -> argparse.ArgumentParser:
    """What `python -m pipelines.sdk.serving` understands."""
    parser = argparse.ArgumentParser(
        prog="python -m pipelines.sdk.serving",
        description="Serve a model over HTTP: Open Inference Protocol V2, V1, and MLflow's /invocations.",
    )
    add = parser.add_argument
    add("model_uri", help="a model's folder, gs://..., runs:/..., models:/m-..., models:/NAME@alias")
    add("--host", default="127.0.0.1", help=f"address to listen on {_DEFAULT}")
    add("--port", type=_port, default=8080, help=f"0 for any that is free {_DEFAULT}")
    add("--name", type=_name, default="model", help=f"of the model, in URLs {_DEFAULT}")
    add("--version", default="", help="of the registered model")
    add("--workers", type=_positive, default=1, help=f"processes that answer {_DEFAULT}")
    add("--allow-skew", action="store_true", help="serve a model that was trained with other packages too")
    add("--closure", action=_Closure, nargs=0, help="print what models have to be trained with, and end")
    add("--prediction-log", help="folder or gs:// address for what was asked and answered")
    add("--log-sample", type=_share, default=1.0, help=f"share of requests that are logged {_DEFAULT}")
    add("--log-format", choices=["jsonl", "parquet"], default="jsonl", help=_DEFAULT)
    add("--access-log", action="store_true", help="a line of JSON on standard output for each request")
    add(
        "--drain",
        type=_seconds,
        default=0.5,
        help=f"seconds to go on answering after SIGTERM {_DEFAULT}",
    )
    add(
        "--grace",
        type=_seconds,
        default=25.0,
        help=f"seconds for requests under way after that {_DEFAULT}",
    )
    add("--port-file", type=Path, help="written, as JSON, once requests are answered")
    add("--instance", default="", help="text in the metadata that tells this server from others")
    add("--claim", type=Path, help="a local deployment's record; exit unless it names this process")
    for limit in fields(Limits):
        kind = _seconds if limit.name.endswith("_seconds") else _positive
        text = f"{_LIMITS[limit.name]} {_DEFAULT}"
        add(option_of(limit.name), dest=limit.name, type=kind, default=limit.default, help=text)
    return parser


class _Closure(argparse.Action):
    """Prints this environment's serving closure, its hash in the first line: an image is labelled with it."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        sys.stdout.write(described() + "\n")
        parser.exit()


def option_of(limit: str) -> str:
    """The option that sets a limit."""
    if limit.endswith("_seconds"):
        return f"--{limit.removesuffix('_seconds')}-timeout"
    return f"--max-{limit}"


def limits_of(options: argparse.Namespace) -> Limits:
    """The limits that a command line sets."""
    return Limits(**{limit.name: getattr(options, limit.name) for limit in fields(Limits)})


def _name(text: str) -> str:
    if not text or "/" in text:
        raise argparse.ArgumentTypeError("a model's name cannot be empty or have a slash")
    return text


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return int(text)


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return int(text)


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = 0.0
    if not 0 < share <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share above 0 and at most 1")
    return share


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return seconds
