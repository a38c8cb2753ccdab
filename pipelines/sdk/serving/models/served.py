"""A model, loaded through MLflow: what it is, what it takes, and its `predict`."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import mlflow.pyfunc
import numpy as np
from mlflow.pyfunc import PyFuncModel
from mlflow.types.schema import ColSpec, DataType, Schema, TensorSpec

from pipelines.sdk.errors import Finding, PipelineError
from pipelines.sdk.serving.models import fast, profile, source, trust
from pipelines.sdk.serving.protocols.columns import Column, Kind
from pipelines.sdk.serving.protocols.table import Signature
from pipelines.sdk.serving.protocols.tensors import Tensor
from pipelines.sdk.serving.protocols.v2 import COLUMN_DATATYPES, inputs_metadata, tensors_metadata

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ServedModel:
    """A model that can answer.

    Args:
        name: in URLs.
        version: of the registered model; empty where there is none.
        model_id: MLflow's `m-...`, or the uuid of a model that was only saved.
        run_id: of the run that trained it; empty where there is none.
        signature: what it takes.
        outputs: names of what it gives, by its signature.
        metadata: its inputs and outputs as V2 describes them.
        example: its input example; None where it has none.
        profile: bounds between which its numeric columns usually are, for the metrics.
        way: how it is asked.
        predict: the data and the parameters to the prediction.
    """

    name: str
    version: str
    model_id: str
    run_id: str
    signature: Signature
    outputs: list[str]
    metadata: dict[str, Any]
    example: Any
    profile: dict[str, tuple[float, ...]]
    way: fast.Way
    predict: fast.Predict


def load(model_uri: str, name: str, version: str = "", *, allow_skew: bool = False) -> ServedModel:
    """Load a model and let it answer its own input example, if it has one.

    Args:
        model_uri: as for `source.keep`.
        name: for its URLs.
        version: of the registered model.
        allow_skew: whether to serve a model of another serving closure too.

    Raises:
        SkewedModel: it was trained with other packages than there are here.
        PipelineError: there is none, it cannot be loaded, or cannot answer its example.
    """
    found = source.keep(model_uri)
    for warning in trust.compare(found, model_uri, allow_skew):
        _log.warning("%s: %s", model_uri, warning)
    try:
        # Its warnings say what `trust` has said, in more lines.
        model = mlflow.pyfunc.load_model(str(found.folder), suppress_warnings=True)
        signature = _signature(model)
    except Exception as error:  # whatever a model's own code raises while it is unpickled
        raise source.unloadable(model_uri, error) from error
    asking = fast.quickest(model, signature)
    warm_up(model, model_uri)
    card = model.metadata
    return ServedModel(
        name=name,
        version=version,
        model_id=card.model_id or card.model_uuid or "",
        run_id=card.run_id or "",
        signature=signature,
        outputs=_names(card.get_output_schema()),
        metadata={
            "inputs": inputs_metadata(signature),
            "outputs": _outputs_metadata(card.get_output_schema()),
        },
        example=model.input_example,
        profile=profile.edges(signature, card.metadata),
        way=asking.way,
        predict=asking.predict,
    )


def warm_up(model: PyFuncModel, model_uri: str) -> None:
    """Let the model answer its own example: lazy imports and first allocations happen here, not in a request.

    Raises:
        PipelineError: it cannot.
    """
    example = model.input_example
    if example is None:
        return
    try:
        fast.one_thread(lambda data, _: model.predict(data))(example, None)
    except Exception as error:  # a model's own code can raise anything
        finding = Finding(
            f"the model cannot answer its own input example: {source.reason(error)}",
            model_uri,
            "log it with an example that it can answer, or none",
        )
        raise PipelineError(finding) from error


def _signature(model: PyFuncModel) -> Signature:
    card: Any = model.metadata  # MLflow's methods have no types
    wanted = card.get_params_schema()
    params = frozenset(param.name for param in wanted.params) if wanted else frozenset()
    schema = card.get_input_schema()
    if schema is None:
        return Signature(params=params)
    if card._is_signature_from_type_hint():  # it has no public name
        return Signature(raw=True, params=params)
    specs = schema.inputs
    return Signature(
        columns=tuple(_column(spec, i) for i, spec in enumerate(specs) if isinstance(spec, ColSpec)),
        tensors=tuple(_tensor(spec) for spec in specs if isinstance(spec, TensorSpec)),
        named=schema.has_input_names(),
        params=params,
    )


def _column(spec: ColSpec, index: int) -> Column:
    kind = Kind(spec.type.name) if isinstance(spec.type, DataType) else Kind.OTHER
    return Column(spec.name or str(index), kind, spec.required)


def _tensor(spec: TensorSpec) -> Tensor:
    return Tensor(spec.name or "", np.dtype(spec.type), tuple(spec.shape))


def _names(schema: Schema | None) -> list[str]:
    return [spec.name for spec in schema.inputs if spec.name] if schema else []


def _outputs_metadata(schema: Schema | None) -> list[dict[str, Any]]:
    described: list[dict[str, Any]] = []
    for spec in schema.inputs if schema else []:
        name = spec.name or "predictions"
        if isinstance(spec, TensorSpec):
            described += tensors_metadata([(name, np.dtype(spec.type), spec.shape)])
        else:
            column = _column(spec, 0)
            described.append(
                {"name": name, "datatype": COLUMN_DATATYPES.get(column.kind, "BYTES"), "shape": [-1]}
            )
    return described
