"""What every server is asked: a model, rows, the ways to ask about them, and the right answers."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.bench.serving.environments import ROOT

NAME: Final = "m"
COLUMNS: Final = ("temp", "dew", "wind", "visits")
_DATATYPES: Final = {"visits": "INT64"}


@dataclass(frozen=True)
class Protocol:
    """A way to ask.

    Args:
        name: as tables have it.
        path: of the URL.
        body: rows to the body of a request.
        predictions: an answer to the numbers in it.
    """

    name: str
    path: str
    body: Callable[[list[list[float]]], dict[str, Any]]
    predictions: Callable[[Any], Any]


def _v2_body(rows: list[list[float]]) -> dict[str, Any]:
    tensors = [
        {"name": name, "shape": [len(rows)], "datatype": _DATATYPES.get(name, "FP64"), "data": list(values)}
        for name, values in zip(COLUMNS, zip(*rows, strict=True), strict=True)
    ]
    return {"inputs": tensors}


V2: Final = Protocol("V2", f"/v2/models/{NAME}/infer", _v2_body, lambda answer: answer["outputs"][0]["data"])
INVOCATIONS: Final = Protocol(
    "/invocations",
    "/invocations",
    lambda rows: {"dataframe_split": {"columns": list(COLUMNS), "data": rows}},
    lambda answer: answer["predictions"],
)
V1: Final = Protocol(
    "V1", f"/v1/models/{NAME}:predict", lambda rows: {"instances": rows}, lambda answer: answer["predictions"]
)


@dataclass(frozen=True)
class Subject:
    """The model that all serve.

    Args:
        folder: of the model.
        rows: to ask about.
        expected: what the bare estimator says to each.
    """

    folder: Path
    rows: list[list[float]]
    expected: list[float]

    def body(self, protocol: Protocol, rows: int) -> bytes:
        """The body of a request about the first rows, without blanks, as most clients write it."""
        return json.dumps(protocol.body(self.rows[:rows]), separators=(",", ":")).encode()

    def fault(self, protocol: Protocol, rows: int, answer: bytes) -> str:
        """What is wrong with an answer about the first rows; empty where nothing is.

        Sums in another order are no mistake: the last digit of a double is left free.
        """
        try:
            given = protocol.predictions(json.loads(answer))
        except (ValueError, LookupError, TypeError):
            return f"no predictions in {answer[:200]!r}"
        if not isinstance(given, list) or len(given) != rows:
            return f"not {rows} predictions: {answer[:200]!r}"
        for row, (value, right) in enumerate(zip(given, self.expected, strict=False)):
            if not isinstance(value, float) or not math.isclose(value, right, rel_tol=1e-13):
                return f"row {row} is {value!r}, not {right!r}"
        return ""


def make(folder: Path) -> Subject:
    """Train and save the model, in a process of its own: this one should share no memory with the servers.

    Args:
        folder: to be made.
    """
    command = [sys.executable, "-m", "tests.bench.serving.training", str(folder)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    made = json.loads(done.stdout)
    return Subject(folder, made["rows"], made["expected"])
