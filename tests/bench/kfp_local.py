"""Runs a compiled pipeline with kfp.local, and prints the seconds that the run itself took."""

import json
import logging
import sys
import tempfile
import time

from kfp import components, local

if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as root:
        local.init(local.SubprocessRunner(use_venv=False), pipeline_root=root)
        pipeline = components.load_component_from_file(sys.argv[1])
        started = time.perf_counter()
        # kfp.local prints on standard output.
        stdout, sys.stdout = sys.stdout, sys.stderr
        pipeline()
        json.dump({"seconds": time.perf_counter() - started}, stdout)
