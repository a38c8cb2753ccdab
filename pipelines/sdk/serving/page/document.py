"""The page: the model's facts and requests put into the template, with everything escaped."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from string import Template
from typing import Any, Final
from urllib.parse import quote

from pipelines.sdk.serving.models.served import ServedModel
from pipelines.sdk.serving.page.examples import Example, examples

_FOLDER: Final = Path(__file__).parent


@dataclass(frozen=True)
class Page:
    """A document and what a browser is to allow it.

    Args:
        html: UTF-8; everything is in it, nothing is loaded.
        policy: for the header Content-Security-Policy: its own script and style run, and nothing else.
    """

    html: bytes
    policy: str


def render(model: ServedModel, example: Any = None) -> Page:
    """The page of a model. It works behind any prefix: all its addresses are relative.

    Args:
        model: that is served.
        example: the model's own input example, as MLflow loads it; None where it has none.
    """
    style, script = _file("page.css"), _file("page.js")
    hint, offered = examples(model, example)
    text = Template(_file("page.html")).substitute(
        name=html.escape(model.name),
        style=style,
        script=script,
        facts=_facts(model),
        protocols="\n".join(_choice(each, first=each is offered[0]) for each in offered),
        hint=html.escape(hint) + " Ctrl+Enter asks.",
        examples=_data({each.protocol: asdict(each) for each in offered}),
        inputs=_table(model.metadata["inputs"], "inputs-title", asks=True),
        outputs=_table(model.metadata["outputs"], "outputs-title", asks=False),
        links=_links(model),
    )
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; img-src data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return Page(text.encode(), policy)


def _file(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _data(value: Any) -> str:
    # Within a script element `<` could end it, or begin a comment that hides its end.
    return json.dumps(value).replace("<", "\\u003c")


def _facts(model: ServedModel) -> str:
    facts = {"Version": model.version, "Model id": model.model_id, "Run": model.run_id}
    return "\n".join(
        f"<dt>{title}</dt><dd>{html.escape(value)}</dd>" for title, value in facts.items() if value
    )


def _choice(example: Example, *, first: bool) -> str:
    checked = " checked" if first else ""
    box = f'<input type="radio" name="protocol" value="{example.protocol}"{checked}>'
    return f"<label>{box}{html.escape(example.title)}</label>"


def _table(tensors: Sequence[dict[str, Any]], title: str, *, asks: bool) -> str:
    if not tensors:
        return f"<p>The model's signature does not say what it {'takes' if asks else 'gives'}.</p>"
    # A column's shape says nothing: it is as long as the request.
    shapes = any(tensor["shape"] != [-1] for tensor in tensors)
    heads = ["Name", *(["Type"] if asks else []), "V2 datatype", *(["Shape"] if shapes else [])]
    heads += ["Needed"] if asks else []
    head = "".join(f'<th scope="col">{each}</th>' for each in heads)
    rows = "\n".join(_row(tensor, shapes=shapes, asks=asks) for tensor in tensors)
    frame = f'<div class="table" role="region" tabindex="0" aria-labelledby="{title}">'
    return f"{frame}<table><thead><tr>{head}</tr></thead><tbody>\n{rows}\n</tbody></table></div>"


def _row(tensor: dict[str, Any], *, shapes: bool, asks: bool) -> str:
    about = tensor.get("parameters", {})
    cells = [*([about.get("type", "array")] if asks else []), tensor["datatype"]]
    if shapes:
        cells.append(" × ".join("any" if size == -1 else str(size) for size in tensor["shape"]))
    row = "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
    if asks:
        row += "<td>required</td>" if about.get("required", True) else '<td class="optional">optional</td>'
    return f'<tr><th scope="row">{html.escape(str(tensor["name"]))}</th>{row}</tr>'


def _links(model: ServedModel) -> str:
    links = {
        "API description (OpenAPI)": "openapi.json",
        "Model metadata": f"v2/models/{quote(model.name, safe='')}",
        "Server": "v2",
        "Metrics": "metrics",
    }
    return "\n".join(f'<a href="{html.escape(path)}">{title}</a>' for title, path in links.items())
