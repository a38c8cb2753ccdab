import json
from pathlib import Path

import pytest

from components.ingest_data import ingest_data
from components.support import storage
from components.support.errors import StepFailed
from components.support.fetching import Limits
from tests import buckets

CSV = b"date,temp_max\n2012/01/01,12.8\n2012/01/02,10.6\n"
HASTY = Limits(bytes=1000, attempts=2, pause_seconds=0.01, timeout_seconds=0.5)


@pytest.fixture(scope="module")
def emulator():
    """The address of a real server of the storage API, with one object."""
    with buckets.emulator(
        {"daily/what is? #ü.csv": CSV, "empty.csv": b"", "large.csv": b"x" * 1001}
    ) as address:
        yield address


@pytest.fixture
def cloud(emulator, monkeypatch):
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", emulator)
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    return emulator


@pytest.fixture
def without_emulator(monkeypatch, tmp_path):
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")  # or it looks for a metadata server, for seconds


def why(source):
    with pytest.raises(StepFailed) as failure:
        storage.read(source, HASTY)
    return str(failure.value)


def test_the_component_reads_an_object_up_to_a_day(cloud, output):
    data = output("data")
    source = "gs://weather/daily/what is? #ü.csv"
    rows, data_hash, as_of = ingest_data.python_func(data=data, source=source, as_of="2012-01-01")
    assert (rows, as_of) == (1, "2012-01-01")
    assert Path(data.path).read_bytes() == CSV[: -len("2012/01/02,10.6\n")]
    assert data.metadata["source"] == source
    assert data.metadata["data_hash"] == data_hash


def test_an_emulator_may_be_named_without_its_scheme(cloud, monkeypatch):
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", cloud.removeprefix("http://"))
    assert storage.read("gs://weather/daily/what is? #ü.csv") == CSV


def test_an_empty_object_is_an_empty_file(cloud, output):
    assert storage.read("gs://weather/empty.csv") == b""
    with pytest.raises(StepFailed, match=r"empty\.csv, line 1: is empty"):
        ingest_data.python_func(data=output("data"), source="gs://weather/empty.csv")


def test_a_missing_object_and_a_missing_bucket_are_told_apart(cloud):
    assert "gs://weather/none.csv: there is no such object" in why("gs://weather/none.csv")
    assert "gs://elsewhere/none.csv: there is no such bucket" in why("gs://elsewhere/none.csv")


@pytest.mark.parametrize("source", ["gs://", "gs://weather", "gs://weather/", "gs://weather/daily/"])
def test_a_bucket_or_folder_is_no_file(cloud, source):
    assert "names no file" in why(source)


def test_a_large_object_is_not_fetched(cloud):
    assert "has more than 1000 bytes" in why("gs://weather/large.csv")


def test_a_server_that_is_not_there_is_a_clear_error(monkeypatch):
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:1")
    message = why("gs://weather/data.csv")
    assert "Connection refused" in message
    assert "STORAGE_EMULATOR_HOST" in message


def test_no_credentials_says_how_to_give_some(without_emulator):
    message = why("gs://weather/data.csv")
    assert "no Google credentials" in message
    assert "GOOGLE_APPLICATION_CREDENTIALS" in message


@pytest.mark.parametrize("content", [None, "not json", "{}", json.dumps({"type": "service_account"})])
def test_a_key_file_that_is_none_is_a_clear_error(without_emulator, monkeypatch, tmp_path, content):
    key = tmp_path / "key.json"
    if content is not None:
        key.write_text(content)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key))
    message = why("gs://weather/data.csv")
    assert "no Google credentials" in message
    assert str(key) in message
