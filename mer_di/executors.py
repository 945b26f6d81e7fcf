"""Where tasks run: threads, processes or a Dask cluster, all behind `concurrent.futures.Executor`."""

import contextlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import (
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
)
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from queue import SimpleQueue
from typing import Any, Literal, TypeVar

from mer_di.errors import BackendUnavailableError, InputError, MissingDependencyError

Workers = Literal["threads", "processes"]
MOST_JOBS = 1024

_T = TypeVar("_T")
_Key = TypeVar("_Key")


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
        How many, up to `MOST_JOBS`; one a processor by default.

    Yields
    ------
    concurrent.futures.Executor

    Raises
    ------
    InputError
        If there are too many.
    """
    count = jobs or processors()
    if count > MOST_JOBS:
        raise InputError(f"jobs is {count}; expected 1..{MOST_JOBS}")
    if workers == "threads":
        with ThreadPoolExecutor(count) as threads:
            yield threads
        return
    processes = _Processes(count)
    try:
        yield processes
    except BaseException:
        processes.kill()
        raise
    finally:
        processes.shutdown(cancel_futures=True)


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
        client = Client(address, timeout=10)
    except (OSError, ValueError) as error:
        raise BackendUnavailableError(f"no Dask scheduler answers at {address} ({error})") from error
    with client:
        yield client.get_executor()


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Have Ctrl-C and other signals wait until the end of a block that hands tasks to an executor or takes them back.

    Python raises what a signal asks for between any two steps of the main thread, also where it has just taken a lock
    of `threading`: nobody would ever release that, and workers would wait for it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # where no signal is answered
        return
    waiting: list[int] = []
    handlers = {number: signal.getsignal(number) for number in signal.valid_signals()}
    handlers = {number: handler for number, handler in handlers.items() if callable(handler)}
    try:
        for number in handlers:
            signal.signal(number, lambda number, _: waiting.append(number))
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for late in waiting:
            signal.raise_signal(late)


def finished(
    workers: Executor,
    task: Callable[..., _T],
    calls: Mapping[_Key, tuple[Any, ...]],
    named: Callable[..., str],
) -> Generator[tuple[_Key, _T], None, None]:
    """Have a task done for many arguments, and yield what it returned for each as soon as it is there.

    Unlike `concurrent.futures.as_completed`, this does not wait for ever for what an executor cancels when it is shut
    down, or a cluster when its scheduler is gone.

    Parameters
    ----------
    workers : concurrent.futures.Executor
    task : callable
    calls : mapping of key to tuple
        Arguments of each call.
    named : callable
        From the arguments of a call, what it works on, for messages.

    Yields
    ------
    key
        Of a call.
    object
        What it returned.

    Raises
    ------
    BackendUnavailableError
        If a worker died, the scheduler of a cluster went away, or the executor was shut down.

    Notes
    -----
    When the generator is closed, what has not begun never begins.
    """
    tasks: dict[Future[_T], _Key] = {}
    done: SimpleQueue[Future[_T]] = SimpleQueue()
    try:
        with uninterrupted():
            for key, arguments in calls.items():
                each = _submitted(workers, task, arguments)
                tasks[each] = key
                each.add_done_callback(done.put)
        for _ in calls:
            each = done.get()
            yield tasks[each], _result(each, named(*calls[tasks[each]]))
    finally:
        with uninterrupted():
            for each in tasks:
                each.cancel()


def _submitted(workers: Executor, task: Callable[..., _T], arguments: tuple[Any, ...]) -> Future[_T]:
    try:
        return workers.submit(task, *arguments)
    except RuntimeError as error:
        raise BackendUnavailableError(
            f"the executor takes no tasks ({error}); run the same again with another"
        ) from error


def _result(task: Future[_T], name: str) -> _T:
    try:
        return task.result()
    except CancelledError as error:
        raise BackendUnavailableError(
            f"{name} was given up: the executor was shut down, or the scheduler of its cluster went away. What is "
            "finished is kept: run the same again when it is there"
        ) from error
    except Exception as error:
        if not lost_its_workers(error):
            raise
        raise BackendUnavailableError(
            f"a worker died or was lost while {name} was worked on, or waited for it "
            f"({str(error) or type(error).__name__}); a lack of memory is the usual reason. What is finished is kept: "
            "run the same again, with fewer --jobs if it happens again"
        ) from error


def lost_its_workers(error: BaseException) -> bool:
    """Whether an error of a task says that its executor could not run it, and nothing of the task itself."""
    of_dask = type(error).__module__.partition(".")[0] == "distributed"
    return of_dask or isinstance(error, BrokenExecutor)


class _Processes(ThreadPoolExecutor):
    """Threads that have their tasks done by a process each, so that a process that dies takes one task with it.

    That task is tried once more, in a fresh process.
    """

    def __init__(self, count: int) -> None:
        super().__init__(count, initializer=_block_interrupts)
        self._of_this_thread = threading.local()
        self._all: list[Executor] = []
        self._lifeline, self._held = multiprocessing.Pipe(duplex=False)

    def submit(self, task: Callable[..., _T], /, *arguments: Any, **named: Any) -> Future[_T]:  # noqa: ANN401
        return super().submit(self._done_by_process, task, *arguments, **named)

    def kill(self) -> None:
        """End the processes, whatever they are doing."""
        self._held.close()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        super().shutdown(wait, cancel_futures=cancel_futures)
        for process in self._all:
            process.shutdown(wait)
        if wait:
            self._held.close()
            self._lifeline.close()

    def _done_by_process(self, task: Callable[..., _T], /, *arguments: Any, **named: Any) -> _T:  # noqa: ANN401
        for last in (False, True):
            try:
                return self._process().submit(task, *arguments, **named).result()
            except BrokenExecutor as error:
                del self._of_this_thread.process
                if last or self._held.closed:
                    raise BrokenExecutor(f"two processes, one after the other: {error}") from error
        raise AssertionError

    def _process(self) -> Executor:
        if not hasattr(self._of_this_thread, "process"):
            # Forking a process that has threads (OpenCV, numba) can deadlock, hence spawn.
            spawn = multiprocessing.get_context("spawn")
            self._of_this_thread.process = ProcessPoolExecutor(1, spawn, _leave_with_parent, (self._lifeline,))
            self._all.append(self._of_this_thread.process)
        process: Executor = self._of_this_thread.process
        return process


def _block_interrupts() -> None:
    """Have the processes that this thread starts not interrupted by Ctrl-C, which their parent answers."""
    if hasattr(signal, "pthread_sigmask"):
        resource_tracker.ensure_running()  # which begins with the first process, and lets them in again
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


def _leave_with_parent(lifeline: Connection) -> None:
    """Leave when the parent is killed or lets go: a pool's worker would wait for its next task for ever."""
    parent = multiprocessing.parent_process()
    ends = [lifeline, *([parent.sentinel] if parent else [])]
    threading.Thread(target=_leave_after, args=(ends,), daemon=True).start()


def _leave_after(ends: list[Connection | int]) -> None:
    wait(ends)
    os._exit(1)
