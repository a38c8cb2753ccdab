"""Where a pipeline's own artifacts go."""

import json
from dataclasses import replace

import pytest

from pipelines.sdk import argo, ir
from pipelines.sdk.errors import BadPipeline, UsageError
from tests.ir.documents import ONE_STEP


def plan(root):
    return replace(ir.read(ONE_STEP, "file.yaml"), pipeline_root=root)


@pytest.mark.parametrize(
    "root", ["minio://mlpipeline/v2/artifacts", "/local/folder", "s3://bucket/a?region=eu"]
)
def test_a_root_in_the_pipeline_that_argo_cannot_write_to_is_named_as_the_pipelines(root):
    with pytest.raises(BadPipeline) as raised:
        argo.emit(plan(root), argo.Options())
    (finding,) = raised.value.findings
    assert finding.where == "pipeline_root of the pipeline"
    assert root in finding.what
    assert "--pipeline-root" in finding.mend


def test_the_option_counts_more_than_the_pipeline():
    text = ONE_STEP.replace("constant: hello", "constant: '{{$.pipeline_root}}'")
    pipeline = replace(ir.read(text, "file.yaml"), pipeline_root="/local/folder")
    made = argo.emit(pipeline, argo.Options(pipeline_root="s3://bucket/runs"))
    assert "s3://bucket/runs" in json.dumps(made.documents)
    with pytest.raises(UsageError, match="--pipeline-root"):
        argo.emit(plan("gs://bucket"), argo.Options(pipeline_root="nowhere"))
