"""Requests, limits and devices of a step."""

import pytest

from pipelines.sdk.argo.pods import pod_fields
from pipelines.sdk.plan import Resources
from tests.argo.pods.building import refusal, step


def resources(**settings):
    return pod_fields(step(resources=Resources(**settings)), "say").container["resources"]


CPU, MEMORY = {"cpu": "100m"}, {"memory": "256Mi"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {"requests": CPU | MEMORY}),
        ({"cpu_limit": "50m"}, {"limits": {"cpu": "50m"}, "requests": MEMORY}),
        (
            {"memory_request": "512K", "memory_limit": "1.5G"},
            {"requests": CPU | {"memory": "512k"}, "limits": {"memory": "1.5G"}},
        ),
        (
            {"cpu_request": "0.5", "cpu_limit": "500m", "memory_limit": "2.147483648G"},
            {"requests": {"cpu": "0.5"}, "limits": {"cpu": "500m", "memory": "2.147483648G"}},
        ),
        (
            {"accelerator_type": "nvidia.com/gpu", "accelerator_count": "2"},
            {"requests": CPU | MEMORY, "limits": {"nvidia.com/gpu": "2"}},
        ),
        ({"accelerator_type": "nvidia.com/gpu", "accelerator_count": "0"}, {"requests": CPU | MEMORY}),
    ],
)
def test_a_default_request_stands_only_where_nothing_was_said(given, expected):
    assert resources(**given) == expected


@pytest.mark.parametrize("text", ["1", "1.", ".5", "100m", "1e3", "5E", "2Ki", "3Gi", "1E-2", "7k"])
def test_quantities_are_taken_as_kubernetes_takes_them(text):
    assert resources(memory_limit=text)["limits"] == {"memory": text}


@pytest.mark.parametrize("text", ["", "x", "1GB", "1 Gi", "-1", "1ki", "0x10", "1e", "Gi", "٣"])
def test_what_is_no_quantity_is_refused(text):
    assert text == "" or "not a quantity" in refusal(resources=Resources(memory_limit=text))


@pytest.mark.parametrize(
    ("least", "most"), [("2Gi", "1Gi"), ("1Ki", "1000"), ("1025", "1Ki"), ("2k", "1e3"), ("1.1M", "1100k")]
)
def test_a_request_above_its_limit_is_refused(least, most):
    given = Resources(memory_request=least, memory_limit=most)
    if least == "1.1M":  # exactly as much
        assert pod_fields(step(resources=given), "say").container["resources"]
    else:
        assert "more than the limit" in refusal(resources=given)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"accelerator_type": "NVIDIA_TESLA_T4", "accelerator_count": "1"}, "nvidia.com/gpu"),
        ({"accelerator_type": "nvidia.com/gpu"}, "it has no count"),
        ({"accelerator_count": "1"}, "it has no type"),
        ({"accelerator_type": "nvidia.com/gpu", "accelerator_count": "half"}, "no number of devices"),
        ({"cpu_limit": "{{workflow.name}}"}, "Argo would replace"),
    ],
)
def test_what_no_node_could_give_is_refused(given, says):
    assert says in refusal(resources=Resources(**given))
