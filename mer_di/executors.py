"""Where tasks run: threads, processes or a Dask cluster, all behind `concurrent.futures.Executor`."""

import contextlib
import multiprocessing
import os
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing.connection import wait
from typing import Literal

from mer_di.errors import BackendUnavailableError, MissingDependencyError

Workers = Literal["threads", "processes"]


def processors() -> int:
    """Return the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextlib.contextmanager
def local(workers: Workers = "threads", jobs: int | None = None) -> Iterator[Executor]:
    """Open an executor on this machine.

    Parameters
    ----------
    workers : {"threads", "processes"}
        Threads share compiled kernels and models, and decoding, summing and face detection all release the
        interpreter lock; processes are for code that does not.
    jobs : int, optional
        How many; one a processor by default.

    Yields
    ------
    concurrent.futures.Executor
    """
    count = jobs or processors()
    if workers == "threads":
        with ThreadPoolExecutor(count) as threads:
            yield threads
        return
    # Forking a process that has threads (OpenCV, numba) can deadlock, hence spawn.
    with ProcessPoolExecutor(count, multiprocessing.get_context("spawn"), _die_with_parent) as processes:
        yield processes


@contextlib.contextmanager
def cluster(address: str) -> Iterator[Executor]:
    """Connect to a Dask cluster whose workers see the same files.

    Parameters
    ----------
    address : str
        Address of its scheduler, such as ``tcp://node1:8786``.

    Yields
    ------
    concurrent.futures.Executor

    Raises
    ------
    MissingDependencyError
        If ``distributed`` is not installed.
    BackendUnavailableError
        If the scheduler does not answer.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise MissingDependencyError("--dask needs the package distributed: pip install 'mer_di[dask]'") from error
    try:
        client = Client(address, timeout=10)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise BackendUnavailableError(f"no Dask scheduler answers at {address} ({error})") from error
    with client:
        yield client.get_executor()  # type: ignore[no-untyped-call]


def _die_with_parent() -> None:
    """Leave when the parent is killed: a pool's worker would wait for its next task for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_leave_after, args=(parent.sentinel,), daemon=True).start()


def _leave_after(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
