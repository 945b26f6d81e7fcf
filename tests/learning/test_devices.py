"""The conditions of a reproducible computation, given back as they were."""

import threading

import pytest
import torch

from mer_di.errors import InputError
from mer_di.learning.devices import choose_device, reproducible

CPU = torch.device("cpu")


def conditions():
    return (
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
        torch.utils.deterministic.fill_uninitialized_memory,
    )


def test_threads_that_wait_for_each_other_leave_the_process_as_it_was():
    """The second arrives while the first computes: what it finds then is not how the process was."""
    before = conditions()
    inside, arriving, within = threading.Event(), threading.Event(), []

    def first():
        with reproducible(1, CPU):
            inside.set()
            arriving.wait(10)
            waiting.join(0.3)  # it can only wait
            within.append(conditions())

    def second():
        inside.wait(10)
        arriving.set()
        with reproducible(2, CPU):
            within.append(conditions())

    waiting = threading.Thread(target=second)
    threads = [threading.Thread(target=first), waiting]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert within == [(1, True, False)] * 2
    assert conditions() == before


def test_within_a_reproducible_computation_the_draws_follow_from_the_seed():
    torch.manual_seed(5)
    state = torch.get_rng_state()
    draws = []
    for _ in range(2):
        with reproducible(3, CPU):
            draws.append(torch.rand(4))
    assert torch.equal(*draws)
    assert torch.equal(torch.get_rng_state(), state)


def test_an_unknown_device_is_refused():
    with pytest.raises(InputError, match="the device is 'tpu'; expected one of auto, cpu, cuda, mps"):
        choose_device("tpu")
