"""The processes of a run: what they are given, how they end, and what is left of them."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from pipelines.sdk.errors import EnvironmentProblem
from pipelines.sdk.local.pool import Call, Pool, Stopped
from tests.local.test_faults import alive, wait_for


class Bench:
    """Runs a coroutine with a pool, and names logs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(
        self, work: Callable[[Pool], Awaitable[object]], size: int = 2, fork: bool = True, **imports: str
    ) -> Pool:
        async def main() -> Pool:
            async with Pool(self.folder / "preload.log", {"FROM_THE_RUN": "1"}, size, fork) as pool:
                pool.preload({key: tuple(names.split()) for key, names in imports.items()})
                await work(pool)
            return pool

        return asyncio.run(asyncio.wait_for(main(), 60))

    def call(self, target: str, argument: object = "", needs: str = "", **more: object) -> Call:
        return Call(f"tests.local.calls:{target}", str(argument), self.log(target), {}, needs, **more)

    def log(self, target: str) -> Path:
        return self.folder / f"{target}.log"

    def module(self, name: str, text: str) -> None:
        (self.folder / f"{name}.py").write_text(text)

    @property
    def preload_log(self) -> str:
        return (self.folder / "preload.log").read_text()


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.syspath_prepend(str(tmp_path))
    return Bench(tmp_path)


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.01)


async def pid_in(file: Path) -> int:
    await until(lambda: file.exists() and file.read_text().strip() != "")
    return int(file.read_text())


def test_a_call_gives_its_exit_code_or_the_signal_that_killed_it(bench):
    async def work(pool: Pool) -> None:
        assert await pool.run(bench.call("code", 0)) == 0
        assert await pool.run(bench.call("code", 3)) == 3
        assert await pool.run(bench.call("by_signal", int(signal.SIGKILL))) == -signal.SIGKILL
        assert await pool.run(bench.call("by_signal", int(signal.SIGRTMIN))) == -signal.SIGRTMIN
        assert await pool.run(bench.call("exits_with_text", "no such file")) == 1

    bench(work)
    assert bench.log("exits_with_text").read_text() == "no such file\n"


@pytest.mark.parametrize("size", [2, 200])
def test_hundreds_at_once_all_end_once_and_in_their_own_way(bench, size):
    async def work(pool: Pool) -> None:
        codes = await asyncio.gather(*(pool.run(bench.call("code", n % 256)) for n in range(300)))
        assert codes == [n % 256 for n in range(300)]

    bench(work, size=size)


def test_a_message_of_megabytes_arrives_whole(bench):
    async def work(pool: Pool) -> None:
        large, small = bench.call("length", "x" * 5_000_000), bench.call("code", 4)
        assert await asyncio.gather(pool.run(large), pool.run(small), pool.run(small)) == [0, 4, 4]

    bench(work)
    assert bench.log("length").read_text() == "5000000\n"


def test_a_step_has_no_file_of_the_pool(bench):
    async def work(pool: Pool) -> None:
        assert await pool.run(bench.call("open_files")) == 0

    bench(work)
    assert bench.log("open_files").read_text() == "[0, 1, 2]\n"


def test_a_step_that_closes_every_file_harms_itself_alone(bench):
    async def work(pool: Pool) -> None:
        await pool.run(bench.call("close_everything"))
        assert await pool.run(bench.call("code", 5)) == 5

    bench(work)


def test_a_step_is_what_a_program_of_its_own_would_be(bench):
    async def work(pool: Pool) -> None:
        assert await pool.run(bench.call("collects_garbage")) == 0
        assert await pool.run(bench.call("signals")) == 0
        assert await pool.run(bench.call("late_thread")) == 0
        assert await pool.run(bench.call("variable", "FROM_THE_RUN")) == 0

    bench(work)
    assert bench.log("signals").read_text() == "True\n" * 3
    assert bench.log("late_thread").read_text() == "later\n"
    assert bench.log("variable").read_text() == "1\n"


def test_what_a_step_left_in_its_group_ends_with_it_and_a_daemon_stays(bench, tmp_path):
    async def work(pool: Pool) -> None:
        assert await pool.run(bench.call("with_children", tmp_path / "pids")) == 0

    bench(work)
    stayed, daemon = map(int, (tmp_path / "pids").read_text().split())
    try:
        wait_for(lambda: not alive(stayed))
        assert alive(daemon), "a model server that a step deploys outlives the run"
    finally:
        os.kill(daemon, signal.SIGKILL)


def test_a_cancelled_step_may_leave_in_order(bench, tmp_path):
    async def work(pool: Pool) -> None:
        running = asyncio.create_task(pool.run(bench.call("gentle", tmp_path / "said")))
        await until(lambda: (tmp_path / "said").exists())
        running.cancel()
        await asyncio.wait({running})
        assert running.cancelled()

    bench(work)
    assert (tmp_path / "said").read_text() == "left in order"


