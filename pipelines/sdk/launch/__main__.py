"""Starts the launcher, as `python3 -m launch` or as `python3 DIR/launch`.

The second way needs neither PYTHONPATH nor another working directory, which the step would inherit.
"""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    if __package__:
        from .pod import main
    else:
        # Not resolved: in a mounted ConfigMap every file is a link into a folder of another name.
        folder = os.path.dirname(os.path.abspath(__file__))
        sys.path[0] = os.path.dirname(folder)
        main = __import__(f"{os.path.basename(folder)}.pod", fromlist=["main"]).main
    sys.exit(main(sys.argv[1:]))
