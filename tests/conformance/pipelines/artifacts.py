"""Artifacts: content, metadata, folders, metrics, optional ones, those returned, those imported."""

# ruff: noqa: UP045 - KFP reads Optional[...] and no other spelling of it

import json
from dataclasses import replace
from typing import NamedTuple, Optional

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Metrics, Model, Output

from tests.conformance.case import FOLDER, Case, KfpLocal, Outcome, artifact, component, doubles


@component
def make_data(rows: int, data: Output[Dataset]):
    data.metadata["rows"] = rows
    data.metadata["source"] = {"station": "é", "tags": ["a", "b"]}
    with open(data.path, "w") as file:
        file.write("\n".join(f"row {n}" for n in range(rows)))


@component
def fit(data: Input[Dataset], model: Output[Model]) -> str:
    import json

    with open(data.path) as file:
        lines = file.read().splitlines()
    model.metadata["framework"] = "none"
    with open(model.path, "w") as file:
        file.write(f"fitted on {len(lines)} lines")
    return json.dumps(data.metadata, sort_keys=True, ensure_ascii=False)


class ChainOutputs(NamedTuple):
    data: Dataset
    model: Model
    seen: str


@dsl.pipeline
def chain(rows: int = 3) -> ChainOutputs:
    made = make_data(rows=rows)
    fitted = fit(data=made.outputs["data"])
    return ChainOutputs(
        data=made.outputs["data"], model=fitted.outputs["model"], seen=fitted.outputs["Output"]
    )


@component
def make_folder(data: Output[Artifact]):
    import os

    os.makedirs(os.path.join(data.path, "deep", "er"))
    for name in ("a.txt", "deep/b.txt", "deep/er/c.txt"):
        with open(os.path.join(data.path, name), "w") as file:
            file.write(f"I am {name}")


@component
def list_folder(data: Input[Artifact]) -> list:
    import os

    return sorted(
        os.path.relpath(os.path.join(at, name), data.path)
        for at, _, names in os.walk(data.path)
        for name in names
    )


class FolderArtifactOutputs(NamedTuple):
    data: Artifact
    names: list


@dsl.pipeline
def folder_artifact() -> FolderArtifactOutputs:
    made = make_folder()
    return FolderArtifactOutputs(
        data=made.outputs["data"], names=list_folder(data=made.outputs["data"]).output
    )


@component
def measure(scores: Output[Metrics], page: Output[dsl.HTML], notes: Output[dsl.Markdown]):
    scores.log_metric("rmse", 0.25)
    scores.log_metric("rows", 3)
    with open(page.path, "w") as file:
        file.write("<b>bold</b>")
    with open(notes.path, "w") as file:
        file.write("# Title")


@component
def curves(scores: Output[dsl.ClassificationMetrics]):
    scores.log_roc_curve([0.0, 0.5], [0.25, 1.0], [0.9, 0.1])
    scores.log_confusion_matrix(["no", "yes"], [[3, 1], [0, 4]])


class MetricsOutputs(NamedTuple):
    scores: Metrics
    page: dsl.HTML
    notes: dsl.Markdown
    curves: dsl.ClassificationMetrics


@dsl.pipeline
def metrics() -> MetricsOutputs:
    made = measure()
    return MetricsOutputs(
        scores=made.outputs["scores"],
        page=made.outputs["page"],
        notes=made.outputs["notes"],
        curves=curves().outputs["scores"],
    )


@component
def look(data: Optional[Input[Dataset]] = None) -> str:
    return "nothing" if data is None else str(data.metadata["rows"])


class OptionalArtifactOutputs(NamedTuple):
    without: str
    given: str


@dsl.pipeline
def optional_artifact() -> OptionalArtifactOutputs:
    return OptionalArtifactOutputs(
        without=look().output, given=look(data=make_data(rows=2).outputs["data"]).output
    )


@component
def write_nothing(data: Output[Dataset]):
    data.metadata["written"] = False


