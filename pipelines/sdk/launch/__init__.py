"""The launcher: runs one step, on a laptop and inside a pod.

A backend hands over a Request (the step's document, wire texts, artifact records) and gets a Result (wire
texts and records, or what went wrong). The package needs Python 3.9 and nothing else, and imports nothing of
the rest of the project, so that its files can be mounted into any image that has `python3`:
`python3 -m launch REQUEST.json RESULT.json`, or `python3 /kfp/launch REQUEST.json RESULT.json`.
"""

from .documents import Context, Problem, Record, Request, Result
from .errors import LaunchError, WireError
from .execute import Call, collect_outputs, execute, run, write_result
from .placeholders import Scope, facts_of, resolve
from .task import InputArtifact, InputParameter, OutputArtifact, Python, TaskDocument
from .wire import MAX_BYTES, NULL, decode, encode, twin, untwin

__all__ = [
    "MAX_BYTES",
    "NULL",
    "Call",
    "Context",
    "InputArtifact",
    "InputParameter",
    "LaunchError",
    "OutputArtifact",
    "Problem",
    "Python",
    "Record",
    "Request",
    "Result",
    "Scope",
    "TaskDocument",
    "WireError",
    "collect_outputs",
    "decode",
    "encode",
    "execute",
    "facts_of",
    "resolve",
    "run",
    "twin",
    "untwin",
    "write_result",
]
