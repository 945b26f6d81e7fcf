"""Where tensors live, and the conditions under which a result is the same to the bit."""

# torch makes some of its names at run time:
# mypy: disable-error-code="attr-defined"

import contextlib
import threading
from collections.abc import Iterator

import torch
from torch.utils import deterministic

from mer_di.errors import BackendUnavailableError, InputError

DEVICES = ("auto", "cpu", "cuda", "mps")

_one_at_a_time = threading.RLock()


def choose_device(name: str = "auto") -> str:
    """Return the device that a name stands for here.

    Parameters
    ----------
    name : {"auto", "cpu", "cuda", "mps"}
        ``auto`` takes the first of cuda, mps and cpu that there is; ``cuda:1`` names one of several.

    Returns
    -------
    str

    Raises
    ------
    InputError
        If the name is unknown.
    BackendUnavailableError
        If the device is not here.
    """
    kind = name.partition(":")[0]
    if kind not in DEVICES:
        raise InputError(f"the device is {name!r}; expected one of {', '.join(DEVICES)}")
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return next(device for device, here in present.items() if here)
    if not present[kind]:
        raise BackendUnavailableError(f"the device {name} was asked for and torch finds none here; use --device cpu")
    return name


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread, one computation at a time in this process; may be entered again from within.

    How a sum is split over threads changes its last bits. Under this, a network gives the same result in a pool of
    processes, of threads, or in none; parallel folds use the processors better than parallel sums do.
    """
    with _one_at_a_time:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)


@contextlib.contextmanager
def own_randomness(device: torch.device) -> Iterator[None]:
    """Give torch's global generators back as they were."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        yield


@contextlib.contextmanager
def reproducible(seed: int, device: torch.device) -> Iterator[None]:
    """Make a computation follow from its seed: one thread, deterministic algorithms, torch's generators for itself.

    Parameters
    ----------
    seed : int
        Of torch's global generators.
    device : torch.device
        On other devices than the CPU some operations have no deterministic form: there it is a preference.
    """
    with one_thread(), own_randomness(device):
        before = torch.are_deterministic_algorithms_enabled(), deterministic.fill_uninitialized_memory
        torch.manual_seed(seed)
        torch.use_deterministic_algorithms(True, warn_only=device.type != "cpu")
        # filling every new tensor takes a fifth of a step, and only matters to code that reads what nobody wrote
        deterministic.fill_uninitialized_memory = False
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(before[0])
            deterministic.fill_uninitialized_memory = before[1]
