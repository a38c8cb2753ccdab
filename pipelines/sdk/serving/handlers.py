"""What the model server does at each of its paths."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

import mlflow

from pipelines.sdk.serving.http.answers import json_response, refusal
from pipelines.sdk.serving.http.limits import Life, Limits
from pipelines.sdk.serving.http.messages import REQUEST_ID, Answer, Handler, Request, Response
from pipelines.sdk.serving.metrics import Metrics
from pipelines.sdk.serving.models.engine import ask
from pipelines.sdk.serving.models.served import ServedModel
from pipelines.sdk.serving.page.document import Page
from pipelines.sdk.serving.prediction_log.log import PredictionLog
from pipelines.sdk.serving.protocols import binary, invocations, predictions, v2
from pipelines.sdk.serving.protocols.media import CSV, JSON, media_type
from pipelines.sdk.serving.protocols.problems import Refused
from pipelines.sdk.serving.protocols.table import Query, Signature, numeric_columns, rows_of
from pipelines.sdk.serving.turns import Turns

SERVER_NAME: Final = "pipelines-model-server"
SERVER_VERSION: Final = "0.1.0"
_LENGTH: Final = binary.LENGTH.lower().encode()


@dataclass(frozen=True)
class Service:
    """What is served, the same in all workers.

    Args:
        model: that answers.
        page: for people.
        openapi: the document, JSON.
        metrics: that count.
        limits: of a request.
        log: of predictions; None for none.
        instance: text that tells this server from every other; empty for none.
    """

    model: ServedModel
    page: Page
    openapi: bytes
    metrics: Metrics
    limits: Limits
    log: PredictionLog | None = None
    instance: str = ""


class Handlers:
    """The endpoints of one model.

    Args:
        service: what is served.
        life: of the server.
    """

    def __init__(self, service: Service, life: Life) -> None:
        self._service = service
        self._model = service.model
        self._metrics = service.metrics
        self._life = life
        self._turns = Turns(service.limits.waiting)

    def page(self, request: Request) -> Response:
        """The page for people."""
        page = self._service.page
        policy = ("content-security-policy", page.policy)
        return Response(page.html, media="text/html; charset=utf-8", headers=(policy,))

    def openapi(self, request: Request) -> Response:
        """What all paths take and give."""
        return Response(self._service.openapi)

    def live(self, request: Request) -> Response:
        """Whether the process works."""
        return json_response({"live": True})

    def ready(self, request: Request) -> Response:
        """Whether requests are welcome."""
        return json_response({"ready": self._life.ready}, self._health)

    def ping(self, request: Request) -> Response:
        """MLflow's health check."""
        return Response(b"\n", self._health)

    def mlflow_version(self, request: Request) -> Response:
        """The version of MLflow, as MLflow's own server says it."""
        return Response(mlflow.__version__.encode(), media="text/plain; charset=utf-8")

    def metrics(self, request: Request) -> Response:
        """Counters for Prometheus."""
        return Response(self._metrics.text(), media="text/plain; version=0.0.4; charset=utf-8")

    def server(self, request: Request) -> Response:
        """V2's metadata of the server."""
        return json_response(
            {"name": SERVER_NAME, "version": SERVER_VERSION, "extensions": [binary.EXTENSION]}
        )

    def model(self, request: Request) -> Response:
        """V2's metadata of the model."""
        model = self._model
        identity = {"model_id": model.model_id, "run_id": model.run_id, "instance": self._service.instance}
        versions = [model.version] if model.version else []
        head = {"name": model.name, "versions": versions, "platform": "mlflow"}
        return json_response({**head, **model.metadata, "parameters": identity})

    def model_ready(self, request: Request) -> Response:
        """V2's readiness of the model."""
        return json_response({"name": self._model.name, "ready": self._life.ready}, self._health)

    def models(self, request: Request) -> Response:
        """V1's list of models."""
        return json_response({"models": [self._model.name]})

    @property
    def _health(self) -> int:
        return 200 if self._life.ready else 503

    def infer(self, request: Request) -> Answer:
        """V2's predictions."""
        told = request.header(_LENGTH)
        if told is None:
            self._media(request, JSON)
        else:  # Triton's client says by that length alone what it sends
            self._media(request, JSON, binary.MEDIA, default=binary.MEDIA)
        length = binary.json_length(told, request.body)
        model = self._model

        def work() -> Response:
            asked = v2.decode(request.body, model.signature, length)
            prediction = self._predict(request, "v2", asked.query, asked.id)
            text, raw = v2.encode(asked, prediction, model.name, model.version, model.outputs)
            if not asked.binary:
                return Response(text)
            where = (binary.LENGTH.lower(), str(len(text)))
            return Response(text + raw, media=binary.MEDIA, headers=(where,))

        return self._turns.run(len(request.body), work)

    def predict_v1(self, request: Request) -> Answer:
        """V1's predictions."""
        self._media(request, JSON)
        return self._plain(request, "v1", invocations.from_v1)

    def invocations(self, request: Request) -> Answer:
        """MLflow's predictions."""
        media = self._media(request, JSON, CSV)
        decode = invocations.from_csv if media == CSV else invocations.from_json
        return self._plain(request, "invocations", decode)

    def _plain(self, request: Request, protocol: str, decode: Callable[[bytes, Signature], Query]) -> Answer:
        def work() -> Response:
            prediction = self._predict(request, protocol, decode(request.body, self._model.signature))
            return json_response({"predictions": predictions.plain(prediction)})

        return self._turns.run(len(request.body), work)

    def _media(self, request: Request, *allowed: str, default: str | None = None) -> str:
        given = request.header(b"content-type") or default
        return media_type(given, request.header(b"content-encoding"), allowed)

    def _predict(self, request: Request, protocol: str, query: Query, identity: str | None = None) -> Any:
        rows, limits = rows_of(query.data), self._service.limits
        if rows > limits.rows:
            reason = f"the request has {rows} rows; at most {limits.rows} at once"
            raise Refused(reason, status=413, kind="too_large")
        now = time.time()
        prediction = ask(self._model, query)
        self._metrics.predicted(rows, numeric_columns(query.data))
        if log := self._service.log:
            known = identity or request.header(REQUEST_ID) or uuid4().hex
            log.offer(known, now, protocol, self._model, query.data, prediction, size=len(request.body))
        return prediction

    def measured(self, protocol: str, endpoint: Handler) -> Handler:
        """The endpoint, with its answers counted and its refusals written in JSON."""

        def answer(request: Request) -> Answer:
            started = time.perf_counter()
            try:
                if request.crowded:
                    raise Refused("too many connections; come back in a second", status=503, kind="busy")
                response = endpoint(request)
            except Refused as refused:
                response = self.refuse(request.path, refused)
            if isinstance(response, Response):
                self._metrics.answered(protocol, response.status, time.perf_counter() - started)
                return response
            return wait(request, response, started)

        async def wait(request: Request, answer: Awaitable[Response], started: float) -> Response:
            try:
                response = await answer
            except Refused as refused:
                response = self.refuse(request.path, refused)
            self._metrics.answered(protocol, response.status, time.perf_counter() - started)
            return response

        return answer

    def refuse(self, path: str, refused: Refused, headers: tuple[tuple[str, str], ...] = ()) -> Response:
        """The answer to a request that gets no prediction, counted."""
        self._metrics.refused(refused.kind)
        return refusal(path, refused, headers)
