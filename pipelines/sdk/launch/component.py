"""A lightweight component in its own process: what `python3 -m kfp.dsl.executor_main ARGUMENTS` does.

But the arguments come in a file, since the kernel takes no more than 128 KiB in one, and artifacts can have
other places than KFP's own.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
from collections.abc import Mapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PREFIXES = {"gs://": "_GCS", "s3://": "_S3", "minio://": "_MINIO"}


def main(file: str) -> None:
    """Run the component that a file describes: `{"module", "arguments", "mounts"}`."""
    with open(file, encoding="utf-8") as opened:
        given = json.load(opened)
    sys.path[0] = os.getcwd()  # as with `python3 -m`
    sys.argv = [given["module"], *given["arguments"]]
    if given["mounts"]:
        _mount(given["mounts"])
    runpy.run_module(given["module"], run_name="__main__", alter_sys=True)


def _mount(mounts: Mapping[str, str]) -> None:
    """Have `Artifact.path` find artifacts elsewhere; KFP knows no folder at all for web addresses."""
    from kfp.dsl.types import artifact_types

    for scheme, name in PREFIXES.items():
        if scheme in mounts:
            setattr(artifact_types, f"{name}_LOCAL_MOUNT_PREFIX", mounts[scheme])
    inherited = artifact_types.Artifact._get_path

    def get_path(artifact: Any) -> str | None:
        path: str | None = inherited(artifact)
        for scheme in mounts.keys() - PREFIXES.keys():
            if path is not None and path.startswith(scheme):
                return f"{mounts[scheme]}{path[len(scheme) :]}"
        return path

    artifact_types.Artifact._get_path = get_path


if __name__ == "__main__":
    main(sys.argv[1])
