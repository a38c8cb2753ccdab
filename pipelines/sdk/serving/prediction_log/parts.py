"""The files of one process: filled piece by piece, finished by size and age, written whole."""

from __future__ import annotations

import datetime
import logging
import os
import re
import secrets
import socket
import time
from collections.abc import Sequence
from typing import Any, Final

from pipelines.sdk.launch.errors import LaunchError
from pipelines.sdk.serving.prediction_log.destinations import Destination
from pipelines.sdk.serving.prediction_log.formats import Format
from pipelines.sdk.serving.prediction_log.records import Record

_log = logging.getLogger(__name__)
# For a destination that hiccups; one that is gone has its records dropped, since memory has an end.
_PAUSES: Final = (0.2, 1.0)
_COMPLAINT_SECONDS: Final = 60.0


class Parts:
    """Collects records and writes files of them; used by one thread.

    Args:
        format: of the files.
        destination: where they go.
        part_bytes: after which a file is finished.
        part_seconds: after which a file is finished.
    """

    def __init__(
        self, format: Format, destination: Destination, part_bytes: int, part_seconds: float
    ) -> None:
        self.written = 0
        self.lost = 0
        self._format = format
        self._destination = destination
        self._part_bytes = part_bytes
        self._part_seconds = part_seconds
        self._pieces: list[Any] = []
        self._rows = 0
        self._bytes = 0
        self._since = 0.0
        self._count = 0
        self._complained = -_COMPLAINT_SECONDS

    def add(self, records: Sequence[Record]) -> None:
        """Put records into the file that is being made."""
        if not records:
            return
        try:
            piece, size = self._format.piece(records)
        except Exception as error:  # noqa: BLE001 - the prediction can be of any type
            self._add_each(records, error)
            return
        self._since = self._since if self._pieces else time.monotonic()
        self._pieces.append(piece)
        self._rows += len(records)
        self._bytes += size
        if self._bytes >= self._part_bytes:
            self.finish()

    def _add_each(self, records: Sequence[Record], error: Exception) -> None:
        if len(records) > 1:  # one of them is to blame
            for record in records:
                self.add([record])
            return
        self.lost += 1
        self._complain(f"a record cannot be encoded: {error}")

    def tick(self) -> None:
        """Finish the file if it is old enough."""
        if self._pieces and time.monotonic() - self._since >= self._part_seconds:
            self.finish()

    def finish(self) -> None:
        """Write the file, if there is anything in it."""
        if not self._pieces:
            return
        pieces, rows = self._pieces, self._rows
        self._pieces, self._rows, self._bytes = [], 0, 0
        try:
            self._put(self._name(), self._format.whole(pieces))
            self.written += rows
        except Exception as error:  # noqa: BLE001 - a full disk, a lost network, whatever
            self.lost += rows
            self._complain(str(error))

    def _put(self, name: str, content: bytes) -> None:
        for pause in _PAUSES:
            try:
                return self._destination(name, content)
            except (OSError, LaunchError):
                time.sleep(pause)
        return self._destination(name, content)

    def _name(self) -> str:
        # Sorts by time; unique among pods, workers, and restarts with the same process id.
        self._count += 1
        moment = datetime.datetime.now(datetime.UTC)
        host = re.sub(r"[^A-Za-z0-9.-]", "-", socket.gethostname())
        once = secrets.token_hex(4)
        return (
            f"{moment:%Y%m%dT%H%M%S.%fZ}-{host}-{os.getpid()}-{self._count:06d}-{once}{self._format.suffix}"
        )

    def _complain(self, what: str) -> None:
        if time.monotonic() - self._complained >= _COMPLAINT_SECONDS:
            self._complained = time.monotonic()
            line = " ".join(what.split())
            _log.warning("prediction log: %s; %d records are lost so far", line, self.lost)
