"""MLflow's store: there before a step needs it, one for many runs at once, and clear where it cannot be."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from pipelines.sdk.local.mlflow_store import TrackingStore, make_store, tracking_uri
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


def test_a_store_that_cannot_be_made_ends_the_run_with_its_cause(sdk: Sdk, compiled):
    sdk.home.mkdir()
    (sdk.home / "text.db").write_text("this is no database, whatever its name says\n" * 100)
    finished = sdk("run", compiled(steps.tracks), MLFLOW_TRACKING_URI=f"sqlite:///{sdk.home}/text.db")
    assert finished.code == 4
    assert "MLflow's store cannot be made: file is not a database" in finished.err
    assert "set MLFLOW_TRACKING_URI" in finished.err


def test_a_store_whose_making_was_cut_short_is_made_again(tmp_path, capfd):
    argument = json.dumps({"uri": f"sqlite:///{tmp_path}/mlflow.db?timeout=20", "artifacts": str(tmp_path)})
    child = os.fork()
    if child == 0:
        # Killed by the first table that it makes, as a second Ctrl-C or a lack of memory could.
        sys.setprofile(lambda frame, *_: os._exit(9) if (tmp_path / ".mlflow.db.part").exists() else None)
        os._exit(make_store(argument))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert not (tmp_path / "mlflow.db").exists()
    with closing(sqlite3.connect(tmp_path / ".mlflow.db.part")) as half:
        half.execute("create table experiment_tags (x integer)")
    assert make_store(argument) == 0, capfd.readouterr().err
    assert metrics(tmp_path / "mlflow.db") == []
    assert {path.name for path in tmp_path.iterdir()} == {"mlflow.db", "mlflow.db.lock"}


def test_a_folder_that_cannot_be_made_is_the_cause(capfd):
    assert make_store(json.dumps({"uri": "sqlite:////proc/no/such/x.db", "artifacts": "/tmp"})) == 1
    assert "No such file or directory" in capfd.readouterr().err.splitlines()[-1]


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


def later(database: Path) -> None:
    """Makes of a store one that was made later."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("update experiments set creation_time = creation_time + 1")
        connection.commit()


def test_a_cached_result_that_names_a_model_means_nothing_in_another_store(made, sdk: Sdk, compiled):
    file, database = compiled(steps.tracks), sdk.home / "mlflow.db"
    sdk.home.mkdir()
    shutil.copy(made, database)
    assert not sdk("run", file, "--json").task("track")["cached"]
    assert sdk("run", file, "--json").task("track")["cached"]
    later(database)
    assert not sdk("run", file, "--json").task("track")["cached"]


def test_stores_are_told_apart_by_address_and_birth(made, tmp_path):
    async def identity(uri: str) -> str:
        async def nothing() -> None:
            return

        return await TrackingStore(uri, asyncio.create_task(nothing())).identity()

    def of(uri: object) -> str:
        return asyncio.run(identity(str(uri)))

    copy = Path(shutil.copy(made, tmp_path))
    before = of(f"sqlite:///{copy}")
    assert before == of(f"sqlite:///{copy}")
    assert before != of(f"sqlite:///{made}")
    later(copy)
    assert before != of(f"sqlite:///{copy}")
    assert of("http://127.0.0.1:1") == "http://127.0.0.1:1"
    assert of(f"sqlite:///{tmp_path}/gone.db").strip() == f"sqlite:///{tmp_path}/gone.db"
    assert not (tmp_path / "gone.db").exists(), "asking makes no database"


def test_a_run_without_mlflow_makes_no_store(sdk: Sdk, compiled):
    assert sdk("run", compiled(steps.greets)).code == 0
    assert not (sdk.home / "mlflow.db").exists()
