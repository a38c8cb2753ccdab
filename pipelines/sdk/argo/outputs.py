"""A pipeline's outputs, described for whoever reads a run: no step takes them, so no launcher works them out.

Each run gets the description as an annotation. It says where the text of an output is (a parameter of the
node of the pipeline's outermost DAG, or the description itself) and what is left to do with it: the program
that a consumer's launcher would get, with the texts that it refers to in place of their names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from pipelines.sdk.argo.book import Book
from pipelines.sdk.argo.travel import Carrier, Index, Key, Lists, Or, Text, Via
from pipelines.sdk.errors import Finding
from pipelines.sdk.launch import decode

OUTPUTS_ANNOTATION: Final = "kfp-on-argo/outputs"
"""On a run: how the pipeline's outputs are read from it."""

MAX_BYTES = 100_000  # Kubernetes takes 256 KiB for all annotations of an object


def described(outputs: Mapping[str, Carrier], book: Book) -> dict[str, str]:
    """The annotations of a pipeline's runs that describe its outputs; none where it has none.

    Args:
        outputs: of the outermost DAG.
        book: for a warning, where they take too much room to be described.
    """
    if not outputs:
        return {}
    told = {"root": book.root, "outputs": {name: _reading(each) for name, each in outputs.items()}}
    # Argo would take two braces for the start of a tag; between JSON's own there is always something.
    text = json.dumps(told, separators=(",", ":")).replace("{{", "{\\u007b")
    if len(text) > MAX_BYTES:
        what = f"the pipeline's outputs take {len(text):,} bytes to describe, more than {MAX_BYTES:,}"
        mend = "`watch` and `status` will not show them; let a component give the large constants among them"
        book.warnings.append(Finding(what, mend=mend))
        return {}
    return {OUTPUTS_ANNOTATION: text}


def _reading(carrier: Carrier) -> dict[str, Any]:
    told = _place(carrier.text)
    if carrier.artifact:
        told["artifact"] = True
    if carrier.via:
        told["via"] = [_instruction(each) for each in carrier.via]
    return told


def _place(text: Text) -> dict[str, Any]:
    return {"parameter": text.output} if text.output else {"text": text.static}


def _instruction(via: Via) -> Any:
    match via:
        case Key(name):
            return name
        case Index(at):
            return {"index": at.output} if at.output else int(at.static)
        case Lists(levels):
            return {"lists": levels}
        case Or(wire):
            return {"or": decode(wire)}
    # Only a step's own arguments name inputs beside them; what leaves a group brings its siblings along.
    return {"resolve": {name: _reading(each) for name, each in via.siblings if isinstance(each, Carrier)}}
