"""Container components on a laptop: their command line for docker or podman."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
import os
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from pipelines.sdk import launch
from pipelines.sdk.launch.paths import local_path

ENGINES = ("docker", "podman")
PASSED_ON = ("PIPELINE_RUN_ID", "PIPELINE_NAME", "PIPELINE_TASK", "MLFLOW_TRACKING_URI")
ASK_SECONDS = 20.0  # for an engine to say that it is there


def find_engine() -> str:
    """The first engine that is installed and answers (docker's client alone does not); '' for none."""
    for name in ENGINES:
        if shutil.which(name) and _answers([name, "version", "--format", "{{.Server.Version}}"]):
            return name
    return ""


def _answers(command: list[str]) -> bool:
    try:
        # Podman without a service has no Server, and prints so with exit code 0.
        return subprocess.run(command, capture_output=True, timeout=ASK_SECONDS).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


@dataclass(frozen=True)
class Engine:
    """Runs a container component's command in its image.

    The run's files have the same path inside as outside, so that nothing in the command needs translation.

    Args:
        name: `docker` or `podman`.
        home: folder that is mounted writable.
    """

    name: str
    home: Path

    def wrap(self, request: launch.Request) -> launch.Request:
        """The same step, but its command starts a container that runs the command.

        Args:
            request: its task's command and args are templates, and stay templates.
        """
        task = request.task
        entry = ["--entrypoint", task.command[0]] if task.command else []
        options = [
            *("--rm", "--name", container_name(request), *self._particular()),
            *("--user", f"{os.getuid()}:{os.getgid()}"),
            *("--security-opt", "label=disable"),  # SELinux would keep the container from the run's files
            *_mount(self.home),
            *(text for path in self._outside(request) for text in _mount(path, "readonly")),
            *("--env", "HOME=/tmp"),
            *(text for name in (*PASSED_ON, *task.env) for text in ("--env", name)),
        ]
        command = (self.name, "run", *options, *entry, task.image, *task.command[1:], *task.args)
        return replace(request, task=replace(task, command=command, args=()))

    def _particular(self) -> tuple[str, ...]:
        if self.name == "docker":
            return ("--init",)  # a program that is process 1 does not hear SIGTERM; podman may lack an init
        # Podman without root gives the container other users; files would belong to one of those.
        return ("--userns=keep-id",) if os.getuid() else ()

    def _outside(self, request: launch.Request) -> list[Path]:
        """Input artifacts that are not below the mounted folder: an importer's."""
        paths = {Path(local_path(r, request)) for records in request.artifacts.values() for r in records}
        return sorted(p for p in paths if p.exists() and not p.is_relative_to(self.home))

    async def kill(self, request: launch.Request) -> None:
        """Ends the container of a step that was stopped: killing the client leaves it running."""
        with suppress(OSError, TimeoutError):
            process = await asyncio.create_subprocess_exec(
                *(self.name, "kill", container_name(request)),  # and --rm removes it
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
            )
            try:
                await asyncio.wait_for(process.wait(), ASK_SECONDS)
            finally:
                if process.returncode is None:
                    process.kill()


def _mount(path: Path, *options: str) -> tuple[str, str]:
    """The same path inside as outside. An engine reads the option as a line of CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(["type=bind", f"source={path}", f"target={path}", *options])
    return ("--mount", text.getvalue())


def container_name(request: launch.Request) -> str:
    """A name that this attempt of the step alone has."""
    return f"pipelines-{hashlib.sha256(request.context.task_id.encode()).hexdigest()[:16]}"
