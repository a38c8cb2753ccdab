"""`python -m pipelines.sdk COMMAND FILE.yaml`, for any compiled pipeline."""

import os
import sys

if __name__ == "__main__":
    # Reading IR needs kfp's messages, not its compiler: kfp leaves out the second, and a second of imports.
    os.environ.setdefault("_KFP_RUNTIME", "true")
    from pipelines.sdk.cli import generic

    sys.exit(generic())