def test_a_cancelled_step_that_ignores_sigterm_is_killed(bench, tmp_path, monkeypatch):
    monkeypatch.setattr("pipelines.sdk.local.host.GRACE_SECONDS", 0.2)

    async def work(pool: Pool) -> None:
        running = asyncio.create_task(pool.run(bench.call("deaf", tmp_path / "pid")))
        pid = await pid_in(tmp_path / "pid")
        running.cancel()
        await asyncio.wait({running})
        assert not alive(pid)

    bench(work)


def test_a_cancelled_step_is_not_waited_for_until_an_import_ends(bench, tmp_path):
    bench.module("endless", "import time; time.sleep(300)")

    async def work(pool: Pool) -> None:
        running = asyncio.create_task(pool.run(bench.call("sleep", tmp_path / "pid")))
        pid = await pid_in(tmp_path / "pid")
        pool.preload({"all": ("endless",)})
        await until(lambda: pool._hosts[-1].importing == "endless")
        running.cancel()
        await asyncio.wait({running})
        assert not alive(pid)
        assert pool._hosts[-1].importing == "endless", "the zygote has had no time to say so"

    bench(work)


def test_a_step_cancelled_while_imports_go_on_disturbs_no_other(bench):
    bench.module("slow_to_import", "import time; time.sleep(1)")

    async def work(pool: Pool) -> None:
        one, other = (
            asyncio.create_task(pool.run(bench.call("code", code, needs="slow"))) for code in (1, 2)
        )
        await asyncio.sleep(0.2)
        one.cancel()
        assert await other == 2
        assert one.cancelled()

    bench(work, slow="slow_to_import")


def test_a_step_starts_when_its_own_imports_are_done(bench):
    names = [f"slow_{n}" for n in range(50)]
    for name in names:
        bench.module(name, "import time; time.sleep(0.1)")

    async def work(pool: Pool) -> None:
        assert await pool.run(bench.call("imports", "colorsys", needs="light")) == 0
        assert not pool._loaded["heavy"].is_set()

    bench(work, light="colorsys", heavy=" ".join(names))
    assert bench.log("imports").read_text() == "already\n"


def test_what_imports_print_goes_to_their_log(bench):
    bench.module("talks", "print('hello from an import')")

    async def work(pool: Pool) -> None:
        await pool.run(bench.call("imports", "talks", needs="all"))

    bench(work, all="talks")
    assert "hello from an import" in bench.preload_log


def test_a_library_with_threads_in_c_gives_no_warning_at_every_step(bench):
    async def work(pool: Pool) -> None:
        assert await pool.run(bench.call("code", 0, needs="all")) == 0

    pool = bench(work, all="sklearn.ensemble")
    assert not pool.notes
    assert bench.preload_log == "", "Python 3.12 would warn of a fork here"


@pytest.mark.parametrize(
    "text", ["raise SystemExit(3)", "1 / 0", "raise KeyError", "def broken(:", "import gone"]
)
def test_a_module_that_cannot_be_imported_is_its_steps_own_affair(bench, text):
    bench.module("cannot", text)

    async def work(pool: Pool) -> None:
        assert await pool.run(bench.call("code", 6, needs="all")) == 6
        assert await pool.run(bench.call("imports", "cannot", needs="all")) != 0

    pool = bench(work, all="cannot colorsys")
    assert not pool.notes


@pytest.mark.parametrize(
    "text", ["import os; os._exit(1)", "import os; os.abort()", "import os; os.kill(os.getpid(), 9)"]
)
def test_a_module_that_ends_the_process_is_left_out(bench, text):
    bench.module("crashes", text)

    async def work(pool: Pool) -> None:
        assert await pool.run(bench.call("imports", "colorsys", needs="all")) == 0
        assert await pool.run(bench.call("imports", "crashes", needs="all")) != 0

    pool = bench(work, all="crashes colorsys")
    assert any("crashes ended the process that imported it" in note for note in pool.notes)
    assert bench.log("imports").read_text().startswith("already\n"), "the others are imported all the same"


def test_many_modules_that_end_the_process_stop_no_run(bench):
    names = [f"crashes_{n}" for n in range(8)]
    for name in names:
        bench.module(name, "import os; os._exit(1)")

    async def work(pool: Pool) -> None:
        assert await pool.run(bench.call("code", 6, needs="all")) == 6

    bench(work, all=" ".join(names))


def test_a_module_that_starts_a_thread_is_not_in_the_process_that_is_forked(bench):
    start = "Thread(target=time.sleep, args=(300,), daemon=True, name='pump').start()"
    bench.module("threaded", f"import time\nfrom threading import Thread\n{start}")

    async def work(pool: Pool) -> None:
        assert await pool.run(bench.call("imports", "colorsys", needs="all")) == 0
        assert await pool.run(bench.call("imports", "threaded", needs="all")) == 0

    pool = bench(work, all="threaded colorsys")
    assert any("threaded starts threads when it is imported (pump)" in note for note in pool.notes)
    assert bench.log("imports").read_text() == "already\nonly now\n"


def test_a_module_that_takes_sigchld_for_itself_loses_no_step(bench):
    bench.module(
        "greedy", "import signal; signal.signal(signal.SIGCHLD, signal.SIG_DFL); signal.set_wakeup_fd(-1)"
    )

    async def work(pool: Pool) -> None:
        assert await pool.run(bench.call("code", 6, needs="all")) == 6

    bench(work, all="greedy")


