"""What the pipeline itself asks of the cluster."""

import pytest

from pipelines.sdk.argo.pods import platform_fields
from pipelines.sdk.errors import BadPipeline
from pipelines.sdk.plan import Dag, Plan, Platform
from pipelines.sdk.values import Interface


def platform(**settings):
    return platform_fields(Plan("p", Dag(Interface(), ()), platform=Platform(**settings)))


def test_nothing_is_asked_of_the_cluster_without_settings():
    assert platform() == {}


def test_times_are_those_of_the_workflow():
    assert platform(ttl_success_seconds=60, deadline_seconds=7200) == {
        "ttlStrategy": {"secondsAfterSuccess": 60},
        "activeDeadlineSeconds": 7200,
    }


def test_a_workspace_is_a_claim_that_outlives_a_failed_run_for_its_retry():
    found = platform(
        workspace="10Gi", workspace_patch={"storageClassName": "fast", "accessModes": ["ReadWriteMany"]}
    )
    (claim,) = found["volumeClaimTemplates"]
    assert claim["metadata"] == {"name": "kfp-workspace"}
    assert claim["spec"] == {
        "accessModes": ["ReadWriteMany"],
        "storageClassName": "fast",
        "resources": {"requests": {"storage": "10Gi"}},
    }
    assert found["volumeClaimGC"] == {"strategy": "OnWorkflowSuccess"}


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"workspace": "big"}, "not a quantity"),
        ({"workspace": "1Gi", "workspace_patch": {"size": "2Gi"}}, "'size' is no setting"),
        ({"workspace": "1Gi", "workspace_patch": {"storageClassName": "{{x}}"}}, "Argo would replace"),
        (
            {"workspace": "1Gi", "workspace_patch": {"accessModes": "ReadWriteOnce"}},
            "accessModes: expected a list",
        ),
        ({"workspace": "1Gi", "workspace_patch": {"accessModes": ["Often"]}}, "'Often' is not one of"),
        ({"workspace": "1Gi", "workspace_patch": {"selector": 1}}, "selector: expected a mapping"),
        ({"workspace": "1Gi", "workspace_patch": {"resources": "x"}}, "resources: expected a mapping"),
    ],
)
def test_a_workspace_that_no_cluster_would_give_is_refused(settings, says):
    with pytest.raises(BadPipeline, match=says) as raised:
        platform(**settings)
    assert str(raised.value).startswith("pipeline config, workspace")
