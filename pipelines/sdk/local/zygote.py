"""The process that imports once what many steps need, and forks one process for every step.

It has one thread and computes nothing, so that a fork of it is safe and takes milliseconds. Where fork is
not safe (macOS), it starts fresh interpreters instead. The scheduler talks to it over a socket, one JSON
object a line:

    -> {"preload": "key", "modules": ["pandas", ...]}  <- {"importing": "pandas"}, for each that is new
                                                       <- {"unsafe": "module", "threads": ["name"]}
                                                       <- {"loaded": "key", "seconds": 1.9}
    -> {"start": 7, "call": "module:function", "argument": "...", "log": path, "env": {...}, "fresh": false}
                                                       <- {"started": 7, "pid": 4711}
                                                       <- {"ended": 7, "code": 0}     negative: the signal
                                                       <- {"refused": 7, "why": "..."}
    -> {"kill": 7, "signal": 15}

Modules are imported one at a time while nothing else is to do, so a step starts as soon as its own are there.
When the socket closes, whatever still runs is ended: no scheduler, no orphans.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
import warnings
from collections import deque
from collections.abc import Mapping
from typing import Any

from pipelines.sdk.local import child, interpreter, preload

TERM_SECONDS = 1.0  # between SIGTERM and SIGKILL where no scheduler is left to wait


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
        self._imports: deque[tuple[str, str]] = deque()  # key and module; '' closes a key
        self._seconds = 0.0
        self._wake, self._waker = socket.socketpair()
        self._selector = selectors.DefaultSelector()

    def run(self) -> None:
        """Serves the scheduler until it closes the socket."""
        for end in (self._wake, self._waker):
            end.setblocking(False)
        for source in (self._control, self._wake):
            self._selector.register(source, selectors.EVENT_READ)
        self._arm()
        try:
            while self._turn():
                pass
        except (BrokenPipeError, ConnectionResetError):
            return  # the scheduler has been killed
        finally:
            self._end_all()

    def _arm(self) -> None:
        """Has SIGCHLD wake the loop; a module may have changed that when it was imported."""
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def _turn(self) -> bool:
        """One round: what was asked, who has ended, one import. False when the scheduler has gone."""
        for key, _ in self._selector.select(0 if self._imports else None):
            if key.fileobj is self._wake:
                self._wake.recv(4096)
            elif not self._receive():
                return False
        for number, code in self._reap():
            self._send({"ended": number, "code": code})
        if self._imports:
            self._import(*self._imports.popleft())
        return True

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
            key = message["preload"]
            self._imports.extend((key, name) for name in [*message["modules"], ""])
        elif "start" in message:
            self._start(message["start"], message)
        elif "kill" in message and message["kill"] in self._pids:
            _signal_group(self._pids[message["kill"]], message["signal"])

    def _import(self, key: str, name: str) -> None:
        if not name:
            gc.freeze()  # objects of the imports stay shared between the forked processes
            self._send({"loaded": key, "seconds": self._seconds})
        elif preload.is_new(name):
            self._send({"importing": name})
            started = time.perf_counter()
            preload.import_module(name)
            self._seconds += time.perf_counter() - started
            self._arm()
            if names := preload.threads():
                self._fork = False  # a lock that one of them held would be held for ever in a fork
                self._imports.clear()
                self._send({"unsafe": name, "threads": names})

    def _start(self, number: int, message: Mapping[str, Any]) -> None:
        try:
            pid = self._fork_step(message) if self._fork and not message["fresh"] else _spawn(message)
        except OSError as error:  # no more processes, no more memory
            self._send({"refused": number, "why": error.strerror or str(error)})
            return
        self._pids[number] = pid
        self._send({"started": number, "pid": pid})

    def _fork_step(self, message: Mapping[str, Any]) -> int:
        with warnings.catch_warnings():
            # Python 3.12 warns where a library's C code has threads; those (OpenBLAS) know about forks.
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            for end in (self._control, self._wake, self._waker, self._selector):
                end.close()
            child.enter(message["call"], message["argument"], message["log"], message["env"])
        return pid

    def _reap(self) -> list[tuple[int, int]]:
        """Who has ended, and how; the rest of their process group (what a step left behind) is killed."""
        ended = []
        for number, pid in list(self._pids.items()):
            if _has_ended(pid):
                # Not yet waited for: while the leader is a zombie, nobody else can get its group's number.
                _signal_group(pid, signal.SIGKILL)
                _, status = os.waitpid(pid, 0)
                del self._pids[number]
                ended.append((number, os.waitstatus_to_exitcode(status)))
        return ended

    def _end_all(self) -> None:
        """Asks first: the client of a container engine passes SIGTERM on, and SIGKILL not."""
        for pid in self._pids.values():
            _signal_group(pid, signal.SIGTERM)
        deadline = time.monotonic() + TERM_SECONDS
        while self._pids and time.monotonic() < deadline:
            self._reap()
            time.sleep(0.01)
        for pid in self._pids.values():
            _signal_group(pid, signal.SIGKILL)

    def _send(self, message: Mapping[str, Any]) -> None:
        self._control.sendall(json.dumps(message).encode() + b"\n")


def _has_ended(pid: int) -> bool:
    if not hasattr(os, "waitid"):  # macOS before Python 3.13
        return subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True).stdout[:1] == b"Z"
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _spawn(message: Mapping[str, Any]) -> int:
    env = {**os.environ, **message["env"]}
    if own := message["env"].get("PYTHONPATH"):  # beside the one by which our own modules are found
        env["PYTHONPATH"] = os.pathsep.join([own, os.environ.get("PYTHONPATH", "")])
    command = interpreter.command("pipelines.sdk.local.child", json.dumps(message))
    process = subprocess.Popen(command, env=env, start_new_session=True)
    # waitid() in _reap collects it; a Popen object that is dropped complains of a child still running.
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
    control.set_inheritable(False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    faulthandler.enable()  # a module, or a step, that crashes in C code says where
    gc.disable()  # nothing here becomes garbage, and imports are a fifth faster without the search for it
    Zygote(control, fork=sys.argv[2] == "fork").run()
    os._exit(0)  # not waiting for threads that imports have started


if __name__ == "__main__":
    main()
