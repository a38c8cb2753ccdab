"""Any JSON value arrives unchanged and with its type, on every way it can take through a workflow."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pipelines.sdk import ir
from pipelines.sdk.argo import Options, emit
from pipelines.sdk.argo.cluster.outputs import outputs
from pipelines.sdk.kube import Cluster
from tests.argo.conformance import batch, harness, reading
from tests.argo.conformance.batch import Job
from tests.conformance import harness as local
from tests.conformance.pipelines import travel
from tests.conformance.test_values import NUMBERS, TEXTS, letters, values

pytestmark = pytest.mark.argo

PACKED = 4  # values in one element of a loop; every element is several pods


def arrives(cluster: Cluster, folder: Path, given_values: Sequence[Any], texts: Sequence[str]) -> None:
    """Sends values through one run: as elements of a loop, of a loop in a loop, and all as one list.

    Args:
        cluster: with a controller.
        folder: of compiled pipelines.
        given_values: to be sent; several in an element, the last one alone.
        texts: to be sent as text.
    """
    packs = [list(given_values[at : at + PACKED]) for at in range(0, len(given_values) - 1, PACKED)]
    packs.append(given_values[-1])
    size = max(len(packs), len(texts))
    items = [
        {
            "value": packs[at] if at < len(packs) else None,
            "text": texts[at] if at < len(texts) else "-",
            "at": at,
        }
        for at in range(size)
    ]
    rows = [items[at : at + 3] for at in range(0, len(items), 3)] + [[]]
    plan = ir.read_file(local.compiled(travel.travel, folder))
    arguments = harness.run_arguments(plan, {"items": items, "rows": rows})
    name = f"travel-{uuid.uuid4().hex[:8]}"
    done = batch.run_all(cluster, name, [Job(name, emit(plan, Options(name=name)), arguments)])[name]
    expected = {"whole": items, "items": items, "nested": rows, "texts": [item["text"] for item in items]}
    told = reading.story(done.workflow, done.logs, done.problem)
    assert done.workflow, told
    assert letters(outputs(done.workflow)) == letters(expected), told


@settings(
    max_examples=1,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # a smaller example is not worth another run
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
@given(st.lists(values, min_size=12, max_size=12))
def test_every_awkward_value_and_any_other_arrives(cluster, tmp_path, generated):
    awkward = [*NUMBERS, None, True, False, [], {}, [[]], {"": None}, {"{{x}}": ["$(y)"]}, *TEXTS]
    arrives(cluster, tmp_path, [*awkward, *generated, "the last, alone: {{workflow.name}} \x7f"], TEXTS)


def test_loops_over_nothing_and_over_null_arrive(cluster, tmp_path):
    arrives(cluster, tmp_path, [None], [])
