"""What the server counts, for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from itertools import product
from random import randrange
from typing import Final, get_args

import numpy as np
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from pipelines.sdk.serving.models.served import ServedModel
from pipelines.sdk.serving.protocols.columns import Array
from pipelines.sdk.serving.protocols.problems import Reason
from pipelines.sdk.serving.tallies import Cells, Counter, Histogram

PROTOCOLS: Final = ("v2", "v1", "invocations")
_SECONDS: Final = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
# Rows of one request whose values are looked at.
_LOOKED_AT: Final = 64
_LOGGED: Final = (("written",), ("dropped",))


class Metrics(Collector):
    """Counters of one server and all its workers.

    Args:
        model: named in `model_server_model_info`; its numeric columns get a histogram each.
        workers: how many processes count.
    """

    def __init__(self, model: ServedModel, workers: int = 1) -> None:
        self._model = model
        self._cells = cells = Cells()
        statuses = [str(status.value) for status in HTTPStatus]
        self._requests = Counter(
            cells,
            "model_server_requests",
            "Prediction requests",
            ["protocol", "status"],
            product(PROTOCOLS, statuses),
        )
        self._seconds = Histogram(
            cells,
            "model_server_request_seconds",
            "From the request read to the answer written",
            "protocol",
            dict.fromkeys(PROTOCOLS, _SECONDS),
            summed=True,
        )
        reasons = [(reason,) for reason in get_args(Reason)]
        self._errors = Counter(
            cells, "model_server_errors", "Requests without a prediction", ["reason"], reasons
        )
        self._rows = Counter(cells, "model_server_rows", "Rows predicted", [], [()])
        self._values = Histogram(
            cells, "model_server_input", "Values of the input columns", "column", model.profile
        )
        missing = [(column,) for column in model.profile]
        self._missing = Counter(
            cells, "model_server_input_missing", "Rows without a value in the column", ["column"], missing
        )
        self._logged = Counter(
            cells, "model_server_log_records", "Records of the prediction log", ["outcome"], _LOGGED
        )
        cells.make(workers)
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def use(self, worker: int) -> None:
        """Count as this worker from now on.

        Args:
            worker: from 0.
        """
        self._cells.use(worker)

    def answered(self, protocol: str, status: int, seconds: float) -> None:
        """Count a request that got an answer."""
        self._requests.add((protocol, str(status)))
        self._seconds.add(protocol, seconds)

    def refused(self, reason: Reason) -> None:
        """Count a request that got no prediction."""
        self._errors.add((reason,))

    def predicted(self, rows: int, columns: Mapping[str, Array]) -> None:
        """Count rows that got a prediction, and what was in them.

        Of many rows some are looked at, evenly apart, each for as many: what inputs are like does not
        take every row to tell, and no request should wait for it.

        Args:
            rows: how many.
            columns: the numeric ones that the request had.
        """
        self._rows.add((), rows)
        step = -(-rows // _LOOKED_AT) or 1
        first = randrange(step)  # noqa: S311 - no secret
        for name in self._model.profile:
            values = columns.get(name)
            if values is None:
                self._missing.add((name,), rows)
            elif rows:
                self._observe(name, values[first::step], rows)

    def _observe(self, name: str, values: Array, rows: int) -> None:
        weight = rows / len(values)
        if values.dtype.kind == "f":
            absent = np.isnan(values)
            if absent.any():
                self._missing.add((name,), weight * int(absent.sum()))
                values = values[~absent]
        self._values.add_all(name, values, weight)

    def logged(self, written: int, dropped: int) -> None:
        """Count records of the prediction log, as many as there are more since the last time."""
        for key, amount in zip(_LOGGED, (written, dropped), strict=True):
            self._logged.add(key, amount)

    def collect(self) -> Iterator[Metric]:
        """All of them, as prometheus_client wants them."""
        sums = self._cells.sums()
        for each in (
            self._requests,
            self._seconds,
            self._errors,
            self._rows,
            self._values,
            self._missing,
            self._logged,
        ):
            yield each.metric(sums)
        info = InfoMetricFamily("model_server_model", "Which model is served")
        model = self._model
        about = {"model": model.name, "version": model.version}
        info.add_metric([], {**about, "model_id": model.model_id, "run_id": model.run_id})
        yield info

    def text(self) -> bytes:
        """All of them in Prometheus' text format."""
        return generate_latest(self._registry)
