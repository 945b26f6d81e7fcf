"""Builds and trainings on a Dask cluster of several processes, on its bad days."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time

import pytest
from tiny_build import load, plain
from tiny_cache import write_tiny_cache
from tiny_run import outcome, run

from mer_di.building.build import build_cache
from mer_di.errors import BackendUnavailableError
from mer_di.executors import cluster

distributed = pytest.importorskip("distributed", reason="the extra dask is not installed")
pytestmark = pytest.mark.filterwarnings("ignore")  # of sockets that a killed worker leaves open


@contextlib.contextmanager
def workers():
    """Open a cluster of two processes."""
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": ":0"}
    with distributed.LocalCluster(silence_logs=60, **options) as local, cluster(local.scheduler_address) as executor:
        yield local, executor


@contextlib.contextmanager
def apart(folder):
    """Open a cluster whose scheduler and worker are programs of their own; yield the scheduler as well."""
    file = folder / "scheduler.json"
    ours = ("--scheduler-file", str(file), "--no-dashboard")
    programs = {"scheduler": ("--port", "0"), "worker": ("--nthreads", "1", "--no-nanny")}
    with contextlib.ExitStack() as stack:
        running = []
        for name, options in programs.items():
            command = [sys.executable, "-m", f"distributed.cli.dask_{name}", *ours, *options]
            process = stack.enter_context(
                subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            )
            stack.callback(process.kill)
            running.append(process)
        while not file.exists():
            assert running[0].poll() is None
            time.sleep(0.05)
        with cluster(json.loads(file.read_text())["address"]) as executor:
            yield running[0], executor


def killing(local):
    """Return a progress that kills a worker as soon as something is finished."""
    killed = []

    def progress(done, _total):
        if done is not None and not killed:
            killed.append(local.workers[0].pid)
            os.kill(killed[0], signal.SIGKILL)

    return killed, progress


def test_a_worker_that_is_killed_changes_neither_a_cache_nor_a_run(tiny, tmp_path):
    caches = [tmp_path / "here.h5", tmp_path / "there.h5"]
    build_cache(load(tiny), caches[0], plain())
    trained = write_tiny_cache(tmp_path / "tiny.h5")
    run(trained, tmp_path / "here")
    with workers() as (local, executor):
        killed, progress = killing(local)
        build_cache(load(tiny), caches[1], plain(), executor=executor, progress=progress)
        killed_too, progress = killing(local)
        run(trained, tmp_path / "there", executor=executor, progress=progress)
        assert killed
        assert killed_too
        assert killed != killed_too
    assert caches[0].read_bytes() == caches[1].read_bytes()
    assert outcome(tmp_path / "here") == outcome(tmp_path / "there")


def test_a_scheduler_that_goes_away_ends_a_build_which_then_resumes(tiny, tmp_path):
    build_cache(load(tiny), tmp_path / "here.h5", plain())
    told = []
    with apart(tmp_path) as (scheduler, executor):

        def progress(clip, _total):
            told.append(clip)
            if len(told) == 2:
                scheduler.kill()

        with pytest.raises(BackendUnavailableError, match="the scheduler of its cluster went away"):
            build_cache(load(tiny), tmp_path / "there.h5", plain(), executor=executor, progress=progress)
    assert not (tmp_path / "there.h5").exists()
    assert build_cache(load(tiny), tmp_path / "there.h5", plain()).resumed >= 1
    assert (tmp_path / "here.h5").read_bytes() == (tmp_path / "there.h5").read_bytes()
