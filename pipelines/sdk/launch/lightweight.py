"""Runs KFP's lightweight components: at once where the image has what they need, else as KFP does."""

from __future__ import annotations

import json
import re
import shlex
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib import metadata
from importlib.machinery import PathFinder
from pathlib import Path

from .documents import Request, Result
from .errors import LaunchError
from .execute import execute
from .outputs import KFP_EXECUTOR

MODULE = "ephemeral_component.py"
"""As KFP's own start-up script calls it; pickles and log lines hold the name."""

USER_BASE = "/tmp/.local"  # noqa: S108 - the root file system is read-only


MOUNTING = """
import json, sys
from kfp.dsl import executor_main
from kfp.dsl.types import artifact_types
mounts = json.loads(sys.argv.pop(1))
for scheme, name in (("gs://", "_GCS"), ("s3://", "_S3"), ("minio://", "_MINIO")):
    if scheme in mounts:
        setattr(artifact_types, f"{name}_LOCAL_MOUNT_PREFIX", mounts[scheme])
inherited = artifact_types.Artifact._get_path
def get_path(artifact):
    path = inherited(artifact)
    for scheme, folder in mounts.items():
        if path is not None and path.startswith(scheme):
            return folder + path[len(scheme):]
    return path
artifact_types.Artifact._get_path = get_path
executor_main.executor_main()
"""
"""KFP's executor knows no folder for what came from the web."""


def executed(request: Request) -> Result:
    """Like `execute`, for a step that has Python source.

    Raises:
        LaunchError: as `execute` does.
    """
    task = request.task
    if (
        task.python is None
        or not any(KFP_EXECUTOR in word for word in task.command)
        or task.python.source not in task.command
    ):
        return execute(request)
    missing = missing_packages(task.command)
    if not missing:
        return _directly(request, task.python.source)
    env = {"HOME": "/tmp", "PYTHONUSERBASE": USER_BASE, **task.env}  # noqa: S108
    try:
        return execute(replace(request, task=replace(task, env=env)))
    except LaunchError as error:
        installed = [str(path) for path in Path(USER_BASE).glob("lib/python*/site-packages")]
        if still := missing_packages(task.command, installed):
            names = ", ".join(still)
            mend = f"install {names} in the image: a pod may have no network to install it from"
            raise LaunchError(error.what, error.where, mend, error.exit_code) from error
        raise


def _directly(request: Request, source: str) -> Result:
    task = request.task
    with tempfile.TemporaryDirectory(prefix="step-") as folder:
        module = Path(folder, MODULE)
        module.write_text(source, encoding="utf-8")
        start = ("-c", MOUNTING, json.dumps(dict(request.mounts))) if request.mounts else ("-m", KFP_EXECUTOR)
        command = (sys.executable, *start, "--component_module_path", str(module))
        env = {"PYTHONDONTWRITEBYTECODE": "1", **task.env, "_KFP_RUNTIME": "true"}
        return execute(replace(request, task=replace(task, command=command, env=env)))


def missing_packages(command: Sequence[str], more: Sequence[str] = ()) -> list[str]:
    """The requirements that KFP's start-up script would install, and that are not met here.

    Args:
        command: of the step.
        more: folders with packages, besides those of `sys.path`.
    """
    path = [*more, str(Path.cwd()), *sys.path[1:]]
    wanted = [each for word in command for each in _requirements(word)]
    missing = [each for each in dict.fromkeys(wanted) if not _is_met(each, path)]
    kfp = PathFinder.find_spec("kfp", path)
    if (kfp is None or kfp.origin is None) and not any(re.match(r"kfp\b", each) for each in missing):
        missing.insert(0, "kfp")
    return missing


def _requirements(script: str) -> Iterator[str]:
    if "pip install" not in script:
        return
    try:
        words = shlex.split(script.replace("&&", " && ").replace(";\n", " ; "), comments=False)
    except ValueError:
        return
    inside, skip = False, False
    for before, word in zip(["", *words], words):
        if word == "install" and before == "pip":
            inside = True
        elif word in ("&&", ";", "||", "|"):
            inside = False
        elif inside and skip:
            skip = False
        elif inside and word.startswith("-"):
            skip = word in ("--index-url", "-i", "--extra-index-url", "--trusted-host", "--find-links", "-f")
        elif inside:
            yield word


def _is_met(requirement: str, path: Sequence[str]) -> bool:
    """Whether a package is here; of those that are pinned, whether it is that version."""
    bare, _, marker = requirement.partition(";")
    if re.search(r"python_version\s*<\s*['\"]3\.9['\"]", marker):
        return True  # KFP's own for older Pythons than any that runs this
    name = re.match(r"[A-Za-z0-9._-]+", bare.strip())
    if name is None or "@" in bare or "/" in bare:
        return False  # an address: what is behind it, only pip knows
    found = next(iter(metadata.distributions(name=name.group(), path=list(path))), None)
    if found is None:
        return False
    pin = re.fullmatch(r"[^=<>!~]*===?\s*([^\s,*]+)\s*", bare)
    if pin is None:
        return True
    if name.group() == "kfp":  # the executor and its arguments are the same in all of a major version
        return found.version.partition(".")[0] == pin.group(1).partition(".")[0]
    return found.version == pin.group(1)
