"""Threads, processes and clusters, and what becomes of them."""

import os
import signal
import subprocess
import sys

import pytest

from mer_di.errors import BackendUnavailableError, MissingDependencyError
from mer_di.executors import cluster, local

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