@component
def is_there(data: Input[Dataset]) -> bool:
    import os

    return os.path.exists(data.path)


class UnwrittenOutputs(NamedTuple):
    data: Dataset
    there: bool


@dsl.pipeline
def unwritten() -> UnwrittenOutputs:
    made = write_nothing()
    return UnwrittenOutputs(data=made.outputs["data"], there=is_there(data=made.outputs["data"]).output)


@component
def write_path(text: str, data: dsl.OutputPath("Dataset")):
    with open(data, "w") as file:
        file.write(text)


@component
def read_path(data: dsl.InputPath("Dataset")) -> str:
    with open(data) as file:
        return file.read()


class PathsOutputs(NamedTuple):
    data: Dataset
    text: str


@dsl.pipeline
def paths(text: str = "through a path") -> PathsOutputs:
    made = write_path(text=text)
    return PathsOutputs(data=made.outputs["data"], text=read_path(data=made.outputs["data"]).output)


@component
def give_back() -> Dataset:
    from kfp import dsl

    data = dsl.Dataset(uri=dsl.get_uri(), metadata={"how": "returned"})
    with open(data.path, "w") as file:
        file.write("returned")
    return data


@component
def give_back_two() -> NamedTuple("Outputs", left=Dataset, right=Model):
    from kfp import dsl

    left = dsl.Dataset(uri=dsl.get_uri("left"), metadata={"side": "left"})
    right = dsl.Model(uri=dsl.get_uri("right"), metadata={"side": "right"})
    for each in (left, right):
        with open(each.path, "w") as file:
            file.write(each.metadata["side"])
    return (left, right)


class ReturnedOutputs(NamedTuple):
    one: Dataset
    left: Dataset
    right: Model


@dsl.pipeline
def returned() -> ReturnedOutputs:
    two = give_back_two()
    return ReturnedOutputs(one=give_back().output, left=two.outputs["left"], right=two.outputs["right"])


@component
def describe(data: Input[Dataset]) -> str:
    import json

    with open(data.path) as file:
        return f"{file.read()} {json.dumps(data.metadata, sort_keys=True)}"


@component
def leave_file(folder: str) -> str:
    import os

    path = os.path.join(folder, "existing.csv")
    with open(path, "w") as file:
        file.write("temp\n12.8")
    return path


class ImportedOutputs(NamedTuple):
    data: Dataset
    seen: str


@dsl.pipeline
def imported(folder: str, owner: str = "me") -> ImportedOutputs:
    left = leave_file(folder=folder)
    found = dsl.importer(
        artifact_uri=left.output,
        artifact_class=Dataset,
        reimport=False,
        metadata={"owner": owner, "kind": "csv", "stars": 5, owner: "as a key"},
    )
    return ImportedOutputs(data=found.output, seen=describe(data=found.output).output)


class ImportedFromParameterOutputs(NamedTuple):
    data: Dataset
    seen: str


@dsl.pipeline
def imported_from_parameter(path: str) -> ImportedFromParameterOutputs:
    found = dsl.importer(artifact_uri=path, artifact_class=Dataset, reimport=True)
    return ImportedFromParameterOutputs(data=found.output, seen=describe(data=found.output).output)


@dsl.pipeline
def imported_constant() -> str:
    found = dsl.importer(
        artifact_uri="/etc/hostname", artifact_class=Dataset, metadata={"depth": {"of": ["text", 1.5, True]}}
    )
    return describe(data=found.output).output


@component
def move_uri(folder: str, data: Output[Dataset]):
    import os

    data.uri = os.path.join(folder, "elsewhere.txt")
    with open(data.path, "w") as file:
        file.write("elsewhere")


@dsl.pipeline
def moved(folder: str) -> str:
    return read_path(data=move_uri(folder=folder).outputs["data"]).output


@dsl.pipeline
def given_artifact(data: Input[Dataset]) -> str:
    return describe(data=data).output


