"""When an earlier result stands for running a step, and when it must not."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipelines.sdk import launch
from pipelines.sdk.local.cache import Key, StepCache, packages
from pipelines.sdk.local.digest import Unstable, digest
from pipelines.sdk.plan import Cache
from tests.conftest import ROOT, Sdk
from tests.local import steps

SHARED = Cache(enabled=True)


def record(path: object, **more: Any) -> dict[str, Any]:
    kind = {"schemaTitle": "system.Dataset", "schemaVersion": "0.0.1"}
    return {"name": "data", "type": kind, "uri": str(path), "metadata": {}, **more}


def request(*records: dict[str, Any], **more: Any) -> launch.Request:
    task = launch.TaskDocument(
        name="path/of/task", component="work", image="python", command=("true",), env=more.pop("env", {})
    )
    return launch.Request(task=task, root="/nowhere", artifacts={"data": records}, **more)


@pytest.fixture
def cache(tmp_path: Path) -> StepCache:
    return StepCache(tmp_path / "cache", tmp_path / "runs")


@pytest.fixture
def text_of(cache: StepCache) -> Callable[..., str]:
    def text(given: launch.Request, settings: Cache = SHARED, surroundings: tuple[str, ...] = ()) -> str:
        key = cache.key(given, settings, surroundings)
        assert key is not None
        return key.text

    return text


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "runs" / "one" / "data"
    path.parent.mkdir(parents=True)
    path.write_text("content")
    return path


def test_the_content_counts_and_the_place_in_a_run_does_not(text_of, data, tmp_path):
    other = tmp_path / "runs" / "two" / "copy"
    other.parent.mkdir()
    other.write_text("content")
    same = text_of(request(record(data)))
    assert same == text_of(request(record(other, name="another")))
    other.write_text("Content")
    assert same != text_of(request(record(other)))


def test_an_artifact_that_is_metadata_alone_has_no_place(text_of, tmp_path):
    one, two = (record(tmp_path / "runs" / run / "metrics", metadata={"mae": 1}) for run in ("a", "b"))
    assert text_of(request(one)) == text_of(request(two))
    assert text_of(request(one)) != text_of(request({**two, "metadata": {"mae": 2}}))


def test_what_is_elsewhere_and_was_not_fetched_counts_by_its_address(text_of):
    assert text_of(request(record("gs://bucket/one"))) != text_of(request(record("gs://bucket/two")))


def test_what_was_fetched_counts_by_its_content(text_of, tmp_path):
    mounts = {"gs://": f"{tmp_path}/runs/one/mounts/gs/"}
    file = tmp_path / "runs/one/mounts/gs/bucket/latest.csv"
    file.parent.mkdir(parents=True)
    file.write_text("monday")
    before = text_of(request(record("gs://bucket/latest.csv"), mounts=mounts))
    file.write_text("tuesday")
    assert text_of(request(record("gs://bucket/latest.csv"), mounts=mounts)) != before


@pytest.mark.parametrize(
    ("one", "other"),
    [("1", "1.0"), ("1", "true"), ('"1"', "1"), ("null", '"null"'), ("[1,2]", "[2,1]"), ('""', "null")],
)
def test_values_that_differ_in_type_alone_differ(text_of, one, other):
    first, second = (text_of(request(parameters={"x": text})) for text in (one, other))
    assert first != second


def test_the_order_of_keys_in_a_value_does_not_count(text_of):
    first, second = (text_of(request(parameters={"x": t})) for t in ('{"a":1,"b":2}', '{"b":2,"a":1}'))
    assert first == second


def test_variables_code_and_packages_count(text_of):
    plain = text_of(request())
    assert plain != text_of(request(env={"DEBUG": "1"}))
    assert plain != text_of(request(), surroundings=("code of helpers",))
    changed = request()
    assert plain != text_of(replace(changed, task=replace(changed.task, image="python:3.12")))
    default = launch.InputParameter("STRING", has_default=True, default="a")
    assert plain != text_of(replace(changed, task=replace(changed.task, parameters={"x": default})))


def test_the_name_of_the_task_does_not_count(text_of):
    given = request()
    assert text_of(given) == text_of(replace(given, task=replace(given.task, name="elsewhere")))


def test_the_run_does_not_count_but_the_time_it_is_for_does(text_of):
    def at(template: str, **context: str) -> str:
        parameters = {"x": launch.encode(template)}
        given = request(parameters=parameters, templates=frozenset(["x"]), context=launch.Context(**context))
        return text_of(given)

    job, day = "{{$.pipeline_job_resource_name}}", "{{$.pipeline_job_schedule_time_utc}}"
    assert at(job, job_resource_name="a") == at(job, job_resource_name="b")
    assert at(day, schedule_time="2020-01-01") != at(day, schedule_time="2020-01-02")
    assert at("text", schedule_time="2020-01-01") == at("text", schedule_time="2020-01-02")


def test_a_text_that_looks_like_a_placeholder_is_another_value(text_of):
    parameters = {"x": launch.encode("{{$.pipeline_job_name}}")}
    template = text_of(request(parameters=parameters, templates=frozenset(["x"])))
    assert template != text_of(request(parameters=parameters))


def test_a_key_of_the_users_own_takes_the_place_of_the_inputs_and_of_nothing_else(text_of):
    mine = Cache(enabled=True, key="mine")
    assert text_of(request(parameters={"x": "1"}), mine) == text_of(request(parameters={"x": "2"}), mine)
    assert text_of(request(), mine) != text_of(request(), Cache(enabled=True, key="yours"))
    assert text_of(request(), mine) != text_of(request(env={"A": "b"}), mine), "code is no input"


def test_what_somebody_writes_to_meanwhile_is_not_kept(cache, data):
    given = request(record(data))
    key = cache.key(given, SHARED, ())
    data.write_text("CONTENT")
    cache.put(key, given, launch.Result({"out": "1"}))
    assert cache.get(key) is None


def test_an_artifact_that_changes_while_it_is_read_has_no_key(cache, data):
    data.write_bytes(b"x" * 3_000_000)
    asked = []

    def write() -> bool:
        asked.append(1)
        with data.open("ab") as file:
            file.write(b"y")
        return len(asked) > 100

    assert replace(cache, stopped=write).key(request(record(data)), SHARED, ()) is None


def test_a_stopped_run_reads_no_large_file_to_its_end(data):
    with data.open("wb") as file:
        file.truncate(20 << 30)
    with pytest.raises(Unstable):
        digest(data, lambda: True)


@pytest.fixture
def kept(cache: StepCache, data: Path, tmp_path: Path) -> tuple[Key, launch.Result, Path]:
    """A result with an artifact, in the cache."""
    output = tmp_path / "runs" / "one" / "output"
    output.mkdir()
    (output / "part").write_text("made")
    given, result = request(record(data)), launch.Result({"out": "1"}, {"made": (record(output),)})
    key = cache.key(given, SHARED, ())
    cache.put(key, given, result)
    return key, result, output


def test_what_was_kept_is_found(cache, kept):
    key, result, _ = kept
    assert cache.get(key).to_json() == result.to_json()
    assert replace(cache, reads=False).get(key) is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda output: (output / "part").write_text("Made"),
        lambda output: (output / "part").unlink(),
        lambda output: (output / "more").write_text(""),
        lambda output: (output / "empty").mkdir(),
        lambda output: (output / "part").rename(output / "renamed"),
        lambda output: ((output / "part").unlink(), output.rmdir()),
        lambda output: (output / "link").symlink_to("/etc"),
    ],
)
def test_artifacts_that_have_changed_since_are_made_again(cache, kept, spoil):
    key, _, output = kept
    spoil(output)
    assert cache.get(key) is None


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "{}", '"x"', '{"result": {}, "digests": {}, "check": ""}', "\x00\xff"],
)
def test_an_entry_that_is_broken_is_none(cache, kept, text):
    (file,) = cache.folder.rglob("*.json")
    file.write_text(text)
    assert cache.get(kept[0]) is None


def test_an_entry_of_which_a_bit_has_flipped_is_none(cache, kept):
    (file,) = cache.folder.rglob("*.json")
    file.write_text(file.read_text().replace('"out": "1"', '"out": "2"'))
    assert cache.get(kept[0]) is None


def test_many_writers_leave_one_whole_entry_and_no_litter(cache, kept):
    key, result, _ = kept
    barrier = threading.Barrier(8)

    def write(_: int) -> None:
        barrier.wait()
        for _ in range(20):
            cache.put(key, request(), result)
            assert cache.get(key) is not None

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, range(8)))
    assert [path.suffix for path in cache.folder.rglob("*") if path.is_file()] == [".json"]


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path, data):
    (tmp_path / "file").write_text("")
    cache = StepCache(tmp_path / "file" / "cache", tmp_path / "runs")
    given = request(record(data))
    key = cache.key(given, SHARED, ())
    cache.put(key, given, launch.Result())
    assert cache.get(key) is None


def test_an_output_that_is_elsewhere_is_not_kept(cache, data):
    given = request(record(data))
    key = cache.key(given, SHARED, ())
    cache.put(key, given, launch.Result({}, {"made": (record("gs://bucket/out"),)}))
    assert cache.get(key) is None


def test_folders_count_by_what_their_links_lead_to(tmp_path):
    far, folder = tmp_path / "far", tmp_path / "folder"
    far.mkdir()
    folder.mkdir()
    (far / "file").write_text("1")
    (folder / "link").symlink_to(far)
    (folder / "back").symlink_to(folder)  # and a circle ends
    (folder / "nowhere").symlink_to("gone")
    os.mkfifo(folder / "pipe")  # which nobody would ever write to
    before = digest(folder)
    (far / "file").write_text("2")
    assert digest(folder) != before


def test_the_packages_are_those_of_this_interpreter(tmp_path, monkeypatch):
    before = packages.__wrapped__()
    (tmp_path / "new-1.0.dist-info").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    assert packages.__wrapped__() != before


# whole runs


def cached(finished: Any) -> dict[str, bool]:
    return {task["name"]: task["cached"] for task in finished.json["tasks"]}


def test_a_changed_helper_of_the_project_is_a_reason_to_run_again(sdk: Sdk, compiled, tmp_path):
    project = tmp_path / "project"
    project.mkdir()
    (project / "house_helpers.py").write_text("from house_numbers import NUMBER\n")
    (project / "house_numbers.py").write_text("NUMBER = 1\n")
    file, path = compiled(steps.helped), f"{ROOT}{os.pathsep}{project}"

    first, second = (sdk("run", file, "--json", PYTHONPATH=path) for _ in range(2))
    (project / "house_numbers.py").write_text("NUMBER = 2\n")
    third = sdk("run", file, "--json", PYTHONPATH=path)
    assert [each.json["outputs"]["Output"] for each in (first, second, third)] == [1, 1, 2]
    assert [cached(each)["use-helper"] for each in (first, second, third)] == [False, True, False]


def test_no_cache_runs_again_and_keeps_what_comes_out(sdk: Sdk, compiled):
    file = compiled(steps.greets)
    sdk("run", file, "--no-cache", "--json")
    assert cached(sdk("run", file, "--no-cache", "--json")) == {"who": False}
    assert cached(sdk("run", file, "--json")) == {"who": True}


def test_a_result_of_a_run_whose_folder_is_gone_is_made_again(sdk: Sdk, compiled):
    import shutil

    file = compiled(steps.makes)
    first = sdk("run", file, "--json")
    shutil.rmtree(first.json["folder"])
    again, third = (sdk("run", file, "--json") for _ in range(2))
    assert cached(again) == {"make-data": False, "read-data": True}, "its content is the same"
    assert cached(third) == {"make-data": True, "read-data": True}
    assert Path(json.loads(again.out)["tasks"][0]["outputs"]["data"]["uri"]).exists()
