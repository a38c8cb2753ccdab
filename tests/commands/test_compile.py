"""`compile`: the same file everywhere, where it is expected, or none."""

import os
import re
import shutil
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest
from kfp import components

from pipelines.sdk import compiling, ir
from pipelines.sdk.settings import STEP_IMAGE
from tests.commands.conftest import finished, start
from tests.conformance import harness
from tests.conformance.test_conformance import CASES
from tests.conftest import ROOT


def test_a_compiled_pipeline_is_the_same_to_the_letter_in_every_process(tmp_path):
    texts = set()
    for seed in "0123":
        env = {**os.environ, "PYTHONHASHSEED": seed, "PIPELINES_HOME": str(tmp_path)}
        file = tmp_path / f"{seed}.yaml"
        program = [
            sys.executable,
            str(ROOT / "pipelines/train.py"),
            "compile",
            "--target",
            "kfp",
            "-o",
            str(file),
        ]
        subprocess.run(program, cwd=tmp_path, env=env, check=True, capture_output=True)
        texts.add(file.read_text())
    assert len(texts) == 1
    assert len(re.findall("^---$", texts.pop(), re.M)) == 1, "pipeline and platform settings"


def test_what_is_compiled_is_what_kfp_and_we_read(command, tmp_path):
    file = tmp_path / "folder" / "tiny.yaml"
    assert command("compile", "-o", str(file)).code == 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        component = components.load_component_from_file(str(file))
    assert component.name == "tiny"
    assert component.component_spec.inputs["weights"].default == [0.5, {"a": 2.0, "b": 1.0}]
    assert ir.read_file(file).root.interface.parameters["weights"].default == [0.5, {"a": 2, "b": 1}]
    assert "weights: list [Default: [0.5, {'a': 2.0, 'b': 1.0}]]" in file.read_text()
    assert (file.stat().st_mode & 0o777, len(list(file.parent.iterdir()))) == (0o644, 1)


def test_check_says_what_has_changed_and_writes_nothing(command, tmp_path):
    file = tmp_path / "tiny.yaml"
    absent = command("compile", "-o", str(file), "--check")
    assert (absent.code, absent.out) == (3, "")
    assert f"error: {file}: it is not there" in absent.err
    assert not file.exists()
    command("compile", "-o", str(file))
    assert command("compile", "-o", str(file), "--check").code == 0
    file.write_text(file.read_text().replace("# Name: tiny", "# Name: old"))
    stale = command("compile", "-o", str(file), "--check")
    assert stale.code == 3
    assert "-# Name: old\n+# Name: tiny\n" in stale.out
    assert f"error: {file}: it is out of date\n    -> compile it again" in stale.err
    assert "# Name: old" in file.read_text()


def test_compiled_files_stand_beside_the_pipelines_wherever_the_command_is_given(tmp_path):
    for folder, expected in (("repo/pipelines", "repo/compiled"), ("alone", "alone/compiled")):
        file = tmp_path / folder / "tiny.py"
        file.parent.mkdir(parents=True)
        shutil.copy(ROOT / "tests/commands/tiny.py", file)
        ended = finished(start("compile", file=file, home=tmp_path / "home", cwd=tmp_path))
        assert (ended.code, ended.err) == (
            0,
            f"{expected}/tiny.kfp.yaml written\n{expected}/tiny.argo.yaml written\n",
        )
        names = sorted(path.name for path in (tmp_path / expected).iterdir())
        assert names == ["tiny.argo.yaml", "tiny.kfp.yaml"]


@pytest.mark.parametrize("image", ["registry.example:5000/a/b_c:1.2", "a@sha256:" + "0" * 64, "step"])
def test_the_image_of_our_own_steps_can_be_another(image):
    text = f"        image: {STEP_IMAGE}\n        image: python:3.11\n"
    assert compiling.with_image(text, image) == f"        image: {image}\n        image: python:3.11\n"


@pytest.mark.parametrize("image", ["", "a b", "a: b", "#x", "a\nb", "-x", "a:"])
def test_what_is_no_image_is_refused(image, command, tmp_path):
    ended = command("compile", "--image", image, "-o", str(tmp_path / "a.yaml"))
    assert (ended.code, list(tmp_path.glob("*.yaml"))) == (2, [])
    assert "--image: " in ended.err


def test_a_file_that_cannot_be_written_leaves_nothing_behind(command, tmp_path):
    (tmp_path / "folder").mkdir()
    ended = command("compile", "-o", str(tmp_path / "folder"))
    assert ended.code == 4
    assert f"{tmp_path / 'folder'}: Is a directory" in ended.err
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_what_is_no_file_is_written_to_and_stays_what_it_is(command, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor() as reading:
        text = reading.submit(pipe.read_text)
        assert command("compile", "--target", "kfp", "-o", str(pipe)).code == 0
        assert text.result().startswith("# PIPELINE DEFINITION")
    assert pipe.is_fifo()


def test_a_schedule_for_a_pipeline_that_needs_values_is_refused_before_anything_is_written(tmp_path):
    given = next(case for case in CASES if case.name == "comparisons that hold")
    needs = str(harness.compiled(given.pipeline, tmp_path))
    folder = tmp_path / "out.yaml"
    program = [sys.executable, "-m", "pipelines.sdk", "compile", needs, "-o", str(folder)]
    refused = subprocess.run([*program, "--schedule", "0 2 * * *"], cwd=ROOT, capture_output=True, text=True)
    assert refused.returncode == 2
    assert "parameter folder: a scheduled run has nobody to give it a value" in refused.stderr
    assert "schedule CRON -p NAME=VALUE" in refused.stderr
    assert not folder.exists()
    assert subprocess.run(program, cwd=ROOT, capture_output=True).returncode == 0
