"""Pipelines whose steps leave a line each time they really run."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Output

from tests.conformance.case import component


@component
def work(folder: str, name: str, value: float, run_id: str = "") -> str:
    import os

    with open(os.path.join(folder, name), "a") as file:
        file.write("ran\n")
    return f"{name} {value} {run_id}"


@component
def make(folder: str, text: str, data: Output[Dataset]):
    import os

    with open(os.path.join(folder, "make"), "a") as file:
        file.write("ran\n")
    data.metadata["length"] = len(text)
    with open(data.path, "w") as file:
        file.write(text)


@component
def read(folder: str, data: Input[Dataset]) -> str:
    import os

    with open(os.path.join(folder, "read"), "a") as file:
        file.write("ran\n")
    with open(data.path) as file:
        return file.read()


@component
def fail_first(folder: str) -> str:
    import os

    path = os.path.join(folder, "fail_first")
    tried = os.path.exists(path)
    with open(path, "a") as file:
        file.write("ran\n")
    if not tried:
        raise RuntimeError("the first time")
    return "at last"


@dsl.pipeline
def steps(folder: str, value: float = 1.0) -> str:
    work(folder=folder, name="kept", value=value)
    work(folder=folder, name="never kept", value=value).set_caching_options(False)
    return work(
        folder=folder, name="knows the run", value=value, run_id=dsl.PIPELINE_JOB_ID_PLACEHOLDER
    ).output


@dsl.pipeline
def with_artifacts(folder: str, text: str = "some text") -> str:
    return read(folder=folder, data=make(folder=folder, text=text).outputs["data"]).output


@dsl.pipeline
def with_import(folder: str, path: str) -> str:
    found = dsl.importer(artifact_uri=path, artifact_class=Dataset, reimport=True)
    return read(folder=folder, data=found.output).output


@dsl.pipeline
def with_key(folder: str, value: float) -> str:
    return work(folder=folder, name="keyed", value=value).set_caching_options(True, cache_key="mine").output


@dsl.pipeline
def failing(folder: str) -> str:
    return fail_first(folder=folder).output


@dsl.pipeline
def in_loop(folder: str, values: list):
    with dsl.ParallelFor(values) as value:
        work(folder=folder, name=f"item {value}", value=0.0)
