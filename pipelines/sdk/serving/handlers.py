"""What the model server does at each of its paths."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import mlflow
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from pipelines.sdk.serving import intake
from pipelines.sdk.serving.answers import json_response, refusal
from pipelines.sdk.serving.life import Life
from pipelines.sdk.serving.metrics import Metrics
from pipelines.sdk.serving.models.engine import Engine
from pipelines.sdk.serving.models.served import ServedModel
from pipelines.sdk.serving.protocols import invocations, predictions, v2
from pipelines.sdk.serving.protocols.media import CSV, JSON, media_type
from pipelines.sdk.serving.protocols.problems import Refused, quoted
from pipelines.sdk.serving.protocols.table import Query, rows_of

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]
SERVER_NAME: Final = "pipelines-model-server"
SERVER_VERSION: Final = "0.1.0"


@dataclass(frozen=True)
class Limits:
    """What one request may ask for.

    Args:
        body: bytes.
        rows: of the table.
    """

    body: int = 16 * 1024 * 1024
    rows: int = 100_000


class Handlers:
    """The endpoints of one model.

    Args:
        model: that answers.
        life: of the server.
        limits: of a request.
        instance: text that tells this server from every other; empty for none.
    """

    def __init__(self, model: ServedModel, life: Life, limits: Limits, instance: str) -> None:
        self._model = model
        self._life = life
        self._limits = limits
        self._instance = instance
        self._engine = Engine(model)
        self._metrics = Metrics(model)

    async def live(self, request: Request) -> Response:
        """Whether the process works."""
        return json_response({"live": True})

    async def ready(self, request: Request) -> Response:
        """Whether requests are welcome."""
        return json_response({"ready": self._life.ready}, 200 if self._life.ready else 503)

    async def ping(self, request: Request) -> Response:
        """MLflow's health check."""
        return Response("\n", 200 if self._life.ready else 503, media_type=JSON)

    async def mlflow_version(self, request: Request) -> Response:
        """The version of MLflow, as MLflow's own server says it."""
        return Response(mlflow.__version__, media_type="text/plain")

    async def metrics(self, request: Request) -> Response:
        """Counters for Prometheus."""
        return Response(self._metrics.text(), media_type="text/plain; version=0.0.4")

    async def server(self, request: Request) -> Response:
        """V2's metadata of the server."""
        return json_response({"name": SERVER_NAME, "version": SERVER_VERSION, "extensions": []})

    async def model(self, request: Request) -> Response:
        """V2's metadata of the model."""
        self._check(request)
        model = self._model
        identity = {"model_id": model.model_id, "run_id": model.run_id, "instance": self._instance}
        versions = [model.version] if model.version else []
        head = {"name": model.name, "versions": versions, "platform": "mlflow"}
        return json_response({**head, **model.metadata, "parameters": identity})

    async def model_ready(self, request: Request) -> Response:
        """V2's readiness of the model."""
        self._check(request)
        answer = {"name": self._model.name, "ready": self._life.ready}
        return json_response(answer, 200 if self._life.ready else 503)

    async def models(self, request: Request) -> Response:
        """V1's list of models."""
        return json_response({"models": [self._model.name]})

    async def infer(self, request: Request) -> Response:
        """V2's predictions."""
        self._check(request)
        media_type(request.headers.get("content-type"), request.headers.get("content-encoding"), (JSON,))
        asked = v2.decode(await intake.read(request, self._limits.body), self._model.signature)
        prediction = await self._predict(asked.query)
        model = self._model
        answer = v2.encode(asked, prediction, model.name, model.version, model.outputs)
        return Response(answer, media_type=JSON)

    async def predict_v1(self, request: Request) -> Response:
        """V1's predictions."""
        self._check(request)
        media_type(request.headers.get("content-type"), request.headers.get("content-encoding"), (JSON,))
        query = invocations.from_v1(await intake.read(request, self._limits.body), self._model.signature)
        return json_response({"predictions": predictions.plain(await self._predict(query))})

    async def invocations(self, request: Request) -> Response:
        """MLflow's predictions."""
        head = request.headers
        media = media_type(head.get("content-type"), head.get("content-encoding"), (JSON, CSV))
        body = await intake.read(request, self._limits.body)
        decode = invocations.from_csv if media == CSV else invocations.from_json
        query = decode(body, self._model.signature)
        return json_response({"predictions": predictions.plain(await self._predict(query))})

    async def _predict(self, query: Query) -> Any:
        rows = rows_of(query.data)
        if rows > self._limits.rows:
            reason = f"the request has {rows} rows; at most {self._limits.rows} at once"
            raise Refused(reason, status=413, kind="too_large")
        prediction = await self._engine.predict(query)
        self._metrics.predicted(rows)
        return prediction

    def _check(self, request: Request) -> None:
        name = request.path_params["model"]
        if name != self._model.name:
            raise Refused(
                f"no model {quoted(name)}; this server has {quoted(self._model.name)}", status=404, kind="url"
            )
        version = request.path_params.get("version", self._model.version)
        if version != self._model.version:
            has = quoted(self._model.version) if self._model.version else "none"
            raise Refused(f"no version {quoted(version)} of the model; it has {has}", status=404, kind="url")

    async def post_only(self, request: Request) -> Response:
        """Refuses every other method."""
        raise HTTPException(405, headers={"Allow": "POST"})

    def measured(self, protocol: str, endpoint: Endpoint) -> Endpoint:
        """The endpoint, with its answers counted and its refusals written in JSON."""

        async def answer(request: Request) -> Response:
            started = time.perf_counter()
            try:
                response = await endpoint(request)
            except Refused as refused:
                self._metrics.refused(refused.kind)
                response = refusal(request, refused)
            self._metrics.answered(protocol, response.status_code, time.perf_counter() - started)
            return response

        return answer
