"""Gives a lightweight component the packages that its image lacks, as KFP's script would."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence

from .bootstrap import Bootstrap
from .errors import LaunchError
from .process import start

OPTIONS_WITH_VALUE = ("--index-url", "--extra-index-url", "--trusted-host")
TARGET = "/tmp/packages"  # noqa: S108 - the root file system is read-only


def provide(bootstrap: Bootstrap) -> dict[str, str]:
    """Install what is not there; nothing at all where everything is.

    Returns:
        Variables with which the step finds it.

    Raises:
        LaunchError: pip could not, or KFP's executor is still not there.
    """
    path = [os.getcwd(), *sys.path[1:]]  # the launcher's own folder comes first in its path
    lacking = [
        words for words in bootstrap.installs if not all(_is_met(r, path) for r in _requirements(words))
    ]
    if not lacking:
        if not _has_executor(path, bootstrap.module):
            raise LaunchError(f"the image lacks kfp ({bootstrap.module})", mend="install kfp in the image")
        return {}
    options, env = _place()
    env["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    for words in lacking:
        pip = ["-m", "pip", "install", "--quiet", "--no-warn-script-location", *options, *words]
        try:
            if not any(os.path.exists(os.path.join(folder, "pip")) for folder in path):
                start([sys.executable, "-m", "ensurepip", *options[:1]], env)
            start([sys.executable, *pip], env)
        except LaunchError as error:
            names = ", ".join(r for r in _requirements(words) if not _is_met(r, path))
            mend = f"install {names} in the image: a pod may have no network to install it from"
            raise LaunchError(f"the image lacks {names}, and pip {error.what}", mend=mend) from error
    return env


def _place() -> tuple[list[str], dict[str, str]]:
    """Options and variables of pip for a place that can be written, and from which the step can import."""
    import sysconfig

    if os.access(sysconfig.get_paths()["purelib"], os.W_OK):
        return [], {}
    if sys.prefix != sys.base_prefix:  # a virtual environment has no user's packages
        known = os.environ.get("PYTHONPATH", "")
        return ["--target", TARGET], {"PYTHONPATH": f"{TARGET}:{known}" if known else TARGET}
    home = os.path.expanduser("~")
    return ["--user"], {} if os.access(home, os.W_OK) else {"HOME": "/tmp"}  # noqa: S108


def _requirements(words: Sequence[str]) -> Iterator[str]:
    for before, word in zip(("", *words), words):
        if not word.startswith("-") and before not in OPTIONS_WITH_VALUE:
            yield word


def _has_executor(path: Sequence[str], module: str) -> bool:
    file = f"{module.replace('.', '/')}.py"
    return any(os.path.exists(os.path.join(folder, file)) for folder in path)


def _is_met(requirement: str, path: Sequence[str]) -> bool:
    """Whether a requirement is surely met; of what only pip understands, it is not sure."""
    bare, _, marker = requirement.partition(";")
    if re.fullmatch(r"""\s*python_version\s*<\s*["']3\.9["']\s*""", marker):
        return True  # KFP's own, for older Pythons than any that runs this
    if re.fullmatch(r"kfp\s*([=<>!~].*)?", bare.strip()) and not marker:
        # Whichever version it is: the executor and its arguments are the same in all of them.
        return _has_executor(path, "kfp.dsl.executor_main") or _has_executor(
            path, "kfp.components.executor_main"
        )
    plain = re.fullmatch(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*([=<>!~].*)?", bare.strip())
    if marker or not plain:
        return False
    from importlib import metadata  # takes as long as half of the launcher

    found = next(iter(metadata.distributions(name=plain[1], path=list(path))), None)
    return found is not None and _is_in(found.version, plain[2] or "")


def _is_in(version: str, specifiers: str) -> bool:
    if not specifiers or specifiers in (f"=={version}", f"==={version}"):
        return True
    try:
        from packaging.specifiers import SpecifierSet
    except ImportError:
        return False
    try:
        return SpecifierSet(specifiers).contains(version, prereleases=True)
    except ValueError:  # pip has the word for what is wrong with it
        return False
