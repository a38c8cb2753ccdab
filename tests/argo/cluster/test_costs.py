"""`resourcesDuration` as money."""

import pytest

from pipelines.sdk.argo.cluster import costs
from pipelines.sdk.errors import UsageError
from tests.argo.cluster.nodes import group, pod, retry, workflow


def test_hours_are_of_cores_and_gib_although_argo_counts_hundreds_of_mib():
    run = workflow(
        pod("pipeline.fit", resourcesDuration={"cpu": 7200, "memory": 36864, "nvidia.com/gpu": 3600})
    )
    (used,) = costs.usage(run)
    assert used.hours == {"cpu": 2.0, "memory": 1.0, "nvidia.com/gpu": 1.0}
    assert used.cost({"cpu": 0.04, "memory": 0.005, "nvidia.com/gpu": 2.5}) == pytest.approx(2.585)


def test_iterations_and_attempts_of_a_step_are_summed_and_groups_not_counted_again():
    hour = {"cpu": 3600}
    run = workflow(
        group("pipeline", resourcesDuration={"cpu": 14400}),
        group("pipeline.loop", type="TaskGroup", resourcesDuration={"cpu": 10800}),
        group("pipeline.loop(0:0)", boundary="pipeline", resourcesDuration={"cpu": 7200}),
        retry("pipeline.loop(0:0).fit", boundary="pipeline.loop(0:0)", resourcesDuration={"cpu": 7200}),
        pod("pipeline.loop(0:0).fit(0)", boundary="pipeline.loop(0:0)", resourcesDuration=hour),
        pod("pipeline.loop(0:0).fit(1)", boundary="pipeline.loop(0:0)", resourcesDuration=hour),
        group("pipeline.loop(1:1)", boundary="pipeline"),
        pod("pipeline.loop(1:1).fit(0)", boundary="pipeline.loop(1:1)", resourcesDuration=hour),
        pod("pipeline.notify", boundary="pipeline", resourcesDuration=hour),
        paths={"fit": "loop/fit", "notify": "notify"},
    )
    found = {each.step: (each.pods, each.hours) for each in costs.usage(run)}
    assert found == {"loop/fit": (3, {"cpu": 3.0}), "notify": (1, {"cpu": 1.0})}
    assert costs.total(costs.usage(run), {"cpu": 2.0}) == 8.0


def test_a_resource_without_a_price_costs_nothing_and_is_named():
    used = costs.usage(
        workflow(pod("pipeline.fit", resourcesDuration={"cpu": 3600, "example.com/tpu": 3600}))
    )
    assert costs.total(used, costs.PRICES) == costs.PRICES["cpu"]
    assert costs.unpriced(used, costs.PRICES) == ["example.com/tpu"]


def test_prices_given_replace_defaults_one_by_one():
    found = costs.prices("cpu=1, example.com/tpu=3.25")
    assert found == {**costs.PRICES, "cpu": 1.0, "example.com/tpu": 3.25}


@pytest.mark.parametrize("text", ["cpu", "cpu=", "=1", "cpu=dear", "cpu=-1", "cpu=nan", "cpu=1e5"])
def test_what_is_no_price_is_refused(text):
    with pytest.raises(UsageError, match="is no price"):
        costs.prices(text)
