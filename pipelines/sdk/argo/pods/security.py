"""As whom a step runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipelines.sdk.argo.pods.defaults import USER, container_defaults, spec_defaults
from pipelines.sdk.argo.pods.reader import Reader


def identity(
    kubernetes: Mapping[str, Any], reads_artifacts: bool, reader: Reader
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The step's own settings on top of the defaults.

    Args:
        kubernetes: the step's settings.
        reads_artifacts: whether it has artifacts as inputs.
        reader: takes the problems.

    Returns:
        `securityContext` of the container, and of the pod; the latter is empty where it is the workflow's.
    """
    setting, entry = "securityContext", kubernetes.get("securityContext", {})
    reader.only(setting, entry, ("runAsUser", "runAsGroup", "runAsNonRoot"))
    own: dict[str, Any] = {key: int(entry[key]) for key in ("runAsUser", "runAsGroup") if key in entry}
    for key, number in own.items():
        if not 0 <= number < 2**31:
            reader.problem(f"{setting}.{key}", f"{number} is no user or group", "choose 0 to 2147483647")
    if "runAsNonRoot" in entry:
        own["runAsNonRoot"] = bool(entry["runAsNonRoot"])
    user = own.get("runAsUser", USER)
    if user == 0:
        if own.get("runAsNonRoot"):
            reader.problem(setting, "user 0 is root, and runAsNonRoot is set", "choose one of them")
        own["runAsNonRoot"] = False  # the pod's own says otherwise, and the kubelet would not start it
    if own.get("runAsNonRoot") is False:
        mend = "leave set_security_context out, or allow it in the namespace"
        reader.warn(setting, "a namespace with Pod Security `restricted` refuses this pod", mend)
    if user != USER and reads_artifacts:
        # Argo's executor makes their folders with mode 0700, as its own user.
        what = f"user {user} can read the step's artifacts only where Argo's executor runs as {user}, too"
        reader.warn(setting, what, f"leave run_as_user out; it is {USER} then")
    container = container_defaults()["securityContext"] | own
    if user in (0, USER):
        return container, {}
    # Argo takes the pod's context from the template or from the workflow, and merges nothing.
    pod = {key: own[key] for key in ("runAsUser", "runAsGroup") if key in own}
    return container, spec_defaults()["securityContext"] | pod
