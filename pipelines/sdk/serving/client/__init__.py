"""Ask a model server for predictions: ours, KServe's, or any other that speaks one of the protocols."""

from pipelines.sdk.serving.client.asking import Answered, Protocol, ask, predict
from pipelines.sdk.serving.client.bodies import Document, document
from pipelines.sdk.serving.client.connection import Connection

__all__ = ["Answered", "Connection", "Document", "Protocol", "ask", "document", "predict"]
