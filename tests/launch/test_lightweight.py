"""Lightweight components in a pod: started as KFP starts them, without its shell and its pip."""

import json
import subprocess
import sys
import textwrap
import zipfile
from dataclasses import replace
from pathlib import Path

import kfp
import pytest
from kfp import dsl

from pipelines.sdk.launch import encode
from pipelines.sdk.launch.bootstrap import Bootstrap, recognise
from tests.launch.kfp_steps import task_of

KFP = (f"kfp=={kfp.__version__}", "--no-deps", 'typing-extensions>=3.7.4,<5; python_version<"3.9"')
MAIN = "kfp.dsl.executor_main"


def say(text: str) -> str:
    return text


TOMLI = "tomli; python_version<'3.11'"
ADDRESS = "a @ https://host/a.zip?x=1&y=2"
ONE, TWO = "https://one/simple", "https://two/simple"
SOURCES = ("--index-url", ONE, "--extra-index-url", TWO, "--trusted-host", ONE, "--trusted-host", TWO)


@pytest.mark.parametrize(
    ("options", "installs"),
    [
        ({"install_kfp_package": False}, ()),
        ({}, (KFP,)),
        (
            {"packages_to_install": ["pandas==2.2.0", TOMLI], "install_kfp_package": False},
            (("pandas==2.2.0", TOMLI),),
        ),
        ({"packages_to_install": [ADDRESS]}, ((ADDRESS,), KFP)),
        ({"packages_to_install": ["kfp==2.4.0"]}, (("kfp==2.4.0",),)),
        (
            {"packages_to_install": ["a"], "pip_index_urls": [ONE, TWO]},
            ((*SOURCES, "a"), (*SOURCES, *KFP)),
        ),
    ],
)
def test_commands_of_the_compiler_are_recognised_with_what_they_install(options, installs):
    task = task_of(dsl.component(base_image="python:3.11", **options)(say))
    assert recognise(task) == Bootstrap(MAIN, installs)


OLD = textwrap.dedent("""
    if ! [ -x "$(command -v pip)" ]; then
        python3 -m ensurepip || python3 -m ensurepip --user || apt-get install python3-pip
    fi

    PIP_DISABLE_PIP_VERSION_CHECK=1 python3 -m pip install --quiet     --no-warn-script-location \\
        'kfp==2.0.1' && "$0" "$@"
""").replace("\\\n", "")


def test_the_spacing_of_older_compilers_makes_no_difference():
    task = task_of(dsl.component(base_image="python:3.11")(say))
    old = (*task.command[:2], OLD, *task.command[3:])
    assert recognise(replace(task, command=old)) == Bootstrap(MAIN, (("kfp==2.0.1",),))


def changed(task, at, old, new):
    words = list(task.command)
    assert old in words[at]
    words[at] = words[at].replace(old, new)
    return replace(task, command=tuple(words))


def test_a_command_that_differs_in_a_word_is_somebodys_own():
    task = task_of(dsl.component(base_image="python:3.11", packages_to_install=["a"])(say))
    assert recognise(task)
    for at, old, new in (
        (2, "PIP_DISABLE", "export X=1; PIP_DISABLE"),
        (2, "'a'", "$(evil)"),
        (2, "'a'", "'a' | tee log"),
        (2, "--quiet", "--verbose"),
        (5, "program_path=", "set -x; program_path="),
        (5, "mktemp -d", "pwd"),
        (4, "-ec", "-exc"),
        (6, "def", "class"),
    ):
        assert recognise(changed(task, at, old, new)) is None
    assert recognise(replace(task, args=(*task.args, "--more", "x"))) is None
    assert recognise(replace(task, command=("python3", "-m", MAIN))) is None
    venv = dsl.component(base_image="python:3.11", use_venv=True)(say)
    assert recognise(task_of(venv)) is None


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def size(items: list) -> str:
    import os
    import sys

    import __main__

    return f"{sum(map(len, items))} {__name__} {__main__.__spec__.name} {os.getcwd() in sys.path[:2]}"


def test_inputs_larger_than_an_argument_can_be_reach_a_lightweight_component(pod, tmp_path):
    pod.write(task_of(size))
    items = encode(["x" * 1000] * 300, limit=None)
    (tmp_path / "argument").write_text(f"--in=items={items}")
    done = pod.run(f"@{tmp_path}/argument")
    assert done.returncode == 0, done.stderr
    assert json.loads(pod.out("p-Output-file")) == f"300000 ephemeral_component {MAIN} True"


def test_a_command_that_is_not_kfps_runs_as_it_is(pod, tmp_path):
    task = task_of(size)
    pod.env["PATH"] = f"{Path(sys.executable).parent}:{pod.env['PATH']}"
    pod.write(changed(task, 2, "program_path=", f"touch {tmp_path}/seen; program_path="))
    done = pod.run('--in=items=["ab"]')
    assert done.returncode == 0, done.stderr
    assert json.loads(pod.out("p-Output-file")).startswith("2 ephemeral_component")
    assert (tmp_path / "seen").exists()


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """An interpreter of an image with pip and a place for one more package, and pip's only source."""
    folder = tmp_path_factory.mktemp("image")
    base = Path(sys.base_prefix, "bin", "python3")
    subprocess.run([base, "-m", "venv", folder / "venv"], check=True, timeout=120)
    wheels = folder / "wheels"
    wheels.mkdir()
    info = "tiny_of_ours-1.0.dist-info"
    with zipfile.ZipFile(wheels / "tiny_of_ours-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tiny_of_ours.py", "SIZE = 1")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-of-ours\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return folder


@dsl.component(base_image="python:3.11", packages_to_install=["tiny-of-ours>=1.0"])
def needy() -> int:
    import tiny_of_ours

    return tiny_of_ours.SIZE


@pytest.mark.slow
def test_what_the_image_lacks_is_installed_once(pod, image):
    pod.write(task_of(needy))
    site = Path(kfp.__file__).parents[1]
    pod.env |= {"PYTHONPATH": str(site), "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(image / "wheels")}
    python = [str(image / "venv" / "bin" / "python3")]
    done = pod.run(python=python)
    assert (done.returncode, pod.out("p-Output-file")) == (0, "1"), done.stderr
    pod.env["PIP_FIND_LINKS"] = "/nowhere"
    done = pod.run(python=python)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_an_image_without_kfp_is_told_so(pod, image):
    pod.env |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(image / "wheels")}
    python = [str(image / "venv" / "bin" / "python3")]
    pod.write(task_of(size))
    done = pod.run("--in=items=[]", python=python)
    assert done.returncode == 1
    assert (
        done.stderr == f"error: task for-loop-1/fit: the image lacks kfp ({MAIN}); install kfp in the image\n"
    )
    pod.write(task_of(dsl.component(base_image="python:3.11")(say)))
    done = pod.run('--in=text="x"', python=python)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert f"the image lacks kfp=={kfp.__version__}, and pip exited with code 1; install kfp" in last
