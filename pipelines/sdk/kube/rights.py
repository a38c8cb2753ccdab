"""What somebody may not do, all at once: rights that are asked for one by one cost a day each."""

from __future__ import annotations

from collections.abc import Iterable

from pipelines.sdk.errors import Finding, PipelineError
from pipelines.sdk.kube.connection import Cluster
from pipelines.sdk.kube.objects import Kind, create

_REVIEW = "authorization.k8s.io/v1"


def missing(cluster: Cluster, wanted: Iterable[tuple[Kind, str]]) -> list[tuple[Kind, str]]:
    """The rights that the user lacks in the namespace; empty where the server does not tell.

    Args:
        cluster: see Cluster.
        wanted: kinds and verbs.
    """
    try:
        return [(kind, verb) for kind, verb in wanted if not _may(cluster, kind, verb)]
    except PipelineError:
        return []


def finding(cluster: Cluster, lacking: Iterable[tuple[Kind, str]]) -> Finding:
    """What to say of missing rights, with the rules that would give them.

    Args:
        cluster: see Cluster.
        lacking: kinds and verbs.
    """
    verbs: dict[Kind, list[str]] = {}
    for kind, verb in lacking:
        verbs.setdefault(kind, []).append(verb)
    told = ", ".join(f"{'/'.join(each)} {kind.plural}" for kind, each in verbs.items())
    rules = (
        f'- {{apiGroups: ["{kind.group}"], resources: ["{kind.plural}"], verbs: [{", ".join(each)}]}}'
        for kind, each in verbs.items()
    )
    mend = "\n       ".join(["ask for these rules in a Role:", *rules])
    return Finding(f"you may not {told} in namespace {cluster.namespace}", cluster.server, mend)


def _may(cluster: Cluster, kind: Kind, verb: str) -> bool:
    asked = {"namespace": cluster.namespace, "verb": verb, "group": kind.group, "resource": kind.plural}
    review = {
        "apiVersion": _REVIEW,
        "kind": "SelfSubjectAccessReview",
        "metadata": {},
        "spec": {"resourceAttributes": asked},
    }
    answer = create(cluster, review, namespaced=False)
    return bool(answer["status"]["allowed"])
