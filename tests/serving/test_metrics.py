"""What a server counts, over all its workers, and the buckets by which drift is told."""

import os

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.sdk.serving.models import profile
from pipelines.sdk.serving.protocols.columns import Column, Kind
from pipelines.sdk.serving.protocols.table import Signature
from pipelines.sdk.serving.tallies import Cells, Counter, Histogram

NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=32)


def counted(metric, suffix):
    """Values of the samples of a metric by their labels."""
    return {
        tuple(sample.labels.values()): sample.value
        for sample in metric.samples
        if sample.name.endswith(suffix)
    }


def test_counters_of_forked_processes_are_summed_and_outlive_them():
    cells = Cells()
    counter = Counter(cells, "c", "", ["who"], [("a",), ("b",)])
    cells.make(3)
    for worker in range(3):
        pid = os.fork()
        if not pid:
            cells.use(worker)
            counter.add(("a",), worker + 1)
            os._exit(0)
        os.waitpid(pid, 0)
    assert counted(counter.metric(cells.sums()), "_total") == {("a",): 6.0}


@given(st.lists(NUMBERS, max_size=300), st.lists(NUMBERS, min_size=1, max_size=40, unique=True).map(sorted))
def test_a_histogram_counts_each_value_in_the_first_bucket_that_can_hold_it(values, edges):
    cells = Cells()
    histogram = Histogram(cells, "h", "", "column", {"x": edges})
    cells.make(1)
    histogram.add_all("x", np.array(values, dtype=np.float64))
    buckets = counted(histogram.metric(cells.sums()), "_bucket")
    if not values:
        assert buckets == {}
        return
    for edge in edges:
        assert buckets["x", repr(edge)] == sum(value <= edge for value in values)
    assert buckets["x", "+Inf"] == len(values)


def test_a_model_of_ours_gets_as_many_values_in_each_bucket_as_it_was_trained_on():
    random = np.random.default_rng(1)
    table = pd.DataFrame({"temp": random.normal(12, 8, 5000), "sky": ["sun"] * 5000})
    recorded = profile.record(table)
    edges = profile.edges(Signature(columns=(Column("temp", Kind.DOUBLE),)), recorded)
    assert list(edges) == ["temp"]
    counts = np.bincount(np.searchsorted(edges["temp"], table["temp"]))
    assert counts[0] == 1  # the smallest value is a bound of its own
    assert all(abs(count - 500) <= 1 for count in counts[1:])


@pytest.mark.parametrize(
    "recorded",
    [None, {}, {"input_profile": 3}, {"input_profile": {"x": [2, 1]}}, {"input_profile": {"x": ["a"]}},
     {"input_profile": {"x": []}}, {"input_profile": {"x": [float("nan")]}},
     {"input_profile": {"x": [True, None]}}],
)  # fmt: skip
def test_a_model_that_records_no_profile_or_nonsense_gets_buckets_for_any_number(recorded):
    edges = profile.edges(Signature(columns=(Column("x", Kind.LONG), Column("t", Kind.STRING))), recorded)
    assert edges == {"x": profile.ANY_NUMBER}
    assert list(profile.ANY_NUMBER) == sorted(set(profile.ANY_NUMBER))


def test_metrics_tell_what_was_in_the_columns_and_what_was_missing(launch, models):
    server = launch(models / "station")
    rows = [[-3.0, 2.0], [12.8, None], [1e9, None]]
    assert server.ask("/invocations", {"columns": ["temp", "wind"], "data": rows}).status == 200
    assert server.ask("/invocations", {"columns": ["temp"], "data": [["warm"]]}).status == 400
    lines = server.ask("/metrics").body.decode().splitlines()
    values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert values['model_server_input_bucket{column="temp",le="-2.0"}'] == "1.0"
    assert values['model_server_input_bucket{column="temp",le="20.0"}'] == "2.0"
    assert values['model_server_input_bucket{column="temp",le="+Inf"}'] == "3.0"
    assert values['model_server_input_missing_total{column="wind"}'] == "2.0"
    assert values['model_server_input_missing_total{column="visits"}'] == "3.0"
    assert values["model_server_rows_total"] == "3.0"
    assert values['model_server_errors_total{reason="value"}'] == "1.0"
    assert values['model_server_requests_total{protocol="invocations",status="400"}'] == "1.0"


def test_of_a_large_request_a_sample_stands_for_all_rows(launch, models):
    server = launch(models / "station")
    data = [[float(i % 10)] for i in range(1000)]
    assert server.ask("/invocations", {"columns": ["temp"], "data": data}).status == 200
    lines = server.ask("/metrics").body.decode().splitlines()
    values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert float(values['model_server_input_bucket{column="temp",le="+Inf"}']) == pytest.approx(1000)
    assert values["model_server_rows_total"] == "1000.0"
