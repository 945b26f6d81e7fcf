"""Memory serves again when its array is gone, and only then."""

import gc
import threading

import numpy as np
import pytest

from mer_di import memory
from mer_di.memory import KEPT_BLOCKS, LARGEST, SMALLEST, empty


def address(array):
    return array.__array_interface__["data"][0]


@pytest.fixture(autouse=True)
def _nothing_kept(monkeypatch):
    monkeypatch.setattr(memory, "_free", memory._Free())


@pytest.mark.parametrize("shape", [(), (0, 3), (5,), (SMALLEST,), (700, 300, 3), (LARGEST + 1,)])
@pytest.mark.parametrize("dtype", ["uint8", "float32", "int64"])
def test_an_array_is_what_numpy_would_give(shape, dtype):
    array, peer = empty(shape, dtype), np.empty(shape, dtype)
    assert (array.shape, array.dtype, array.strides) == (peer.shape, peer.dtype, peer.strides)
    array[...] = 7
    assert (array == 7).all()


def test_memory_serves_again_for_what_is_no_larger():
    first = empty((SMALLEST,), "float64")
    place = address(first)
    del first
    assert address(empty((2 * SMALLEST,), "float32")) == place
    assert address(empty((9 * SMALLEST,), "uint8")) != place


def test_memory_does_not_serve_again_while_a_view_is_left():
    view = empty((SMALLEST, 2), "uint8")[3:, 1]
    view[:] = 7
    other = empty((SMALLEST, 2), "uint8")
    other[:] = 9
    assert (view == 7).all()


def test_the_largest_blocks_are_kept():
    arrays = [empty((SMALLEST + size,), "uint8") for size in range(KEPT_BLOCKS + 3)]
    del arrays
    gc.collect()
    assert [len(block) for block in memory._free.blocks] == [SMALLEST + 3 + size for size in range(KEPT_BLOCKS)]


def test_threads_keep_their_own():
    place = address(empty((SMALLEST,), "uint8"))
    found = []
    thread = threading.Thread(target=lambda: found.append(empty((SMALLEST,), "uint8")))
    thread.start()
    thread.join()
    assert address(found[0]) != place
