"""The launcher: runs one step, on a laptop and inside a pod.

A backend on the same machine hands over a Request (the step's document, wire texts, artifact records) and
gets a Result (wire texts and records, or what went wrong). In a pod, `python3 /kfp/launch OPTIONS` does it
from the texts that Argo has (`options.read` lists them), and leaves files for Argo to pick up.

The package needs Python 3.9 and nothing else, and imports nothing of the rest of the project, so that its
files can be mounted into any image that has `python3`. Every step waits for its imports: see `records`.
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
