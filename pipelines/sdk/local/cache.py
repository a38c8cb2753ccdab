"""Earlier results of steps, found by what went into them."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pipelines.sdk import launch
from pipelines.sdk.files import write_whole
from pipelines.sdk.launch.paths import local_path
from pipelines.sdk.local.digest import Unstable, digest, never, signature
from pipelines.sdk.plan import Cache

FORMAT = 2  # raise it when the meaning of a key or an entry changes
_TIMES = {"pipeline_job_schedule_time_utc": "schedule_time", "pipeline_job_create_time_utc": "create_time"}


@dataclass(frozen=True)
class Key:
    """The key of a step, and what tells whether it still holds when the step has ended.

    Args:
        text: SHA-256 of all that went in.
        signatures: of the input artifacts when they were read, by path.
    """

    text: str
    signatures: Mapping[Path, tuple[object, ...]]

    def holds(self) -> bool:
        """Whether nobody has written to the input artifacts since."""
        return all(signature(path) == before for path, before in self.signatures.items())


@dataclass(frozen=True)
class StepCache:
    """A folder of results, one file a key. Runs at the same time can share it.

    Args:
        folder: where.
        runs: folder of all runs: what an artifact's address below it says is chance.
        reads: whether earlier results are used; new ones are kept in any case.
        stopped: whether the run has been stopped: then no large artifact is read to its end.
    """

    folder: Path
    runs: Path
    reads: bool = True
    stopped: Callable[[], bool] = never

    def key(self, request: launch.Request, settings: Cache, surroundings: Iterable[str]) -> Key | None:
        """The key of a step: its code, its image, its inputs and the content of its input artifacts.

        Names and addresses of artifacts stay out, and so does the run: a parameter that stands for the run's
        id is in the key as its placeholder. One that stands for its time is in it as the time.

        Args:
            request: of the step.
            settings: a key of the user's own takes the place of the inputs.
            surroundings: what else the result depends on.

        Returns:
            None where an input artifact cannot be read, or changes meanwhile.
        """
        document = request.task.to_json()
        del document["name"]
        parts: list[Any] = [FORMAT, document, list(surroundings)]
        paths = [Path(path) for records in request.artifacts.values() for path in _paths(records, request)]
        signatures = {path: signature(path) for path in paths}
        try:
            parts.append(settings.key or self._inputs(request))
        except Unstable:
            return None
        text = json.dumps(parts, sort_keys=True)
        times = [
            getattr(request.context, name) for placeholder, name in _TIMES.items() if placeholder in text
        ]
        found = Key(hashlib.sha256(json.dumps([text, times]).encode()).hexdigest(), signatures)
        return found if found.holds() else None

    def _inputs(self, request: launch.Request) -> dict[str, Any]:
        values = {name: launch.decode(text) for name, text in request.parameters.items()}
        return {
            "parameters": values,
            # A text that only looks like a placeholder is another value than the placeholder.
            "templates": sorted(name for name in request.templates if "{{$" in json.dumps(values[name])),
            "artifacts": {
                name: [self._identity(record, request) for record in records]
                for name, records in request.artifacts.items()
            },
        }

    def _identity(self, record: launch.Record, request: launch.Request) -> Any:
        path = Path(local_path(record, request))
        uri = "" if path.is_relative_to(self.runs) else record["uri"]
        return [record.get("type"), record.get("metadata"), digest(path, self.stopped) or uri]

    def get(self, key: Key) -> launch.Result | None:
        """The result kept under a key, or None where there is none or its artifacts have changed since."""
        if not self.reads:
            return None
        try:
            entry: dict[str, Any] = json.loads(self._path(key).read_text(encoding="utf-8"))
            if entry["check"] != _check(entry["result"], entry["digests"]):
                return None
            for path, before in entry["digests"].items():
                if digest(Path(path), self.stopped) != before:
                    return None
            return launch.Result.from_json(entry["result"])
        except (OSError, ValueError, KeyError, TypeError, Unstable, launch.LaunchError):
            return None

    def put(self, key: Key, request: launch.Request, result: launch.Result) -> None:
        """Keeps a result, where its artifacts and those that went in are as they were.

        A cache that cannot be written costs time and nothing else, so that is no error.

        Args:
            key: from `key`.
            request: of the step.
            result: of the step.
        """
        with suppress(OSError, Unstable):
            if any("://" in record["uri"] for records in result.artifacts.values() for record in records):
                return  # what is local of it goes with the run
            paths = [path for records in result.artifacts.values() for path in _paths(records, request)]
            digests = {path: digest(Path(path), self.stopped) for path in paths}
            if not key.holds():
                return
            plain = result.to_json()
            entry = {"result": plain, "digests": digests, "check": _check(plain, digests)}
            path = self._path(key)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(path, json.dumps(entry), 0o600)

    def _path(self, key: Key) -> Path:
        return self.folder / key.text[:2] / f"{key.text}.json"


def _paths(records: Iterable[launch.Record], request: launch.Request) -> list[str]:
    return [local_path(record, request) for record in records]


def _check(result: Any, digests: Any) -> str:
    return hashlib.sha256(json.dumps([result, digests], sort_keys=True).encode()).hexdigest()


@cache
def packages() -> str:
    """Python's version and those of all installed packages, as one number: a laptop's image."""
    names = set()
    for folder in filter(Path.is_dir, map(Path, sys.path)):
        with suppress(OSError):
            # `kfp-2.17.0.dist-info`: reading all of those files would take a fifth of a second.
            names |= {each.name for each in folder.iterdir() if each.suffix in {".dist-info", ".egg-info"}}
    return hashlib.sha256("\n".join([sys.version, *sorted(names)]).encode()).hexdigest()
