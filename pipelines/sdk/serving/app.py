"""The model server's application: which path leads where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias
from urllib.parse import unquote

from pipelines.sdk.serving.handlers import Handlers
from pipelines.sdk.serving.http.messages import Answer, Handler, Request
from pipelines.sdk.serving.models.served import ServedModel
from pipelines.sdk.serving.protocols.problems import Refused, quoted

_Routes: TypeAlias = dict[str, dict[str, Handler]]


class Application:
    """Answers requests. Paths are looked up, not searched for: the model's name and version are known.

    Args:
        model: that answers.
        on: what is done at each path.
    """

    def __init__(self, model: ServedModel, on: Handlers) -> None:
        self._model = model
        self._on = on
        self._routes = routes(model, on)

    def __call__(self, request: Request) -> Answer:
        """Answer one request."""
        methods = self._routes.get(request.path) or self._routes.get(unquote(request.path))
        if methods is None:
            return self._on.refuse(request.path, self._lost(unquote(request.path)))
        endpoint = methods.get("GET" if request.method == "HEAD" else request.method)
        if endpoint is None:
            refused = Refused(f"{request.method} is not for this path", status=405, kind="url")
            allowed = [*methods, *(["HEAD"] if "GET" in methods else [])]
            return self._on.refuse(request.path, refused, (("allow", ", ".join(allowed)),))
        return endpoint(request)

    def _lost(self, path: str) -> Refused:
        model, parts = self._model, path.split("/")
        reason = f"nothing at {quoted(path)}"
        if parts[1:3] in (["v2", "models"], ["v1", "models"]) and len(parts) > 3:
            name = parts[3].partition(":")[0]
            if name != model.name:
                reason = f"no model {quoted(name)}; this server has {quoted(model.name)}"
            elif parts[4:5] == ["versions"] and parts[5:6] != [model.version]:
                has = quoted(model.version) if model.version else "none"
                reason = f"no version {quoted('/'.join(parts[5:6]))} of the model; it has {has}"
        return Refused(reason, status=404, kind="url")


def routes(model: ServedModel, on: Handlers) -> Mapping[str, Mapping[str, Handler]]:
    """What is done at which path and by which method.

    Args:
        model: whose name and version are in the paths.
        on: the endpoints.
    """
    table: _Routes = {
        "/invocations": {"POST": on.measured("invocations", on.invocations)},
        f"/v1/models/{model.name}:predict": {"POST": on.measured("v1", on.predict_v1)},
    }
    gets = {
        "/": on.page,
        "/openapi.json": on.openapi,
        "/ping": on.ping,
        "/health": on.ping,
        "/version": on.mlflow_version,
        "/metrics": on.metrics,
        "/v2": on.server,
        "/v2/": on.server,
        "/v2/health/live": on.live,
        "/v2/health/ready": on.ready,
        "/v1/models": on.models,
        f"/v1/models/{model.name}": on.model_ready,
    }
    bases = [f"/v2/models/{model.name}"]
    if model.version:
        bases.append(f"{bases[0]}/versions/{model.version}")
    for base in bases:
        table[f"{base}/infer"] = {"POST": on.measured("v2", on.infer)}
        gets |= {base: on.model, f"{base}/ready": on.model_ready}
    return table | {path: {"GET": endpoint} for path, endpoint in gets.items()}
