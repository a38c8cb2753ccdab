"""The model server's ASGI application: which path leads where."""

from __future__ import annotations

from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from pipelines.sdk.serving.answers import refusal
from pipelines.sdk.serving.handlers import Handlers, Limits
from pipelines.sdk.serving.life import Closing, Life
from pipelines.sdk.serving.models.served import ServedModel
from pipelines.sdk.serving.protocols.problems import Refused


def create(model: ServedModel, life: Life, limits: Limits | None = None, instance: str = "") -> ASGIApp:
    """The application.

    Args:
        model: that answers.
        life: of the server; the application reads it and never changes it.
        limits: of a request.
        instance: as for `Handlers`.
    """
    on = Handlers(model, life, limits or Limits(), instance)
    get, post = ["GET"], ["POST"]
    one = "/v2/models/{model}"
    infer = on.measured("v2", on.infer)
    routes = [
        Route("/invocations", on.measured("invocations", on.invocations), methods=post),
        Route(f"{one}/infer", infer, methods=post),
        Route(f"{one}/versions/{{version}}/infer", infer, methods=post),
        Route("/v1/models/{model}:predict", on.measured("v1", on.predict_v1), methods=post),
        # Else a GET of it would be one of V1's model "NAME:predict".
        Route("/v1/models/{model}:predict", on.post_only, methods=["GET", "PUT", "PATCH", "DELETE"]),
        Route("/v2/health/live", on.live, methods=get),
        Route("/v2/health/ready", on.ready, methods=get),
        Route("/v2", on.server, methods=get),
        Route("/v2/", on.server, methods=get),
        Route(one, on.model, methods=get),
        Route(f"{one}/ready", on.model_ready, methods=get),
        Route(f"{one}/versions/{{version}}", on.model, methods=get),
        Route(f"{one}/versions/{{version}}/ready", on.model_ready, methods=get),
        Route("/v1/models", on.models, methods=get),
        Route("/v1/models/{model}", on.model_ready, methods=get),
        Route("/ping", on.ping, methods=get),
        Route("/health", on.ping, methods=get),
        Route("/version", on.mlflow_version, methods=get),
        Route("/metrics", on.metrics, methods=get),
    ]
    failures: Any = {Refused: _handler, HTTPException: _handler, Exception: _handler}
    app = Starlette(routes=routes, exception_handlers=failures)
    app.router.redirect_slashes = False
    return Closing(app, life)


async def _handler(request: Request, error: Exception) -> Response:
    return refusal(request, error)
