"""The prediction log of one server process: requests are noted in microseconds, and written by a thread."""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

from pipelines.sdk.errors import Finding, UsageError
from pipelines.sdk.serving.prediction_log import records
from pipelines.sdk.serving.prediction_log.destinations import destination_of
from pipelines.sdk.serving.prediction_log.formats import JSONL, format_of
from pipelines.sdk.serving.prediction_log.parts import Parts
from pipelines.sdk.serving.prediction_log.records import Answered, Model, Record
from pipelines.sdk.serving.protocols.table import ModelInput, rows_of

# The thread looks for work this often. Waking it for each request would make it contend for the interpreter
# with the very request that it is about.
_EVERY_SECONDS: Final = 0.1
# While it works nothing else in this process runs, so it works in short pieces, with rests in between that
# are long enough for the event loop's thread to wake up and take over.
_PIECE: Final = 16
_REST_SECONDS: Final = 0.0005
# At most, of one request: turning more into Python's objects would hold up others for milliseconds.
_VALUES: Final = 20_000
# What a request of one row takes in memory, with all the objects around its values.
_EMPTY_BYTES: Final = 4096


@dataclass(frozen=True)
class Options:
    """What is logged, and where to.

    Args:
        destination: a folder, or gs://BUCKET/PREFIX.
        sample: share of requests that are logged, above 0 and at most 1.
        format: `jsonl`, or `parquet` where pyarrow is installed.
        rows: at most, of one request; of a larger one every nth, beginning with a random one. Where rows have
            hundreds of values there are fewer.
        waiting_bytes: at most, of requests that wait for being written; what is more is dropped.
        part_bytes: after which a file is finished.
        part_seconds: after which a file is finished.
    """

    destination: str
    sample: float = 1.0
    format: Literal["jsonl", "parquet"] = JSONL
    rows: int = 1000
    waiting_bytes: int = 32 * 1024 * 1024
    part_bytes: int = 8 * 1024 * 1024
    part_seconds: float = 60.0


class PredictionLog:
    """Writes a record for each row that is predicted. It never raises, blocks or slows once it is made.

    Made before workers are forked, it is started in each of them and writes files of its own there.

    Args:
        options: see there.

    Raises:
        UsageError: the destination is no folder or gs:// address, or the sample no share.
        EnvironmentProblem: the folder cannot be written, or a package is missing.
    """

    def __init__(self, options: Options) -> None:
        if not 0 < options.sample <= 1:
            mend = "give a share above 0 and at most 1"
            raise UsageError(Finding(f"{options.sample} is no share", "the prediction log's sample", mend))
        self._options = options
        self._format = format_of(options.format)
        self._destination = destination_of(options.destination)
        self._queue: deque[tuple[int, Answered]] = deque()
        # Predictions can be made in several threads; what this guards takes less than a microsecond.
        self._lock = threading.Lock()
        self._waiting_bytes = 0
        self._turned_away = 0
        self._parts = Parts(self._format, self._destination, options.part_bytes, options.part_seconds)
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def written(self) -> int:
        """Records that are where they belong."""
        return self._parts.written

    @property
    def dropped(self) -> int:
        """Records that are lost: they came too fast, could not be encoded, or could not be written."""
        return self._turned_away + self._parts.lost

    def start(self, on_counts: Callable[[int, int], None] | None = None) -> None:
        """Begin to write; once in each process, after the fork.

        Args:
            on_counts: called, by the thread, with how many more records were written and were dropped.
        """
        self._on_counts = on_counts
        self._counted = (0, 0)
        self._thread = threading.Thread(target=self._run, name="prediction-log", daemon=True)
        self._thread.start()

    def offer(
        self,
        request_id: str,
        when: float,
        protocol: str,
        model: Model,
        inputs: ModelInput,
        prediction: Any,
        *,
        size: int = 0,
    ) -> None:
        """Note a request that was answered. What is given is read later, so it must not be changed any more.

        Args:
            request_id: the client's, or one that the server made.
            when: the request came, in seconds since 1970.
            protocol: that the client spoke.
            model: that answered.
            inputs: what the model was asked; table, arrays by name, or rows.
            prediction: what the model returned.
            size: bytes of the request's body: texts can make few rows large, and what waits is bounded.
        """
        options = self._options
        if options.sample < 1 and random.random() >= options.sample:  # noqa: S311 - no secret
            return
        rows = 1
        try:
            rows = rows_of(inputs)
            width = records.width_of(inputs, rows)
            entry = Answered(request_id, when, protocol, model, inputs, prediction, rows)
            most = min(options.rows, max(_VALUES // max(width, 1), 1))
            if rows > most:
                entry = records.thinned(entry, most)
            weight = _EMPTY_BYTES + 8 * entry.rows * width + size * entry.rows // max(rows, 1)
        except Exception:  # noqa: BLE001 - a log that fails is no reason for a request to fail
            return self._turn_away(rows)
        with self._lock:
            fits = self._waiting_bytes + weight <= options.waiting_bytes and not self._closing.is_set()
            if fits:
                self._queue.append((weight, entry))
                self._waiting_bytes += weight
        if not fits:
            self._turn_away(entry.rows)

    def _turn_away(self, rows: int) -> None:
        with self._lock:
            self._turned_away += rows

    def close(self, timeout: float) -> bool:
        """Write what is there, and end the thread.

        Args:
            timeout: seconds; what is not written by then is lost.

        Returns:
            Whether all was written, or dropped and counted, in that time.
        """
        with self._lock:  # what was taken before this is written, and nothing is taken after it
            self._closing.set()
        if self._thread is None:
            return not self._queue
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while True:
            closing = self._closing.wait(_EVERY_SECONDS)
            self._write_waiting()
            if closing:
                self._parts.finish()
            else:
                self._parts.tick()
            self._count()
            if closing:
                return

    def _count(self) -> None:
        before, self._counted = self._counted, (self.written, self.dropped)
        if self._on_counts:
            self._on_counts(self._counted[0] - before[0], self._counted[1] - before[1])

    def _write_waiting(self) -> None:
        batch: list[Record] = []
        for _ in range(len(self._queue)):  # not what comes meanwhile: files get old under any load
            weight, entry = self._queue.popleft()
            with self._lock:
                self._waiting_bytes -= weight
            made = 0
            try:
                for record in records.records(entry):
                    made += 1
                    batch.append(record)
                    if len(batch) >= _PIECE:
                        batch = self._add(batch)
            except Exception:  # noqa: BLE001 - a prediction of some type that nothing here can read
                self._parts.lost += max(entry.rows - made, 1)
        self._add(batch)

    def _add(self, batch: list[Record]) -> list[Record]:
        """The next batch, which is empty."""
        self._parts.add(batch)
        self._closing.wait(_REST_SECONDS)
        return []
