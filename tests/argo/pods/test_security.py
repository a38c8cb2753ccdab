"""As whom a step runs, and what leaves Pod Security `restricted`."""

import pytest

from pipelines.sdk.argo.pods import container_defaults, pod_fields, spec_defaults
from tests.argo.pods.building import refusal, step


def identity(reads_artifacts=False, **context):
    settings = {"securityContext": context}
    return pod_fields(step(kubernetes=settings, reads_artifacts=reads_artifacts), "say")


def test_the_defaults_give_a_step_no_rights():
    pod, container = spec_defaults()["securityContext"], container_defaults()["securityContext"]
    assert pod["runAsNonRoot"] is True
    assert (pod["runAsUser"], pod["runAsGroup"], pod["fsGroup"]) == (65532, 65532, 65532)
    assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["allowPrivilegeEscalation"] is False
    assert container["readOnlyRootFilesystem"] is True
    assert container["capabilities"] == {"drop": ["ALL"]}


def test_another_user_runs_the_whole_pod_and_keeps_the_other_defaults():
    pod = identity(runAsUser="1000", runAsGroup="0", runAsNonRoot=True)
    own = {"runAsUser": 1000, "runAsGroup": 0}
    assert pod.container["securityContext"] == {
        **container_defaults()["securityContext"],
        **own,
        "runAsNonRoot": True,
    }
    assert pod.template["securityContext"] == {**spec_defaults()["securityContext"], **own}
    assert pod.warnings == ()


def test_another_user_may_not_be_able_to_read_artifacts_and_is_warned():
    assert "as 1000, too" in str(identity(reads_artifacts=True, runAsUser="1000").warnings[0])
    assert identity(reads_artifacts=True, runAsUser="65532").warnings == ()


def test_a_step_that_runs_as_root_can_start_and_is_warned_of():
    pod = identity(runAsUser="0")
    assert pod.container["securityContext"]["runAsNonRoot"] is False
    assert "securityContext" not in pod.template  # Argo's own containers stay who they were
    assert "restricted" in str(pod.warnings[0])


def test_a_step_that_may_be_root_is_warned_of():
    assert "restricted" in str(identity(runAsNonRoot=False).warnings[0])


@pytest.mark.parametrize(
    ("context", "says"),
    [
        ({"runAsUser": "0", "runAsNonRoot": True}, "user 0 is root"),
        ({"runAsUser": "-1"}, "no user or group"),
        ({"runAsGroup": str(2**31)}, "no user or group"),
        ({"privileged": True}, "unknown here"),
    ],
)
def test_contradictions_are_refused(context, says):
    assert says in refusal(kubernetes={"securityContext": context})
