"""The comment that kfp writes at the top of a compiled pipeline."""

from __future__ import annotations

import re

_TITLE = re.compile(r"(?:#.*\n)*?# (?:PIPELINE|COMPONENT) DEFINITION\n")
_BODY = re.compile(r"^(?:components|defaultPipelineRoot|deploymentSpec|pipelineInfo):", re.MULTILINE)


def mended(text: str) -> str:
    """IR in which the whole comment is a comment.

    kfp (2.0 to 2.17) shows the default of each input in it, and where one has several lines, only the first
    is commented out: what follows makes the file no YAML, for kfp too.

    Args:
        text: of a compiled pipeline; any other is left as it is.
    """
    title = _TITLE.match(text)
    body = _BODY.search(text)
    if title is None or body is None:
        return text
    # Not splitlines: YAML counts fewer characters as ends of lines than Python does.
    lines = text[: body.start()].split("\n")
    comment = "\n".join(line if not line or line[0] == "#" else f"# {line}" for line in lines)
    return comment + text[body.start() :]
