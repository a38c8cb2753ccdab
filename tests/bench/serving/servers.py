"""The servers that are measured: how each is started, and what it speaks."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.bench.serving import environments
from tests.bench.serving.environments import ROOT, Environment
from tests.bench.serving.processes import Running, free_ports
from tests.bench.serving.ratios import OURS, WORKERS
from tests.bench.serving.subject import INVOCATIONS, NAME, V1, V2, Protocol

_KEPT: Final = ("HOME", "LANG", "LC_ALL", "TMPDIR", "TZ")


@dataclass(frozen=True)
class Site:
    """Where one server is started.

    Args:
        python: of its environment.
        model: folder of the model.
        port: to listen at, on the loopback address.
        folder: for its settings and its log.
    """

    python: Path
    model: Path
    port: int
    folder: Path


@dataclass(frozen=True)
class Server:
    """A server.

    Args:
        name: as options have it.
        title: as tables have it.
        peer: whether ours is compared with it.
        protocols: that it is measured with.
        environment: its packages; None for the project's own.
        command: that starts it.
    """

    name: str
    title: str
    peer: bool
    protocols: tuple[Protocol, ...]
    environment: Callable[[], Environment] | None
    command: Callable[[Site], list[str]]

    def python(self, folder: Path) -> Path:
        """The Python of its environment, made in the folder where it is not there."""
        return environments.made(self.environment(), folder) if self.environment else Path(sys.executable)

    def start(self, python: Path, model: Path, folder: Path) -> tuple[Running, int]:
        """Start it; the process, and the port that it will listen at.

        Args:
            python: of its environment.
            model: folder of the model.
            folder: for its settings and its log; made.
        """
        folder.mkdir(parents=True, exist_ok=True)
        site = Site(python, model, free_ports(1)[0], folder)
        return Running(self.command(site), _variables(python, self.peer), folder), site.port


def _variables(python: Path, peer: bool) -> dict[str, str]:
    # Nothing of the caller's that would change one of them: proxies, MLflow's servers, other environments.
    return {
        **{name: os.environ[name] for name in _KEPT if name in os.environ},
        "PATH": f"{python.parent}:/usr/local/bin:/usr/bin:/bin",
        **({} if peer else {"PYTHONPATH": str(ROOT)}),
        "PYTHONUNBUFFERED": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
    }


def _ours(*options: str) -> Callable[[Site], list[str]]:
    def command(site: Site) -> list[str]:
        own = ["-m", "pipelines.sdk.serving", str(site.model), "--port", str(site.port), "--name", NAME]
        return [str(site.python), *own, *options]

    return command


def _mlserver(site: Site) -> list[str]:
    grpc, metrics = free_ports(2)
    # Its worker processes fail with today's uvloop (SeldonIO/MLServer#2286), and are slower than none.
    settings = {"host": "127.0.0.1", "http_port": site.port, "grpc_port": grpc, "metrics_port": metrics}
    implementation = {"name": NAME, "implementation": "mlserver_mlflow.MLflowRuntime"}
    _write(site.folder / "settings.json", {**settings, "parallel_workers": 0})
    _write(site.folder / "model-settings.json", {**implementation, "parameters": {"uri": str(site.model)}})
    return [str(site.python.parent / "mlserver"), "start", str(site.folder)]


def _write(file: Path, value: object) -> None:
    file.write_text(json.dumps(value), encoding="utf-8")


def _mlflow(site: Site) -> list[str]:
    options = ["--env-manager", "local", "--host", "127.0.0.1", "--port", str(site.port)]
    return [str(site.python.parent / "mlflow"), "models", "serve", "-m", str(site.model), *options]


def _kserve(site: Site) -> list[str]:
    script = environments.PEERS / "kserve_server.py"
    return [str(site.python), str(script), str(site.model), NAME, str(site.port)]


ALL: Final = (
    Server(OURS, "ours", False, (V2, INVOCATIONS, V1), environments.of_image, _ours()),
    Server("ours-venv", "ours, in the project's .venv", False, (V2,), None, _ours()),
    Server(WORKERS, "ours, `--workers 2`", False, (V2,), environments.of_image, _ours("--workers", "2")),
    Server(
        "mlserver",
        "MLServer 1.7.1",
        True,
        (V2, INVOCATIONS),
        lambda: environments.of_peer("mlserver"),
        _mlserver,
    ),
    Server(
        "mlflow",
        "`mlflow models serve`",
        True,
        (INVOCATIONS,),
        lambda: environments.of_peer("mlflow"),
        _mlflow,
    ),
    Server("kserve", "KServe's SDK server", True, (V2, V1), lambda: environments.of_peer("kserve"), _kserve),
)
