"""Which cluster is meant, and with whose credentials."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.sdk.errors import EnvironmentProblem, Finding, UsageError

DEFAULT_NAMESPACE = "ml"
_POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


@dataclass(frozen=True)
class Cluster:
    """A cluster as one user sees it.

    Args:
        api: kubernetes.client.ApiClient.
        namespace: in which everything happens.
        server: address of the API server.
        context: of the kubeconfig; empty inside a pod.
    """

    api: Any = field(repr=False)
    namespace: str
    server: str
    context: str = ""


def connect(namespace: str = "", context: str = "", env: Mapping[str, str] = os.environ) -> Cluster:
    """Reads the credentials; nothing is asked of the cluster yet.

    They come from the files of KUBECONFIG, else from `~/.kube/config`, else, inside a pod, from its service
    account.

    Args:
        namespace: of everything; empty for PIPELINES_NAMESPACE, else the context's (a pod's own), else `ml`.
        context: of the kubeconfig; empty for its current one.
        env: variables by name.

    Raises:
        EnvironmentProblem: where there are no credentials, or none that can be read.
        UsageError: where there is no such context.
    """
    files = env.get("KUBECONFIG") or str(Path("~/.kube/config").expanduser())
    present = [each for each in files.split(os.pathsep) if each and Path(each).expanduser().exists()]
    if present:
        return _from_files(os.pathsep.join(present), namespace or env.get("PIPELINES_NAMESPACE", ""), context)
    if env.get("KUBERNETES_SERVICE_HOST") and not env.get("KUBECONFIG"):
        return _from_pod(namespace or env.get("PIPELINES_NAMESPACE", ""))
    mend = "set KUBECONFIG to the file that your cluster's administrator (or kind, or `gcloud`) gave you"
    raise EnvironmentProblem(Finding("there is no kubeconfig, so no cluster is known", files, mend))


def _from_files(files: str, namespace: str, context: str) -> Cluster:
    from kubernetes import client, config
    from kubernetes.config.kube_config import KubeConfigMerger

    configuration = _configuration(client)
    try:
        merged = KubeConfigMerger(files).config
        known = {each["name"]: each["context"] for each in merged["contexts"]}
        chosen = context or merged.safe_get("current-context") or ""
        if chosen not in known:
            raise UsageError(_no_context(chosen, list(known), files))
        # A new token is not written back: a kubeconfig that changes under other programs surprises them.
        config.load_kube_config(
            files, context=chosen, client_configuration=configuration, persist_config=False
        )
        own = str(known[chosen].safe_get("namespace") or "")
    except UsageError:
        raise
    except Exception as error:  # YAML, missing keys, files, credential programs
        what = f"the kubeconfig cannot be used: {_first_line(error)}"
        raise EnvironmentProblem(Finding(what, files, "does `kubectl get pods` work with it?")) from error
    api = client.ApiClient(configuration)
    return Cluster(api, namespace or own or DEFAULT_NAMESPACE, configuration.host, chosen)


def _from_pod(namespace: str) -> Cluster:
    from kubernetes import client, config

    configuration = _configuration(client)
    try:
        config.load_incluster_config(client_configuration=configuration)
    except config.ConfigException as error:
        mend = "does the pod mount a service account's token (automountServiceAccountToken)?"
        raise EnvironmentProblem(Finding(f"no credentials in this pod: {error}", "", mend)) from error
    own = _POD_NAMESPACE.read_text().strip() if _POD_NAMESPACE.exists() else ""
    return Cluster(client.ApiClient(configuration), namespace or own or DEFAULT_NAMESPACE, configuration.host)


def _configuration(client: Any) -> Any:
    """A configuration of our own; the library's default one is shared by the whole process."""
    from urllib3 import Retry

    made = client.Configuration()
    made.retries = Retry(total=3, connect=1, read=1, other=0, backoff_factor=0.2)
    return made


def _no_context(chosen: str, known: list[str], files: str) -> Finding:
    mend = f"known: {', '.join(known) or 'none'}; choose one with --context"
    if not chosen:
        return Finding("the kubeconfig has no current context", files, mend)
    return Finding(f"the kubeconfig has no context {chosen!r}", files, mend)


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
