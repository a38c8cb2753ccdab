"""Native steps: containers that run as they are, with any image, and need no Python for a launcher.

Argo writes their command and reads their outputs; see `templates` for how.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipelines.sdk.argo.book import Body, Book
from pipelines.sdk.argo.native.kinds import is_python, parts
from pipelines.sdk.argo.native.naming import StepNaming
from pipelines.sdk.argo.native.templates import files_of, rewritten, trimmed, write
from pipelines.sdk.argo.native.words import Inexpressible
from pipelines.sdk.argo.options import StepInfo
from pipelines.sdk.argo.pods import PodFields
from pipelines.sdk.argo.travel import Carrier
from pipelines.sdk.errors import BadPipeline
from pipelines.sdk.plan import Step

__all__ = ["native_body"]

_MEND = (
    "leave it out, or let a Python component before it give the value as plain text, or name the component "
    "with --launched if its image has python3"
)


def native_body(
    step: Step,
    inputs: Mapping[str, Carrier],
    path: str,
    book: Book,
    twins: bool,
    pod: PodFields,
    retry: Mapping[str, Any] | None = None,
) -> Body | None:
    """Writes a step that needs no launcher.

    Args:
        step: the step.
        inputs: as its template receives them.
        path: of its task.
        book: to write into: two templates, the step's kind, warnings.
        twins: whether a loop collects its outputs.
        pod: the step's settings, in terms of the same inputs.
        retry: its `retryStrategy`.

    Returns:
        The template and its outputs; None for a step that is to be launched.

    Raises:
        BadPipeline: with everything that Argo cannot say, where the image is not known to have Python.
    """
    if step.component in book.options.launched or is_python(step):
        return None
    naming = StepNaming(step, inputs, files_of(step), book.root)
    words, problems = parts(step, naming)
    body = None
    if not problems:
        try:
            body = write(naming, words, pod, retry, path, book, twins)
        except Inexpressible as error:
            problems.append(error)
    if body is None:
        raise BadPipeline(*(each.finding(f"task {path}", _MEND) for each in problems))
    book.steps.append(StepInfo(path, "native", step.image))
    book.warnings.extend((*trimmed(naming), *rewritten(naming)))
    return body
