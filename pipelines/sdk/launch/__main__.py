"""Starts the launcher, as `python3 -m launch` or as `python3 DIR/launch`.

The second way needs neither PYTHONPATH nor another working directory, which the step would inherit.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

if __name__ == "__main__":
    if __package__:
        from .command import main
    else:
        # Not resolved: in a mounted ConfigMap every file is a link into a folder of another name.
        folder = Path(__file__).absolute().parent
        sys.path[0] = str(folder.parent)
        main = importlib.import_module(f"{folder.name}.command").main
    sys.exit(main(sys.argv[1:]))
