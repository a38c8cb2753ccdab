import pytest
from kfp.dsl import Artifact, Model

from pipelines.sdk.launch import Context, LaunchError, Request, TaskDocument
from pipelines.sdk.launch.paths import bring, lay_out, local_path, prepare

REQUEST = Request(TaskDocument("t"), "/r")


@pytest.mark.parametrize(
    ("uri", "metadata"),
    [
        ("gs://bucket/a/b.csv", {}),
        ("gs://bucket/folder/", {}),
        ("s3://bucket/a", {}),
        ("minio://bucket/a", {}),
        ("oci://registry/name:1", {}),
        ("/data/x.csv", {}),
        ("relative/x", {}),
        ("https://host/x", {}),
        ("gs://bucket/a", {"_kfp_workspace": True}),
        ("/data/a", {"_kfp_workspace": True}),
        ("/data/a", {"_kfp_workspace": "true"}),
    ],
)
def test_a_path_is_where_kfps_own_artifact_looks(uri, metadata):
    kind = Model if uri.startswith("oci") else Artifact
    assert local_path({"uri": uri, "metadata": metadata}, REQUEST) == kind(uri=uri, metadata=metadata).path


def test_mounts_move_one_scheme_and_leave_the_others():
    request = Request(TaskDocument("t"), "/r", mounts={"gs://": "/mnt/gs"}, context=Context(workspace="/ws"))
    assert local_path({"uri": "gs://b/k"}, request) == "/mnt/gs/b/k"
    assert local_path({"uri": "s3://b/k"}, request) == "/s3/b/k"
    assert local_path({"uri": "/k", "metadata": {"_kfp_workspace": True}}, request) == "/ws/.artifacts/k"


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").write_text("in the way")
    task = TaskDocument("t", output_parameters={"x": "STRING"})
    request = Request(task, str(tmp_path / "file" / "root"))
    with pytest.raises(LaunchError, match=r"no place.*file"):
        prepare(lay_out(request), request)


def test_a_folder_is_brought_whole_and_to_itself_not_at_all(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "x").write_text("1")
    bring(str(tmp_path / "a"), str(tmp_path / "c" / "d"))
    bring(str(tmp_path / "a"), str(tmp_path / "a"))
    assert (tmp_path / "c" / "d" / "b" / "x").read_text() == "1"
