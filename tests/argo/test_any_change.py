"""Whatever is done to a good pipeline: documents that lint takes, or an error that says where it is wrong."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.sdk import argo
from pipelines.sdk.argo import lint
from pipelines.sdk.errors import PipelineError
from tests.ir.documents import read, rich_documents
from tests.ir.test_any_change import change


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_any_change_to_a_pipeline_gives_documents_that_are_right_or_an_error_with_a_place(data):
    documents = rich_documents()
    for _ in range(data.draw(st.integers(1, 2))):
        change(documents, data.draw)
    try:
        made = argo.emit(read(*documents), argo.Options())
    except PipelineError as error:
        assert all(finding.where and finding.what for finding in error.findings)
        return
    assert argo.to_yaml(made.documents)
    assert not lint.lint_documents(made.documents)
