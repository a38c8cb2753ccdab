"""Earlier results of steps, found by what went into them."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.sdk.launch import decode
from pipelines.sdk.local.scope import Artifacts, Record
from pipelines.sdk.plan import Step, Task

FORMAT = 1  # raise it when the meaning of a key or an entry changes


@dataclass(frozen=True)
class StepCache:
    """A folder of results, one file a key. Runs at the same time can share it.

    Args:
        folder: where.
    """

    folder: Path

    def key(
        self, task: Task, step: Step, parameters: Mapping[str, str], artifacts: Mapping[str, Artifacts]
    ) -> str:
        """The key of a step: its code, its image, its inputs and the content of its input artifacts.

        Names and addresses of artifacts stay out, and so does the run: a parameter that stands for the run's
        id is in the key as its placeholder.

        Args:
            task: the task; a key of the user's own takes the place of the inputs.
            step: its body.
            parameters: input values as wire text, placeholders unresolved.
            artifacts: input artifacts.
        """
        inputs: Any = task.cache.key or {
            "parameters": {name: decode(text) for name, text in parameters.items()},
            "artifacts": {name: [_identity(r) for r in value.records] for name, value in artifacts.items()},
        }
        code = [step.image, step.command, step.args, dict(step.env), step.component if task.cache.key else ""]
        text = json.dumps([FORMAT, code, inputs], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def get(self, key: str) -> dict[str, Any] | None:
        """The result kept under a key, or None where there is none or its artifacts have changed since."""
        try:
            entry: dict[str, Any] = json.loads(self._path(key).read_text(encoding="utf-8"))
            for record in _records(entry["result"]):
                if digest(record["uri"]) != entry["digests"][record["uri"]]:
                    return None
        except (OSError, ValueError, KeyError, TypeError):
            return None
        result: dict[str, Any] = entry["result"]
        return result

    def put(self, key: str, result: Mapping[str, Any]) -> None:
        """Keeps a result.

        Args:
            key: from `key`.
            result: wire texts and artifact records, as the launcher leaves them.
        """
        entry = {"result": dict(result), "digests": {r["uri"]: digest(r["uri"]) for r in _records(result)}}
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(entry, file)
        Path(temporary).replace(path)

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.json"


def _records(result: Mapping[str, Any]) -> list[Record]:
    return [record for records in result["artifacts"].values() for record in records]


def _identity(record: Record) -> Any:
    return [record.get("type"), record.get("metadata"), digest(record["uri"]) or record["uri"]]


def digest(uri: str) -> str:
    """SHA-256 of what a local path holds, file or folder; '' where nothing is there (or it is remote)."""
    root = Path(uri)
    if "://" in uri or not root.exists():
        return ""
    total = hashlib.sha256()
    files = [root] if root.is_file() else sorted(path for path in root.rglob("*") if path.is_file())
    for path in files:
        with path.open("rb") as file:
            part = hashlib.file_digest(file, "sha256").hexdigest()
        total.update(f"{path.relative_to(root)}\0{part}\n".encode())
    return total.hexdigest()
