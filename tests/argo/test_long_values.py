"""Values that the author wrote and no pod could be given: refused when compiling, with the place."""

import pytest
from kfp import compiler, dsl

from pipelines.sdk import argo, ir
from pipelines.sdk.errors import BadPipeline

LONG = "x" * 40_000


@dsl.component
def take(words: list):
    pass


@dsl.pipeline(name="constant")
def constant():
    with dsl.ParallelFor([1]):
        take(words=[LONG])


@dsl.pipeline(name="element")
def element():
    with dsl.ParallelFor([LONG]) as word:
        take(words=[word])


@dsl.pipeline(name="record")
def record() -> dsl.Artifact:
    found = dsl.importer(artifact_uri="gs://a/b", artifact_class=dsl.Artifact, metadata={"long": LONG})
    return found.output


@dsl.pipeline(name="default")
def default(words: list = [LONG]):
    take(words=words)


@pytest.mark.parametrize(
    ("pipeline", "where"),
    [
        (constant, "task for-loop-2/take, input 'words'"),
        (element, "task for-loop-2, input 'pipelinechannel--loop-item-param-"),
        (record, "task importer"),
        (default, "parameter words, its default"),
    ],
)
def test_a_value_too_long_to_travel_is_refused_with_its_place(pipeline, where, tmp_path):
    path = tmp_path / "pipeline.yaml"
    compiler.Compiler().compile(pipeline, str(path))
    plan = ir.read_file(str(path))
    with pytest.raises(BadPipeline, match="more than the 32768 bytes") as caught:
        argo.emit(plan, argo.Options())
    (finding,) = caught.value.findings
    assert finding.where.startswith(where) and finding.mend
