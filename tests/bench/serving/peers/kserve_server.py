"""KServe's SDK server with MLflow's model, in the environment of `kserve.txt`. MODEL_FOLDER NAME PORT."""

from __future__ import annotations

import sys
from typing import Any

import mlflow
import pandas as pd
import uvicorn
from kserve import InferRequest, Model, ModelServer
from kserve.utils.utils import get_predict_response


class MlflowModel(Model):
    """As KServe's documentation has a custom predictor: load once, answer V1 and V2."""

    def __init__(self, name: str, folder: str) -> None:
        super().__init__(name)
        self._model = mlflow.pyfunc.load_model(folder)
        self._columns = self._model.metadata.get_input_schema().input_names()
        self.ready = True

    def predict(self, payload: Any, headers: Any = None, response_headers: Any = None) -> Any:
        """The answer to a request of either protocol."""
        if isinstance(payload, InferRequest):
            # `as_dataframe` does it too, with a frame for each column: this is faster.
            frame = pd.DataFrame({tensor.name: tensor.as_numpy() for tensor in payload.inputs})
        else:
            frame = pd.DataFrame(payload["instances"], columns=self._columns)
        return get_predict_response(payload, self._model.predict(frame), self.name)


class Loopback(uvicorn.Config):
    """The SDK listens on all addresses, and has no option for another (kserve/protocol/rest/server.py)."""

    def __init__(self, app: Any, **settings: Any) -> None:
        super().__init__(app, **{**settings, "host": "127.0.0.1"})


if __name__ == "__main__":
    folder, name, port = sys.argv[1:]
    uvicorn.Config = Loopback
    # Its gRPC server would listen on all addresses too.
    ModelServer(http_port=int(port), enable_grpc=False).start([MlflowModel(name, folder)])