def test_a_step_with_variables_that_libraries_read_has_an_interpreter_of_its_own(bench):
    async def work(pool: Pool) -> None:
        await pool.run(bench.call("code", 0, needs="all"))
        fresh = Call(
            "tests.local.calls:imports", "colorsys", bench.log("fresh"), {"OMP_NUM_THREADS": "1"}, fresh=True
        )
        assert await pool.run(fresh) == 0

    bench(work, all="colorsys")
    assert bench.log("fresh").read_text() == "only now\n"


def test_a_step_may_have_modules_of_its_own_beside_ours(bench, tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "mine_alone.py").write_text("")

    async def work(pool: Pool) -> None:
        own = {"PYTHONPATH": str(tmp_path / "own")}
        call = Call("tests.local.calls:imports", "mine_alone", bench.log("own"), own, fresh=True)
        assert await pool.run(call) == 0

    bench(work)


def test_a_killed_zygote_fails_what_ran_in_it_and_the_next_step_has_another(bench, tmp_path):
    async def work(pool: Pool) -> None:
        running = asyncio.create_task(pool.run(bench.call("sleep", tmp_path / "pid")))
        pid = await pid_in(tmp_path / "pid")
        os.kill(pool._hosts[-1].process.pid, signal.SIGKILL)
        assert await running == -signal.SIGKILL
        await until(lambda: not alive(pid))
        assert await pool.run(bench.call("imports", "colorsys", needs="all")) == 0

    pool = bench(work, all="colorsys")
    assert any("was killed" in note for note in pool.notes)


def test_a_zygote_that_is_killed_again_and_again_is_an_error_not_a_loop(bench):
    async def work(pool: Pool) -> None:
        for _ in range(20):
            host = await pool._host()
            os.kill(host.process.pid, signal.SIGKILL)
            await until(lambda host=host: host.gone)

    with pytest.raises(EnvironmentProblem, match="again and again"):
        bench(work)


def test_a_process_that_cannot_be_started_is_said_and_the_next_one_can(bench):
    async def work(pool: Pool) -> None:
        with pytest.raises(EnvironmentProblem, match="Argument list too long"):
            await pool.run(bench.call("length", "x" * 5_000_000, fresh=True))
        assert await pool.run(bench.call("code", 2)) == 2

    bench(work)


def test_stopping_at_once_ends_what_runs_and_starts_nothing(bench, tmp_path):
    async def work(pool: Pool) -> None:
        running = asyncio.create_task(pool.run(bench.call("deaf", tmp_path / "pid")))
        pid = await pid_in(tmp_path / "pid")
        pool.stop()
        with pytest.raises(Stopped):
            await running
        with pytest.raises(Stopped):
            await pool.run(bench.call("code", 0))
        await until(lambda: not alive(pid))

    bench(work)


def test_stopping_at_once_does_not_wait_for_imports(bench):
    bench.module("endless", "import time; time.sleep(300)")

    async def work(pool: Pool) -> None:
        waiting = asyncio.create_task(pool.run(bench.call("code", 0, needs="all")))
        await until(lambda: pool._hosts[-1].importing == "endless")
        pool.stop()
        with pytest.raises(Stopped):
            await waiting

    pool = bench(work, all="endless")
    assert all(not alive(host.process.pid) for host in pool._hosts)


def test_a_pool_that_closes_leaves_no_process(bench, tmp_path):
    async def work(pool: Pool) -> None:
        task = asyncio.create_task(pool.run(bench.call("deaf", tmp_path / "pid")))
        await pid_in(tmp_path / "pid")
        del task

    pool = bench(work)
    assert not alive(int((tmp_path / "pid").read_text()))
    assert all(not alive(host.process.pid) for host in pool._hosts)


def test_spawned_steps_know_their_variables_before_they_import(bench):
    async def work(pool: Pool) -> None:
        call = Call("tests.local.calls:variable", "MINE", bench.log("variable"), {"MINE": "yes"})
        assert await pool.run(call) == 0
        assert await pool.run(bench.call("code", 9)) == 9
        assert await pool.run(bench.call("by_signal", 9)) == -9

    bench(work, fork=False)
    assert bench.log("variable").read_text() == "yes\n"


def test_a_step_finds_modules_but_programs_of_another_python_are_left_alone(bench):
    async def work(pool: Pool) -> None:
        assert await pool.run(bench.call("variable", "PYTHONPATH")) == 0

    bench(work)
    path = bench.log("variable").read_text()
    assert str(bench.folder) in path
    assert "site-packages" not in path
    assert f"lib/python{os.sys.version_info.major}" not in path


def test_errors_of_asyncio_are_not_printed(bench, tmp_path, caplog, capfd):
    async def work(pool: Pool) -> None:
        tasks = [asyncio.create_task(pool.run(bench.call("sleep", tmp_path / f"pid{n}"))) for n in range(4)]
        await pid_in(tmp_path / "pid0")
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    bench(work)
    assert "never retrieved" not in caplog.text + capfd.readouterr().err
