"""Artifacts that are elsewhere (gs://, https://): fetched into the run's folder before a step reads them."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.sdk.launch import Record
from pipelines.sdk.local.folder import RunFolder
from pipelines.sdk.local.logs import tail
from pipelines.sdk.local.pool import Call, Pool

SCHEMES = ("gs://", "http://", "https://")
TIMEOUT_SECONDS = 60.0  # for a server to answer
PATIENCE_SECONDS = 5.0  # for repetitions: without a network, a step that needs the address alone is to go on


@dataclass(frozen=True)
class Fetcher:
    """Fetches what steps need, each address once a run.

    Args:
        pool: of whose processes one does the work: it can be ended at any time.
        folder: the run's.
    """

    pool: Pool
    folder: RunFolder
    _locks: dict[str, asyncio.Lock] = field(default_factory=dict)
    _problems: dict[str, str] = field(default_factory=dict)

    async def fetch(self, records: Iterable[Record]) -> dict[str, str]:
        """Fetches artifacts, where they are not here yet.

        Args:
            records: of artifacts; those that are local are left alone.

        Returns:
            By address, why it could not be fetched. That is not yet an error: a step may need no more than
            the address.
        """
        uris = dict.fromkeys(str(r["uri"]) for r in records if str(r["uri"]).startswith(SCHEMES))
        problems = await asyncio.gather(*(self._once(uri) for uri in uris))
        return {uri: problem for uri, problem in zip(uris, problems, strict=True) if problem}

    async def _once(self, uri: str) -> str:
        async with self._locks.setdefault(uri, asyncio.Lock()):
            if uri not in self._problems:
                self._problems[uri] = await self._fetch(uri)
        return self._problems[uri]

    async def _fetch(self, uri: str) -> str:
        target = self.folder.mount(uri)
        if target.exists():  # a step has put it there
            return ""
        if ".." in target.parts:
            return "the address leads out of its bucket"
        log = self.folder.log("fetch/" + uri.replace("/", "_"))
        argument = json.dumps({"uri": uri, "target": str(target)})
        code = await self.pool.run(Call("pipelines.sdk.local.remote:fetch_artifact", argument, log, {}))
        return "" if code == 0 else tail(log) or f"exit code {code}"


def fetch_artifact(argument: str) -> int:
    """Runs in a process of its own; see Fetcher.

    Args:
        argument: `{"uri", "target"}` as JSON.

    Returns:
        0, or 1 where the last line of the log says what went wrong.
    """
    given = json.loads(argument)
    target = Path(given["target"])
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    try:
        if given["uri"].startswith("gs://"):
            _from_bucket(given["uri"], part)
        else:
            _from_web(given["uri"], part)
    except Exception as error:  # noqa: BLE001 - whatever a network can do becomes one line
        sys.stderr.write(f"{_reason(error)}\n")
        return 1
    part.replace(target)
    return 0


def _reason(error: Exception) -> str:
    """One line; Google's errors have their answer in full on many."""
    lines = str(error).splitlines() or [""]
    return f"{type(error).__name__}: {lines[0]}" if lines[0] else type(error).__name__


def _from_web(uri: str, target: Path) -> None:
    from urllib.request import urlopen

    with urlopen(uri, timeout=TIMEOUT_SECONDS) as answer, target.open("wb") as file:  # noqa: S310 - http(s)
        shutil.copyfileobj(answer, file)


def _from_bucket(uri: str, target: Path) -> None:
    """An object, or all below a prefix, as folders are in buckets."""
    from google.cloud.exceptions import NotFound

    bucket_name, _, name = uri.removeprefix("gs://").partition("/")
    bucket = _client().bucket(bucket_name)
    prefix = f"{name.rstrip('/')}/" if name.rstrip("/") else ""
    options = {"timeout": TIMEOUT_SECONDS, "retry": _patience()}
    try:
        if not name or name.endswith("/"):
            raise NotFound("a prefix")
        bucket.blob(name).download_to_filename(str(target), **options)
    except NotFound:
        target.unlink(missing_ok=True)
        try:
            inside = [b for b in bucket.list_blobs(prefix=prefix, **options) if not b.name.endswith("/")]
        except NotFound:
            raise FileNotFoundError("there is no such bucket") from None
        if not inside:
            raise FileNotFoundError(f"there is no such object, and nothing below {prefix or 'it'}") from None
        for blob in inside:
            path = target / blob.name.removeprefix(prefix)
            if not path.resolve().is_relative_to(target.resolve()):
                raise ValueError(f"the object's name {blob.name!r} leads out of the folder") from None
            path.parent.mkdir(parents=True, exist_ok=True)
            bucket.blob(blob.name).download_to_filename(str(path), **options)


def _patience() -> Any:
    from google.cloud.storage.retry import DEFAULT_RETRY

    return DEFAULT_RETRY.with_timeout(PATIENCE_SECONDS)


def _client() -> Any:
    """With the credentials that this machine has; without any, what is public can still be read."""
    from google.auth.exceptions import DefaultCredentialsError
    from google.cloud import storage

    emulator = os.environ.get("STORAGE_EMULATOR_HOST", "")
    # The client goes there by itself and anonymously, but wants a scheme, which some conventions leave out.
    options = {"api_endpoint": f"http://{emulator}"} if emulator and "://" not in emulator else None
    try:
        return storage.Client(project="none", client_options=options)
    except DefaultCredentialsError:
        return storage.Client.create_anonymous_client()
