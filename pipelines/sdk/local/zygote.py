"""The process that imports once what all steps need, and forks one process for every step.

It is single-threaded and computes nothing, so that a fork of it is safe and takes milliseconds. Where fork
is not safe (macOS), it starts fresh interpreters instead. The scheduler talks to it over a socket, one JSON
object a line:

    -> {"preload": [source, ...]}                      <- {"ready": {"seconds": 1.9, "modules": [...]}}
    -> {"start": 7, "call": "module:function", "argument": "...", "log": path, "env": {...}}
                                                       <- {"started": 7, "pid": 4711}
                                                       <- {"ended": 7, "code": 0}     negative: the signal
    -> {"kill": 7, "signal": 15}

When the socket closes, whatever still runs is killed: no scheduler, no orphans.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

from pipelines.sdk.local import child


class Zygote:
    """The loop of the process.

    Args:
        control: the socket to the scheduler.
        fork: whether to fork; else steps are started as fresh interpreters.
    """

    def __init__(self, control: socket.socket, fork: bool) -> None:
        self._control = control
        self._fork = fork
        self._pids: dict[int, int] = {}
        self._buffer = b""

    def run(self) -> None:
        """Serves the scheduler until it closes the socket."""
        wake_read, wake_write = socket.socketpair()
        for end in (wake_read, wake_write):
            end.setblocking(False)
        signal.set_wakeup_fd(wake_write.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        selector = selectors.DefaultSelector()
        selector.register(self._control, selectors.EVENT_READ)
        selector.register(wake_read, selectors.EVENT_READ)
        try:
            while True:
                for key, _ in selector.select():
                    if key.fileobj is wake_read:
                        wake_read.recv(4096)
                    elif not self._receive():
                        return
                self._reap()
        finally:
            for pid in self._pids.values():
                _signal_group(pid, signal.SIGKILL)

    def _receive(self) -> bool:
        data = self._control.recv(1 << 20)
        if not data:
            return False
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            self._handle(json.loads(line))
        return True

    def _handle(self, message: dict[str, Any]) -> None:
        if "preload" in message:
            self._preload(message["preload"])
        elif "start" in message:
            pid = self._start(message)
            self._pids[message["start"]] = pid
            self._send({"started": message["start"], "pid": pid})
        elif "kill" in message and message["kill"] in self._pids:
            _signal_group(self._pids[message["kill"]], message["signal"])

    def _preload(self, sources: list[str]) -> None:
        from pipelines.sdk.local.preload import preload

        started = time.perf_counter()
        modules: tuple[str, ...] = ()
        if self._fork:
            for name in ("kfp.dsl.executor", "kfp.dsl.utils", "pipelines.sdk.local.worker"):
                importlib.import_module(name)
            modules = preload(sources)
            gc.collect()
            gc.freeze()  # objects of the imports stay shared between the forked processes
        self._send({"ready": {"seconds": time.perf_counter() - started, "modules": modules}})

    def _start(self, message: dict[str, Any]) -> int:
        if not self._fork:
            return _spawn(message)
        pid = os.fork()
        if pid == 0:
            self._control.close()
            signal.set_wakeup_fd(-1)
            child.enter(message["call"], message["argument"], message["log"], message["env"])
        return pid

    def _reap(self) -> None:
        """Reports who has ended; the rest of their process group (what a step left behind) is killed."""
        for number, pid in list(self._pids.items()):
            if _has_ended(pid):
                # Not yet waited for: while the leader is a zombie, nobody else can get its group's number.
                _signal_group(pid, signal.SIGKILL)
                _, status = os.waitpid(pid, 0)
                del self._pids[number]
                self._send({"ended": number, "code": os.waitstatus_to_exitcode(status)})

    def _send(self, message: Mapping[str, Any]) -> None:
        self._control.sendall(json.dumps(message).encode() + b"\n")


def _has_ended(pid: int) -> bool:
    if not hasattr(os, "waitid"):  # macOS before Python 3.13
        return subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True).stdout[:1] == b"Z"
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _spawn(message: dict[str, Any]) -> int:
    command = [sys.executable, "-m", "pipelines.sdk.local.child", json.dumps(message)]
    # waitid() in _reap collects it; a Popen object that is dropped complains of a child still running.
    process = subprocess.Popen(command, start_new_session=True)
    process.returncode = 0
    return process.pid


def _signal_group(pid: int, number: int) -> None:
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        # Gone already; or so young that it has no group of its own yet.
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def main() -> None:
    """Runs on the socket whose number is the first argument; the second is `fork` or `spawn`."""
    control = socket.socket(fileno=int(sys.argv[1]))
    os.set_inheritable(control.fileno(), False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Zygote(control, fork=sys.argv[2] == "fork").run()


if __name__ == "__main__":
    main()
