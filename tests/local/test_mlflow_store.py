"""MLflow's store: there before a step needs it, one for many runs at once, and clear where it cannot be."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pipelines.sdk.local.mlflow_store import make_store, tracking_uri
from tests.conftest import Sdk
from tests.local import steps


def metrics(database: Path) -> list[float]:
    with closing(sqlite3.connect(database)) as connection:
        return [value for (value,) in connection.execute("select value from metrics order by value")]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of a store in which nobody has logged anything."""
    folder = tmp_path_factory.mktemp("store")
    assert make_store(json.dumps({"uri": f"sqlite:///{folder}/mlflow.db", "artifacts": str(folder)})) == 0
    return folder / "mlflow.db"


def test_six_runs_at_once_on_an_empty_store_all_succeed(sdk: Sdk, compiled):
    file = compiled(steps.tracks)
    processes = [sdk.start("run", file, "--json", "--no-cache") for _ in range(6)]
    for process in processes:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        assert json.loads(out)["status"] == "SUCCEEDED"
    assert metrics(sdk.home / "mlflow.db") == [1.0] * 6


def test_a_run_waits_while_another_process_writes(made, sdk: Sdk, compiled):
    file = compiled(steps.tracks)
    sdk.home.mkdir()
    shutil.copy(made, sdk.home / "mlflow.db")
    with closing(sqlite3.connect(sdk.home / "mlflow.db", isolation_level=None)) as connection:
        connection.execute("begin immediate")
        process = sdk.start("run", file, "--no-cache")
        with pytest.raises(Exception, match="timed out"):
            process.wait(3)
        connection.execute("rollback")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert metrics(sdk.home / "mlflow.db") == [1.0]


@pytest.mark.parametrize(
    ("uri", "cause"),
    [
        ("sqlite:////proc/no/such/folder/x.db", "No such file or directory"),
        ("sqlite:///{home}/text.db", "file is not a database"),
    ],
)
def test_a_store_that_cannot_be_made_ends_the_run_with_its_cause(uri, cause, sdk: Sdk, compiled):
    sdk.home.mkdir()
    (sdk.home / "text.db").write_text("this is no database, whatever its name says\n" * 100)
    finished = sdk("run", compiled(steps.tracks), MLFLOW_TRACKING_URI=uri.format(home=sdk.home))
    assert finished.code == 4
    assert f"MLflow's store cannot be made: {cause}" in " ".join(
        finished.err.replace("[Errno 2] ", "").split()
    )
    assert "MLFLOW_TRACKING_URI" in finished.err


def test_a_store_that_can_only_be_read_is_said_before_a_step_needs_it(made, tmp_path, capfd):
    copy = Path(shutil.copy(made, tmp_path))
    uri = f"sqlite:///{copy}"
    with copy.open("r+b") as file:
        # Root may write to any file. A database of a later format is one that can only be read:
        file.seek(18)
        file.write(b"\x03")  # the version needed to write; that to read stays
    assert make_store(json.dumps({"uri": uri, "artifacts": str(tmp_path)})) == 1
    assert capfd.readouterr().err.splitlines()[-1] == "attempt to write a readonly database"


def test_a_relative_database_is_one_of_this_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert (
        tracking_uri(tmp_path, {"MLFLOW_TRACKING_URI": "sqlite:///a/b.db"}) == f"sqlite:///{tmp_path}/a/b.db"
    )


@pytest.mark.parametrize(
    "uri", ["http://127.0.0.1:1", "sqlite:////a/b.db", "sqlite://", "file:./runs", "databricks"]
)
def test_any_other_store_is_left_as_it_is(uri, tmp_path):
    assert tracking_uri(tmp_path, {"MLFLOW_TRACKING_URI": uri}) == uri


def test_the_default_is_below_the_home(tmp_path):
    assert tracking_uri(tmp_path, {"MLFLOW_TRACKING_URI": ""}) == f"sqlite:///{tmp_path}/mlflow.db"


def test_a_cached_result_that_names_a_model_means_nothing_in_another_store(sdk: Sdk, compiled):
    file = compiled(steps.tracks)

    def cached(**env: str) -> bool:
        finished = sdk("run", file, "--json", **env)
        assert finished.code == 0, finished.err
        return finished.task("track")["cached"]

    assert not cached()
    assert not cached(MLFLOW_TRACKING_URI=f"sqlite:///{sdk.home}/other.db")
    assert cached()
    (sdk.home / "mlflow.db").unlink()
    assert not cached(), "the store is new, though its address is not"


def test_a_run_without_mlflow_makes_no_store(sdk: Sdk, compiled):
    assert sdk("run", compiled(steps.greets)).code == 0
    assert not (sdk.home / "mlflow.db").exists()


def test_spawned_steps_find_the_store_made(sdk: Sdk, compiled):
    assert sdk("run", compiled(steps.tracks), PIPELINES_START="spawn").code == 0
    assert metrics(sdk.home / "mlflow.db") == [1.0]
