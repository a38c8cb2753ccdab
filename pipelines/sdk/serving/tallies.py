"""Counters and histograms in memory that all workers of a server share.

Each worker adds to cells of its own, so that nothing is locked; whoever is asked sums them up. The worker
that replaces another goes on with its cells: what Prometheus reads never goes back.
"""

from __future__ import annotations

import mmap
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

import numpy as np
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric

from pipelines.sdk.serving.protocols.columns import Array

Key: TypeAlias = tuple[str, ...]
# For fewer values a search in Python is quicker than a call of numpy.
_FEW: Final = 8


class Cells:
    """The memory: as many cells as were asked for before it was made, for each worker."""

    def __init__(self) -> None:
        self.size = 0

    def add(self, count: int) -> int:
        """Ask for cells; the number of the first."""
        first = self.size
        self.size += count
        return first

    def make(self, workers: int) -> None:
        """Make the memory. What is forked from this process shares it."""
        memory = mmap.mmap(-1, max(1, workers * self.size * 8))
        self._table = np.frombuffer(memory, dtype=np.float64).reshape(workers, self.size)
        self.use(0)

    def use(self, worker: int) -> None:
        """Add to this worker's cells from now on."""
        self.mine: Array = self._table[worker]
        # One cell is read and written more quickly like this than through numpy.
        self.one: memoryview[float] = memoryview(self.mine).cast("B").cast("d")

    def sums(self) -> Array:
        """All workers' cells together."""
        total: Array = self._table.sum(axis=0)
        return total


class Counter:
    """Numbers that only grow, one for each combination of labels.

    Args:
        cells: where.
        name: of the metric, without `_total`.
        text: what it counts.
        labels: their names.
        keys: every combination of their values.
    """

    def __init__(
        self, cells: Cells, name: str, text: str, labels: Sequence[str], keys: Iterable[Key]
    ) -> None:
        self._cells = cells
        self._head = (name, text, list(labels))
        self._at = {key: cells.add(1) for key in keys}

    def add(self, key: Key, amount: float = 1) -> None:
        """Count."""
        self._cells.one[self._at[key]] += amount

    def metric(self, sums: Array) -> Metric:
        """Those that are not zero; the one without labels in any case."""
        name, text, labels = self._head
        family = CounterMetricFamily(name, text, labels=labels)
        for key, at in self._at.items():
            if sums[at] or not labels:
                family.add_metric(key, float(sums[at]))
        return family


class Histogram:
    """How values are distributed, one distribution for each value of a label.

    Args:
        cells: where.
        name: of the metric.
        text: what is measured.
        label: its name.
        edges: upper bounds of the buckets, rising, by the label's value.
        summed: whether the sum of the values is told too, as of what cannot be negative.
    """

    def __init__(
        self,
        cells: Cells,
        name: str,
        text: str,
        label: str,
        edges: Mapping[str, Sequence[float]],
        *,
        summed: bool = False,
    ) -> None:
        self._cells = cells
        self._head = (name, text, [label])
        self._summed = summed
        self._edges = {key: list(bounds) for key, bounds in edges.items()}
        self._bounds = {key: np.array(bounds) for key, bounds in self._edges.items()}
        # A cell for each bucket, one for what is beyond the last, one for the sum.
        self._at = {key: cells.add(len(bounds) + 2) for key, bounds in self._edges.items()}

    def add(self, key: str, value: float) -> None:
        """Count one value."""
        edges, at, cells = self._edges[key], self._at[key], self._cells.one
        cells[at + bisect_left(edges, value)] += 1
        if self._summed:
            cells[at + len(edges) + 1] += value

    def add_all(self, key: str, values: Array, weight: float = 1.0) -> None:
        """Count many values, none of them NaN.

        Args:
            key: of the distribution.
            values: each counted as often as the weight says.
            weight: how many values each stands for.
        """
        if len(values) <= _FEW and weight == 1.0:
            for value in values.tolist():
                self.add(key, value)
            return
        edges, at, mine = self._bounds[key], self._at[key], self._cells.mine
        counts = np.bincount(np.searchsorted(edges, values), minlength=len(edges) + 1)
        mine[at : at + len(edges) + 1] += weight * counts
        if self._summed:
            mine[at + len(edges) + 1] += weight * float(values.sum(dtype=np.float64))

    def metric(self, sums: Array) -> Metric:
        """Those of which something was seen."""
        name, text, labels = self._head
        family = HistogramMetricFamily(name, text, labels=labels)
        for key, at in self._at.items():
            edges = self._edges[key]
            rising = np.cumsum(sums[at : at + len(edges) + 1])
            if rising[-1]:
                bounds = [*map(repr, edges), "+Inf"]
                buckets = list(zip(bounds, rising.tolist(), strict=True))
                total = float(sums[at + len(edges) + 1]) if self._summed else None
                family.add_metric([key], buckets, total)
        return family
