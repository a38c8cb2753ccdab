"""Artifacts that are elsewhere (gs://, https://): fetched into the run's folder before a step reads them."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field

from pipelines.sdk.launch import LaunchError, Record
from pipelines.sdk.launch.remote import fetch
from pipelines.sdk.local.folder import RunFolder
from pipelines.sdk.local.logs import tail
from pipelines.sdk.local.pool import Call, Pool

SCHEMES = ("gs://", "http://", "https://")


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
    try:
        fetch(given["uri"], given["target"])
    except LaunchError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0
