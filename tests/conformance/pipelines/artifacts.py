"""Artifacts: content, metadata, folders, metrics, optional ones, those returned, those imported."""

from typing import List, NamedTuple, Optional  # noqa: UP035 - KFP reads these from the signature

from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Metrics, Model, Output

from tests.conformance.case import FOLDER, Case, Outcome, artifact, component


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


@dsl.pipeline
def chain(rows: int = 3) -> NamedTuple("Outputs", data=Dataset, model=Model, seen=str):
    made = make_data(rows=rows)
    fitted = fit(data=made.outputs["data"])
    outputs = NamedTuple("Outputs", data=Dataset, model=Model, seen=str)
    return outputs(
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
        os.path.relpath(os.path.join(at, name), data.path) for at, _, names in os.walk(data.path) for name in names
    )


@dsl.pipeline
def folder_artifact() -> NamedTuple("Outputs", data=Artifact, names=list):
    made = make_folder()
    outputs = NamedTuple("Outputs", data=Artifact, names=list)
    return outputs(data=made.outputs["data"], names=list_folder(data=made.outputs["data"]).output)


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


@dsl.pipeline
def metrics() -> NamedTuple(
    "Outputs", scores=Metrics, page=dsl.HTML, notes=dsl.Markdown, curves=dsl.ClassificationMetrics
):
    made = measure()
    outputs = NamedTuple(
        "Outputs", scores=Metrics, page=dsl.HTML, notes=dsl.Markdown, curves=dsl.ClassificationMetrics
    )
    return outputs(
        scores=made.outputs["scores"],
        page=made.outputs["page"],
        notes=made.outputs["notes"],
        curves=curves().outputs["scores"],
    )


@component
def look(data: Optional[Input[Dataset]] = None) -> str:  # noqa: UP045
    return "nothing" if data is None else str(data.metadata["rows"])


@dsl.pipeline
def optional_artifact() -> NamedTuple("Outputs", without=str, given=str):
    outputs = NamedTuple("Outputs", without=str, given=str)
    return outputs(without=look().output, given=look(data=make_data(rows=2).outputs["data"]).output)


@component
def write_nothing(data: Output[Dataset]):
    data.metadata["written"] = False


@component
def is_there(data: Input[Dataset]) -> bool:
    import os

    return os.path.exists(data.path)


@dsl.pipeline
def unwritten() -> NamedTuple("Outputs", data=Dataset, there=bool):
    made = write_nothing()
    outputs = NamedTuple("Outputs", data=Dataset, there=bool)
    return outputs(data=made.outputs["data"], there=is_there(data=made.outputs["data"]).output)


@component
def write_path(text: str, data: dsl.OutputPath("Dataset")):
    with open(data, "w") as file:
        file.write(text)


@component
def read_path(data: dsl.InputPath("Dataset")) -> str:
    with open(data) as file:
        return file.read()


@dsl.pipeline
def paths(text: str = "through a path") -> NamedTuple("Outputs", data=Dataset, text=str):
    made = write_path(text=text)
    outputs = NamedTuple("Outputs", data=Dataset, text=str)
    return outputs(data=made.outputs["data"], text=read_path(data=made.outputs["data"]).output)


@component
def give_back() -> Dataset:
    from kfp import dsl

    data = dsl.Dataset(uri=dsl.get_uri(), metadata={"how": "returned"})
    with open(data.path, "w") as file:
        file.write("returned")
    return data


@component
def give_back_two() -> NamedTuple("Outputs", left=Dataset, right=Model):
    from typing import NamedTuple

    from kfp import dsl

    left = dsl.Dataset(uri=dsl.get_uri("left"), metadata={"side": "left"})
    right = dsl.Model(uri=dsl.get_uri("right"), metadata={"side": "right"})
    for each in (left, right):
        with open(each.path, "w") as file:
            file.write(each.metadata["side"])
    outputs = NamedTuple("Outputs", left=dsl.Dataset, right=dsl.Model)
    return outputs(left=left, right=right)


@dsl.pipeline
def returned() -> NamedTuple("Outputs", one=Dataset, left=Dataset, right=Model):
    two = give_back_two()
    outputs = NamedTuple("Outputs", one=Dataset, left=Dataset, right=Model)
    return outputs(one=give_back().output, left=two.outputs["left"], right=two.outputs["right"])


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


@dsl.pipeline
def imported(folder: str, owner: str = "me") -> NamedTuple("Outputs", data=Dataset, seen=str):
    left = leave_file(folder=folder)
    found = dsl.importer(
        artifact_uri=left.output,
        artifact_class=Dataset,
        reimport=False,
        metadata={"owner": owner, "kind": "csv", "stars": 5, owner: "as a key"},
    )
    outputs = NamedTuple("Outputs", data=Dataset, seen=str)
    return outputs(data=found.output, seen=describe(data=found.output).output)


@dsl.pipeline
def imported_from_parameter(path: str) -> NamedTuple("Outputs", data=Dataset, seen=str):
    found = dsl.importer(artifact_uri=path, artifact_class=Dataset, reimport=True)
    outputs = NamedTuple("Outputs", data=Dataset, seen=str)
    return outputs(data=found.output, seen=describe(data=found.output).output)


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


CASES = [
    Case(
        "artifacts and metadata",
        chain,
        Outcome(
            {
                "data": artifact(
                    "data", "row 0\nrow 1\nrow 2", rows=3, source={"station": "é", "tags": ["a", "b"]}
                ),
                "model": artifact("model", "fitted on 3 lines", "Model", framework="none"),
                "seen": '{"rows": 3, "source": {"station": "é", "tags": ["a", "b"]}}',
            }
        ),
    ),
    Case("an artifact that is a folder", folder_artifact),
    Case("metrics and pages", metrics),
    Case("an optional artifact", optional_artifact),
    Case("an artifact that is not written", unwritten),
    Case("input and output paths", paths),
    Case("artifacts that are returned", returned),
    Case("an importer of a task's URI with metadata", imported, arguments={"folder": FOLDER}),
    Case(
        "an importer of a parameter's URI",
        imported_from_parameter,
        arguments={"path": f"{FOLDER}/given.csv"},
        files={"given.csv": "temp\n3.5"},
    ),
    Case("an importer of a constant URI with nested metadata", imported_constant),
    Case("an artifact whose URI the component changes", moved, arguments={"folder": FOLDER}),
]