_AS_DOUBLES = "whole numbers in metadata become floats: protobuf's Struct knows no others"
_SOURCE = {"station": "é", "tags": ["a", "b"]}
_CHAIN = Outcome(
    {
        "data": artifact("data", "row 0\nrow 1\nrow 2", metadata={"rows": 3, "source": _SOURCE}),
        "model": artifact("model", "fitted on 3 lines", "Model", {"framework": "none"}),
        "seen": '{"rows": 3, "source": {"station": "é", "tags": ["a", "b"]}}',
    }
)
_CURVES = {
    "confidenceMetrics": [
        {"confidenceThreshold": 0.9, "recall": 0.25, "falsePositiveRate": 0.0},
        {"confidenceThreshold": 0.1, "recall": 1.0, "falsePositiveRate": 0.5},
    ],
    "confusionMatrix": {
        "annotationSpecs": [{"displayName": "no"}, {"displayName": "yes"}],
        "rows": [{"row": [3, 1]}, {"row": [0, 4]}],
    },
}
_METRICS = Outcome(
    {
        "scores": artifact("scores", None, "Metrics", {"rmse": 0.25, "rows": 3}),
        "page": artifact("page", "<b>bold</b>", "HTML"),
        "notes": artifact("notes", "# Title", "Markdown"),
        "curves": artifact("scores", None, "ClassificationMetrics", _CURVES),
    }
)


def _returned(one, left, right):
    return Outcome(
        {
            "one": artifact(one, "returned", metadata={"how": "returned"}),
            "left": artifact(left, "left", metadata={"side": "left"}),
            "right": artifact(right, "right", "Model", {"side": "right"}),
        }
    )


def _imported(stars):
    metadata = {"kind": "csv", "me": "as a key", "owner": "me", "stars": stars}
    seen = f"temp\n12.8 {json.dumps(metadata, sort_keys=True)}"
    data = artifact("artifact", "temp\n12.8", metadata=metadata)
    return Outcome({"data": data, "seen": seen}, {"existing.csv": "temp\n12.8"})


CASES = [
    Case(
        "artifacts and metadata",
        chain,
        _CHAIN,
        kfp_local=KfpLocal(
            _AS_DOUBLES,
            doubles(
                replace(
                    _CHAIN, outputs={**_CHAIN.outputs, "seen": _CHAIN.outputs["seen"].replace("3", "3.0")}
                )
            ),
        ),
    ),
    Case("an artifact that is a folder", folder_artifact),
    Case("metrics and pages", metrics, _METRICS, kfp_local=KfpLocal(_AS_DOUBLES, doubles(_METRICS))),
    Case(
        "an optional artifact",
        optional_artifact,
        Outcome({"without": "nothing", "given": "2"}),
        kfp_local=KfpLocal(_AS_DOUBLES, Outcome({"without": "nothing", "given": "2.0"})),
    ),
    Case("an artifact that is not written", unwritten),
    Case("input and output paths", paths),
    Case(
        "artifacts that are returned",
        returned,
        _returned("Output", "left", "right"),
        kfp_local=KfpLocal("a returned artifact loses the name of its output", _returned("", "", "")),
    ),
    Case(
        "an importer of a task's URI with metadata",
        imported,
        _imported(5),
        {"folder": FOLDER},
        kfp_local=KfpLocal(_AS_DOUBLES, _imported(5.0)),
    ),
    Case(
        "an importer of a parameter's URI",
        imported_from_parameter,
        arguments={"path": f"{FOLDER}/given.csv"},
        files={"given.csv": "temp\n3.5"},
    ),
    Case("an importer of a constant URI with nested metadata", imported_constant),
    Case(
        "an artifact given to the pipeline",
        given_artifact,
        Outcome({"Output": "temp\n3.5 {}"}, {"given.csv": "temp\n3.5"}),
        {"data": f"{FOLDER}/given.csv"},
        {"given.csv": "temp\n3.5"},
        KfpLocal("it takes no artifacts for a pipeline", error="data"),
    ),
    Case("an artifact whose URI the component changes", moved, arguments={"folder": FOLDER}),
]
