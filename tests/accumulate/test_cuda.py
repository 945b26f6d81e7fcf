"""The CUDA twin where there is no GPU: in numba's simulator, and as the assembly it compiles to."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cuda.pathfinder import DynamicLibNotFoundError
from numba import cuda, types

from mer_di.accumulate import Accumulator, _cuda, weighted_sums
from mer_di.errors import InputError

SIMULATED = os.environ.get("NUMBA_ENABLE_CUDASIM") == "1"
TESTS = Path(__file__).parents[1]


@pytest.mark.skipif(SIMULATED, reason="this is the simulator")
def test_in_the_simulator():
    files = [str(TESTS / "test_accumulate.py"), __file__]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-k", "cuda", "-p", "no:cacheprovider", *files],
        env={**os.environ, "NUMBA_ENABLE_CUDASIM": "1"},
        cwd=TESTS.parent,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert int(re.search(r"(\d+) passed", run.stdout)[1]) > 150, run.stdout


@pytest.fixture
def on_gpu(monkeypatch):
    """Put an array on the GPU; the simulator lacks the interface by which libraries pass such arrays on."""
    if not cuda.is_available():
        pytest.skip("no GPU, and this is not the simulator")
    if SIMULATED:
        arrays = type(cuda.to_device(np.zeros(1)))
        interface = property(lambda self: {"data": (self._ary.ctypes.data, False), "shape": self._ary.shape})
        monkeypatch.setattr(arrays, "__cuda_array_interface__", interface, raising=False)
        monkeypatch.setattr(cuda, "as_cuda_array", lambda array: array, raising=False)
    monkeypatch.setattr(_cuda, "THREADS_PER_BLOCK", 4)
    return cuda.to_device


@pytest.mark.filterwarnings("ignore:Grid size")
@pytest.mark.parametrize("shape", [(5, 4, 8), (5, 4, 6), (3, 1, 5, 3)])  # frames of whole loads, words, and neither
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "float32", "float64"])
def test_frames_on_the_gpu_are_read_there(on_gpu, shape, dtype):
    frames = np.random.default_rng(0).integers(0, 255, shape).astype(dtype)
    weights = np.arange(2 * shape[0]).reshape(2, -1) - 3
    expected = weighted_sums(frames, weights, backend="numpy")
    sums = weighted_sums(on_gpu(frames), weights)
    assert isinstance(sums, np.ndarray)
    assert np.array_equal(sums, expected)
    stream = Accumulator(weights)
    for frame in frames:
        stream.add(on_gpu(frame))
    assert np.array_equal(stream.sums(), expected)


@pytest.mark.filterwarnings("ignore:Grid size")
def test_words_are_read_only_where_they_are_aligned(on_gpu):
    memory = on_gpu(np.arange(100, dtype=np.uint8))
    frames = memory[3:67].reshape(2, 4, 8)
    first = memory.__cuda_array_interface__["data"][0] % 16
    assert _cuda._device_words(memory[16 - first : 80 - first].reshape(2, 4, 8)).dtype == _cuda.WORD
    assert _cuda._device_words(memory[24 - first : 88 - first].reshape(2, 4, 8)).dtype == np.uint8
    assert weighted_sums(frames, [-1, 1]).tolist() == [[[32] * 8] * 4]


def test_gpu_frames_are_refused_where_they_would_have_to_be_copied(on_gpu):
    with pytest.raises(InputError, match="expected C order"):
        weighted_sums(on_gpu(np.asfortranarray(np.zeros((2, 6, 4), np.uint8))), [-1, 1])
    with pytest.raises(InputError, match="convert them to int32 there"):
        weighted_sums(on_gpu(np.zeros((2, 6, 4), np.int8)), [-1, 1])
    with pytest.raises(InputError, match="frames are on the GPU, but backend is 'cpu'"):
        weighted_sums(on_gpu(np.zeros((2, 6, 4), np.uint8)), [-1, 1], backend="cpu")


def compiled(rows, lanes, pixel, total, capability):
    arrays = [types.Array(getattr(types, name), 2, "C") for name in (pixel, total, total)]
    try:
        text, _ = cuda.compile_ptx(
            _cuda.add_frames(rows, lanes, total), types.void(*arrays), cc=capability, device=False
        )
    except (ImportError, OSError, DynamicLibNotFoundError) as error:
        pytest.skip(f"numba-cuda finds no compiler here: {error}")
    return text


@pytest.mark.skipif(SIMULATED, reason="the simulator compiles nothing")
@pytest.mark.parametrize("capability", [(8, 0), (9, 0)])
@pytest.mark.parametrize("total", ["int32", "int64", "float64"])
def test_assembly_reads_16_bytes_keeps_sums_in_registers_and_fuses_nothing(total, capability):
    for rows in {1, _cuda.rows_at_once(np.dtype(total))}:
        for lanes in (16, 8):
            text = compiled(rows, lanes, "uint64", total, capability)
            assert re.search(r"ld\.global(\.nc)?\.v2\.[ub]64", text)
            assert not re.search(r"ld\.global\S*[usb](8|16)\b", text)
            assert ".local" not in text
            assert "fma." not in text


@pytest.mark.skipif(SIMULATED, reason="the simulator compiles nothing")
def test_assembly_of_float_frames_fuses_nothing():
    text = compiled(2, 1, "float32", "float64", (9, 0))
    assert "mul.rn.f64" in text
    assert "add.rn.f64" in text
    assert "fma." not in text
    assert ".local" not in text
