"""What runs in a step's own process."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines.sdk import launch

MODULE = "ephemeral_component"  # KFP's name: what a step pickles, a step on a cluster can load


def run_step(request_file: str) -> int:
    """Runs the step of a request file and leaves its result beside it.

    Args:
        request_file: path of `request.json`, as `launch.Request` reads it.

    Returns:
        The step's exit code.
    """
    path = Path(request_file)
    request = launch.Request.from_json(json.loads(path.read_text(encoding="utf-8")))
    result = launch.run(request, call=lambda *call: _call_python(path.parent, request, *call))
    launch.write_result(path.with_name("result.json"), result)
    return 0


def _call_python(
    folder: Path, request: launch.Request, source: str, function: str, executor_input: Mapping[str, Any]
) -> None:
    """A lightweight component, as `kfp.dsl.executor_main` runs it, but without another interpreter."""
    from kfp.dsl import utils
    from kfp.dsl.executor import Executor

    layout = "[KFP Executor %(asctime)s %(levelname)s]: %(message)s"
    # By force: as there, before anything that was imported could decide otherwise.
    logging.basicConfig(stream=sys.stdout, format=layout, level=logging.INFO, force=True)
    _mount(request)
    (folder / f"{MODULE}.py").write_text(source, encoding="utf-8")
    sys.dont_write_bytecode = True  # the folder is the run's record
    module = utils.load_module(module_name=MODULE, module_directory=str(folder))
    Executor(executor_input=executor_input, function_to_execute=getattr(module, function)).execute()


def _mount(request: launch.Request) -> None:
    """Has `Artifact.path` find remote artifacts in the run's folder, where KFP has volumes for them."""
    from kfp.dsl.types import artifact_types

    for scheme, name in (("gs://", "_GCS"), ("s3://", "_S3"), ("minio://", "_MINIO")):
        if scheme in request.mounts:
            setattr(artifact_types, f"{name}_LOCAL_MOUNT_PREFIX", request.mounts[scheme])
    if request.context.workspace:
        artifact_types.WORKSPACE_MOUNT_PATH = request.context.workspace
    inherited = artifact_types.Artifact._get_path

    def get_path(artifact: Any) -> str | None:
        """As ever, but for web addresses that have been fetched; KFP knows no folder for those."""
        path: str | None = inherited(artifact)
        for scheme in ("http://", "https://"):
            if scheme in request.mounts and path is not None and path.startswith(scheme):
                return f"{request.mounts[scheme]}{path.removeprefix(scheme)}"
        return path

    artifact_types.Artifact._get_path = get_path
