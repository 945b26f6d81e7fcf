"""Threads, processes and clusters, and what becomes of them."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor

import pytest

from mer_di.errors import BackendUnavailableError, InputError, MissingDependencyError
from mer_di.executors import MOST_JOBS, cluster, finished, local, lost_its_workers

ORPHANED = """
import os, time
from mer_di.executors import local
if __name__ == "__main__":
    with local("processes", 1) as executor:
        print(executor.submit(os.getpid).result(), flush=True)
        time.sleep(600)
"""


@pytest.mark.parametrize(("workers", "here"), [("threads", True), ("processes", False)])
def test_tasks_run_in_threads_of_this_process_or_in_others(workers, here):
    with local(workers, 2) as executor:
        found = {executor.submit(os.getpid).result() for _ in range(4)}
    assert (found == {os.getpid()}) == here
    assert len(found) <= 2


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system does not bind processes to processors")
def test_there_are_as_many_jobs_as_processors_that_may_be_used():
    code = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "from mer_di.executors import local, processors\n"
        "with local() as executor: print(processors(), executor._max_workers)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "1 1\n"


@pytest.mark.parametrize("workers", ["threads", "processes"])
def test_more_jobs_than_any_machine_has_processors_are_refused(workers):
    with pytest.raises(InputError, match=f"expected 1..{MOST_JOBS}"), local(workers, 10**20):
        raise AssertionError


def test_workers_do_not_outlive_a_parent_that_is_killed(tmp_path):
    (tmp_path / "orphaned.py").write_text(ORPHANED)
    parent = subprocess.Popen([sys.executable, tmp_path / "orphaned.py"], stdout=subprocess.PIPE, text=True)
    worker = int(parent.stdout.readline())
    parent.kill()
    try:
        parent.communicate(timeout=30)  # until nobody holds the pipe any more, the worker included
    except subprocess.TimeoutExpired:
        os.kill(worker, signal.SIGTERM)
        parent.communicate()
        pytest.fail("the worker waits for its next task")


def pid_the_second_time(mark):
    """Die, but for the second time."""
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return os.getpid()


def test_a_task_whose_process_dies_is_tried_once_more_and_no_other_is_lost(tmp_path):
    with local("processes", 1) as executor:
        tasks = [
            executor.submit(os.getpid),
            executor.submit(pid_the_second_time, tmp_path / "mark"),
            executor.submit(os.getpid),
        ]
        first, second, third = (task.result() for task in tasks)
    assert first != second == third


def test_a_task_whose_process_dies_twice_fails_alone():
    with local("processes", 1) as executor:
        tasks = [executor.submit(os._exit, 1), executor.submit(os.getpid)]
        with pytest.raises(BrokenExecutor, match="two processes, one after the other"):
            tasks[0].result()
        assert tasks[1].result() != os.getpid()


def test_an_error_ends_processes_in_the_middle_of_a_task():
    tasks = []

    def interrupted():
        with local("processes", 1) as executor:
            tasks.extend([executor.submit(os.getpid), executor.submit(time.sleep, 600), executor.submit(os.getpid)])
            while not tasks[1].running():
                time.sleep(0.001)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert isinstance(tasks[1].exception(), BrokenExecutor)
    assert tasks[2].cancelled()
    with pytest.raises(ProcessLookupError):
        os.kill(tasks[0].result(), 0)


INTERRUPTED = """
import os, signal, sys, time
from mer_di.executors import local

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with local("processes", 2) as executor:
            tasks = [executor.submit(time.sleep, 600) for _ in range(4)]
            time.sleep(float(sys.argv[1]))
            os.killpg(0, signal.SIGINT)  # as a terminal does
            time.sleep(600)
    except KeyboardInterrupt:
        print("interrupted", end="")
"""


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="this system has no groups of processes")
@pytest.mark.parametrize("seconds", ["0.02", "0.2", "2"])
def test_ctrl_c_ends_processes_without_a_word_even_while_they_start(tmp_path, seconds):
    (tmp_path / "interrupted.py").write_text(INTERRUPTED)
    command = [sys.executable, tmp_path / "interrupted.py", seconds]
    done = subprocess.run(command, capture_output=True, text=True, start_new_session=True, timeout=60, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("interrupted", "", 0)


def test_what_an_executor_says_of_itself_is_told_from_what_a_task_says():
    assert lost_its_workers(BrokenExecutor())
    assert not lost_its_workers(ValueError())
    scheduler = pytest.importorskip("distributed.scheduler", reason="the extra dask is not installed")
    assert lost_its_workers(scheduler.KilledWorker("task", None, 3))


def named(*arguments):
    return f"task {arguments}"


def test_what_is_finished_is_told_by_its_key():
    with ThreadPoolExecutor(2) as executor:
        assert dict(finished(executor, divmod, {"a": (7, 2), "b": (9, 4)}, named)) == {"a": (3, 1), "b": (2, 1)}
        with pytest.raises(ZeroDivisionError):
            dict(finished(executor, divmod, {"a": (7, 0)}, named))


def test_what_a_cluster_gives_up_is_waited_for_by_nobody():
    class WithoutScheduler(Executor):
        def submit(self, *_):
            lost = Future()
            lost.cancel()  # and no more: `as_completed` would wait for ever
            return lost

    with pytest.raises(BackendUnavailableError, match=r"task \(7, 2\) was given up: .* scheduler of its cluster"):
        dict(finished(WithoutScheduler(), divmod, {"a": (7, 2)}, named))


def test_a_cluster_without_its_package_or_its_scheduler_is_said(monkeypatch):
    pytest.importorskip("distributed", reason="the extra dask is not installed")
    with (
        pytest.raises(BackendUnavailableError, match="no Dask scheduler answers at nowhere://1"),
        cluster("nowhere://1"),
    ):
        pass
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingDependencyError, match=r"mer_di\[dask\]"), cluster("tcp://127.0.0.1:8786"):
        pass
