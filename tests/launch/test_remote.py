"""Artifacts that the launcher fetches itself: from buckets that are not the pipeline root's."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.sdk.launch import LaunchError
from pipelines.sdk.launch.remote import fetch, send
from tests import buckets

SDK = Path(__file__).parents[2] / "pipelines" / "sdk"


@pytest.fixture(scope="module")
def emulator():
    objects = {"daily/what is? ü.csv": "rain", "model/MLmodel": "flavors", "model/data/weights.bin": "123"}
    with buckets.emulator(objects) as address, pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_EMULATOR_HOST", address)
        yield address


@pytest.mark.usefixtures("emulator")
def test_an_object_becomes_a_file(tmp_path):
    fetch("gs://weather/daily/what is? ü.csv", str(tmp_path / "new" / "x.csv"))
    assert (tmp_path / "new" / "x.csv").read_text() == "rain"


@pytest.mark.parametrize("slash", ["", "/"])
def test_what_is_below_a_prefix_becomes_a_folder(slash, tmp_path, emulator, monkeypatch):
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", emulator.removeprefix("http://"))
    fetch(f"gs://weather/model{slash}", str(tmp_path / "model"))
    assert (tmp_path / "model" / "MLmodel").read_text() == "flavors"
    assert (tmp_path / "model" / "data" / "weights.bin").read_text() == "123"


@pytest.mark.usefixtures("emulator")
@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("gs://weather/gone", "there is no such object, and nothing below gone/"),
        ("gs://nowhere/x", "there is no such bucket"),
        ("http://127.0.0.1:9/x", "URLError"),
    ],
)
def test_what_is_not_there_leaves_nothing_behind(uri, why, tmp_path):
    with pytest.raises(LaunchError) as caught:
        fetch(uri, str(tmp_path / "x"))
    assert why in str(caught.value)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(("scheme", "tool"), [("gs", "google-cloud-storage"), ("s3", "s3fs")])
def test_an_image_without_a_client_says_which_to_install(scheme, tool, tmp_path):
    script = f"import sys; from launch.remote import fetch; fetch('{scheme}://b/x', '{tmp_path}/x')"
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SDK), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-S", "-c", script], capture_output=True, text=True, env=env, timeout=60
    )
    assert f"install {tool}" in done.stderr or f"and {tool} in the step's image" in done.stderr


@pytest.mark.usefixtures("emulator")
def test_what_is_sent_is_what_is_fetched(tmp_path):
    (tmp_path / "made" / "deep").mkdir(parents=True)
    (tmp_path / "made" / "one").write_text("1")
    (tmp_path / "made" / "deep" / "two").write_text("2")
    send(str(tmp_path / "made"), "gs://weather/sent")
    fetch("gs://weather/sent", str(tmp_path / "back"))
    files = {
        str(p.relative_to(tmp_path / "back")): p.read_text()
        for p in (tmp_path / "back").rglob("*")
        if p.is_file()
    }
    assert files == {"one": "1", "deep/two": "2"}
    send(str(tmp_path / "made" / "one"), "gs://weather/alone.txt")
    fetch("gs://weather/alone.txt", str(tmp_path / "alone"))
    assert (tmp_path / "alone").read_text() == "1"
