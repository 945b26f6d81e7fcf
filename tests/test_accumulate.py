"""Weighted sums against exact arithmetic, the same cases on every backend.

The cases named ``cuda`` run on a GPU where there is one. Where there is none, `accumulate/test_cuda.py` runs this file
in numba's simulator.
"""

import ctypes
import mmap
import multiprocessing
import os
import sys
import threading
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import cuda
from weight_formulas import ZERO_SUM

from mer_di import accumulate, kernels
from mer_di.accumulate import Accumulator, _cpu, weighted_sums
from mer_di.errors import BackendUnavailableError, InputError
from mer_di.kernels.byte_dots import AHEAD, BLOCK, KINDS, NEAR, write_steps
from mer_di.kernels.constants import DIGIT_BITS, FRAMES, STEP
from mer_di.rank_pooling import arp, harmonic_arp, phase_weights, scheme_weights

pytestmark = pytest.mark.filterwarnings("ignore:Grid size")  # tiny frames do not fill a GPU
SIMULATED = os.environ.get("NUMBA_ENABLE_CUDASIM") == "1"

SHAPES = [(1, 1, 1), (2, 7, 5), (5, 13, 1), (9, 3, 5, 3), (4, 1, 1, 3), (13, 4, 8), (8, 5, 1, 2)]
INTEGERS = ["uint8", "uint16", "int8", "int16", "int32"]
FLOATS = ["float16", "float32", "float64"]
few = settings(max_examples=10)  # the simulator starts a Python thread a pixel


@pytest.fixture(scope="module", params=["numpy", "cpu", "cpu by avx2", "cpu without byte dots", "cuda"])
def backend(request):
    if request.param.startswith("cpu "):
        instructions = "avx2" if request.param == "cpu by avx2" else None
        if instructions and not kernels.byte_instructions():
            pytest.skip("this processor does not multiply bytes")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(_cpu, "byte_instructions", lambda: instructions)
            yield "cpu"
        return
    if request.param != "cuda":
        yield request.param
        return
    if not cuda.is_available():
        pytest.skip("no GPU: accumulate/test_cuda.py runs this case in the simulator")
    from mer_di.accumulate import _cuda

    with pytest.MonkeyPatch.context() as patch:  # small enough to be crossed by small frames
        patch.setattr(_cuda, "THREADS_PER_BLOCK", 4)
        patch.setattr(_cuda, "CHUNK_BYTES", 300)
        patch.setattr(_cuda, "ROW_BYTES", 8)
        yield "cuda"


def random_frames(shape, dtype, seed=0):
    rng = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "f":
        return rng.normal(scale=100, size=shape).astype(dtype)
    limits = np.iinfo(dtype)
    return rng.integers(limits.min, limits.max, shape, dtype=dtype, endpoint=True)


def random_weights(rows, n, seed=0):
    weights = np.random.default_rng(seed).integers(-n, n, (rows, n), endpoint=True)
    weights[:, ::3] = 0
    return weights


def exact_sums(frames, weights):
    """Σ α·F in Python integers."""
    return np.stack([sum(int(w) * f.astype(object) for w, f in zip(row, frames, strict=True)) for row in weights])


def sums_in_frame_order(frames, weights):
    """Σ α·F in float64: one rounded product and one rounded addition a frame, the first frame first."""
    sums = np.zeros((len(weights), *frames.shape[1:]))
    for k, row in enumerate(weights):
        for weight, frame in zip(row, frames, strict=True):
            if weight != 0:
                product = float(weight) * frame.astype(np.float64)
                sums[k] = sums[k] + product
    return sums


# Integers


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("shape", SHAPES)
def test_integer_frames_under_integer_weights_are_summed_exactly(backend, shape, dtype):
    frames, weights = random_frames(shape, dtype), random_weights(3, shape[0])
    sums = weighted_sums(frames, weights, backend=backend)
    assert sums.dtype.kind == "i"
    assert sums.shape == (3, *shape[1:])
    assert np.array_equal(sums, exact_sums(frames, weights))


@pytest.mark.parametrize("rows", [1, 2, 4, 5])
def test_any_number_of_rows(backend, rows):
    frames, weights = random_frames((6, 5, 3), "uint8"), random_weights(rows, 6)
    assert np.array_equal(weighted_sums(frames, weights, backend=backend), exact_sums(frames, weights))


def test_a_single_row_has_the_leading_axis_too(backend):
    frames = random_frames((4, 5, 3), "uint8")
    assert np.array_equal(weighted_sums(frames, arp(4), backend=backend), exact_sums(frames, [arp(4)]))


@pytest.mark.parametrize(
    ("dtype", "weights", "expected"),
    [
        ("uint8", [2**31 // 255], np.int32),
        ("uint8", [2**31 // 255 + 1], np.int64),
        ("uint8", [-(2**30) // 255, 2**30 // 255 - 2], np.int32),
        ("uint16", [2**15], np.int32),
        ("uint16", [2**15, -1], np.int64),
        ("int8", [2**24 - 1], np.int32),
        ("int8", [2**24], np.int64),
        ("uint8", [2**63 // 255], np.int64),
    ],
)
def test_sums_are_as_wide_as_the_largest_possible_sum(backend, dtype, weights, expected):
    limits = np.iinfo(dtype)
    extremes = (limits.max, limits.min)
    frames = np.array([[[extremes[w < 0], extremes[w > 0]]] for w in weights], dtype)
    sums = weighted_sums(frames, weights, backend=backend)
    assert sums.dtype == expected
    assert np.array_equal(sums, exact_sums(frames, [weights]))


def test_a_clip_too_long_for_int32_is_summed_in_int64(backend):
    n = 5900
    frames = np.full((n, 1, 2), 255, np.uint8)
    frames[: n // 2] = 0
    sums = weighted_sums(frames, arp(n), backend=backend)
    assert sums.dtype == np.int64
    assert sums.tolist() == [[[255 * (n // 2) ** 2] * 2]]
    assert 255 * (n // 2) ** 2 > 2**31


def test_sums_too_large_for_int64_are_refused(backend):
    with pytest.raises(InputError, match="more than int64 holds"):
        weighted_sums(np.zeros((1, 2, 2), np.uint8), [2**63 // 255 + 1], backend=backend)


@pytest.mark.parametrize(
    "weight",
    [1, 63, 64, -64, -65, 127, 128, 8127, 8128, -8127, -8128, -128, -129, 32639, 32640, -32640, 2**23, -(2**31), 2**40],
)
@pytest.mark.parametrize("n", [1, 8, 13])
def test_the_brightest_pixels_under_weights_of_one_and_more_digits(backend, weight, n):
    frames, weights = np.full((n, 5, 33), 255, np.uint8), np.full((2, n), weight)
    weights[1, ::2] = 1
    assert np.array_equal(weighted_sums(frames, weights, backend=backend), exact_sums(frames, weights))


def weights_of(bits):
    largest = _cpu.largest_weight(bits)
    one = st.integers(-largest, largest) | st.integers(-2, 2)
    return st.integers(1, 20).flatmap(lambda n: st.lists(st.lists(one, min_size=n, max_size=n), min_size=1, max_size=5))


@pytest.mark.parametrize("bits", DIGIT_BITS.values())
@pytest.mark.parametrize("fresh", [False, True])
@given(data=st.data())
def test_steps_make_up_the_weights(bits, fresh, data):
    weights = np.array(data.draw(weights_of(bits)), np.int32)
    rows, n = weights.shape
    found = np.zeros((rows + 1, n + -n % FRAMES), int)
    of_first_frames = []
    steps = np.full((-(-rows // 2) * -(-n // FRAMES), STEP), -1, np.intp)
    for first, kind, *of_rows in steps[: write_steps(weights, bits, fresh, steps)]:
        n_rows, n_digits = KINDS[kind]
        digits = np.array(of_rows[2:]).view(np.int8).astype(int).reshape(2, 2, FRAMES)
        assert np.abs(digits).max() <= 1 << bits - 1  # two products of more and 255 would exceed what AVX2 holds
        if fresh and first == 0:
            of_first_frames += of_rows[:n_rows]
        else:
            assert digits[:n_rows].any(axis=(1, 2)).all()
        assert not digits[:n_rows, n_digits:].any()
        for row, (low, high) in zip(of_rows[:n_rows], digits, strict=False):
            found[row, first : first + FRAMES] += low + (high << bits)
    assert found[:rows, :n].tolist() == weights.tolist()
    assert not found[:, n:].any()
    assert sorted(of_first_frames) == list(range(rows)) * fresh


@pytest.mark.parametrize("columns", [31, 32, 33, 63, 64, 65, 95])
@pytest.mark.parametrize("rows", [1, 3])
def test_rows_that_are_no_whole_number_of_strips(backend, rows, columns):
    wide = random_frames((11, rows, columns + 7), "uint8")
    weights = random_weights(3, 11)
    weights[1] *= 700
    for frames in (wide[:, :, 3 : columns + 3], wide[:, :, :columns].copy()):
        assert np.array_equal(weighted_sums(frames, weights, backend=backend), exact_sums(frames, weights))


# Floats


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("shape", SHAPES[1:])
def test_float_frames_are_summed_in_float64_in_frame_order(backend, shape, dtype):
    frames = random_frames(shape, dtype)
    for weights in (random_weights(2, shape[0]), np.random.default_rng(1).normal(size=(2, shape[0]))):
        sums = weighted_sums(frames, weights, backend=backend)
        assert sums.dtype == np.float64
        assert np.array_equal(sums, sums_in_frame_order(frames, weights))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32"])
def test_integer_frames_under_arbitrary_floats_are_summed_in_frame_order(backend, dtype):
    frames, weights = random_frames((9, 3, 5), dtype), np.random.default_rng(1).normal(size=(2, 9)) / 3
    sums = weighted_sums(frames, weights, backend=backend)
    assert sums.dtype == np.float64
    assert np.array_equal(sums, sums_in_frame_order(frames, weights))


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("n", [5, 40])
def test_float_schemes_over_integer_frames_are_exact_up_to_one_rounding(backend, dtype, n):
    frames, weights = random_frames((n, 3, 3), dtype), harmonic_arp(n)
    terms = [
        [Fraction(w) * int(p) for w, p in zip(weights.tolist(), frames[:, r, c], strict=True)]
        for r, c in np.ndindex(3, 3)
    ]
    expected = np.array([float(sum(t)) for t in terms]).reshape(1, 3, 3)
    assert np.array_equal(weighted_sums(frames, weights, backend=backend), expected)


@pytest.mark.parametrize("weights", [[1e300, 1e-10], [1e300, 1e-60], [1.5e308, 1.5e308], [5e-324, -5e-324]])
def test_extreme_weights_lose_nothing(backend, weights):
    frames = np.array([[[0, 1, 0]], [[0, 0, 1]]], np.uint8)
    assert weighted_sums(frames, weights, backend=backend).tolist() == [[[0.0, weights[0], weights[1]]]]


@pytest.mark.parametrize("position", range(6))
def test_a_frame_without_weight_is_not_looked_at(backend, position):
    frames = random_frames((6, 2, 3), "float32")
    frames[position] = np.nan
    weights = np.array([[1, 2, 5, -3, 1, 1]] * 2)
    weights[0, position] = 0
    sums = weighted_sums(frames, weights, backend=backend)
    assert np.array_equal(sums[0], sums_in_frame_order(frames, weights)[0])
    assert np.isnan(sums[1]).all()


# No motion


@few
@given(
    scheme=st.sampled_from(ZERO_SUM),
    n=st.integers(1, 40),
    length=st.none() | st.integers(2, 40),
    dtype=st.sampled_from(["uint8", "uint16"]),
    data=st.data(),
)
def test_a_motionless_clip_is_exactly_zero(backend, scheme, n, length, dtype, data):
    values = data.draw(st.lists(st.integers(0, np.iinfo(dtype).max), min_size=3, max_size=3))
    frames = np.broadcast_to(np.array([values], dtype), (n, 1, 3))
    weights = scheme_weights(n, scheme=scheme, temporal_length=length)
    assert not weighted_sums(frames, weights, backend=backend).any()


@few
@given(scheme=st.sampled_from(ZERO_SUM), n=st.integers(3, 40), data=st.data())
def test_phases_that_do_not_move_are_exactly_zero(backend, scheme, n, data):
    """The two phases differ from each other; only the whole clip moves."""
    apex = data.draw(st.integers(1, n - 2))
    weights = phase_weights(
        n, range(apex), range(apex, n), scheme=scheme, temporal_length=data.draw(st.integers(2, 20))
    )
    frames = np.where(np.arange(n)[:, None, None] < apex, 201, 17).astype(np.uint8)
    onset, offset, _ = weighted_sums(frames, weights, backend=backend)
    assert (onset.item(), offset.item()) == (0, 0)


# Layouts and streams

VIEWS = {
    "region": lambda f: f[:, 2:5, 1:4],
    "channels reversed": lambda f: f[..., ::-1],
    "one channel": lambda f: f[..., 1],
    "upside down": lambda f: f[:, ::-1],
    "mirrored": lambda f: f[:, :, ::-1],
    "backwards": lambda f: f[::-1],
    "every second frame": lambda f: f[::2],
    "every second row": lambda f: f[:, ::2],
    "every second column": lambda f: f[:, :, ::2],
    "Fortran order": np.asfortranarray,
    "transposed": lambda f: f.transpose(0, 2, 1, 3),
    "one frame repeated": lambda f: np.broadcast_to(f[:1], f.shape),
    "one row repeated": lambda f: np.broadcast_to(f[:, :1], f.shape),
    "one row": lambda f: f[:, 3:4],
    "one column": lambda f: f[:, :, 3:4],
    "read-only": lambda f: np.frombuffer(f.tobytes(), f.dtype).reshape(f.shape),
    "other byte order": lambda f: f.astype(f.dtype.newbyteorder()),
}


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("view", VIEWS)
def test_frames_of_any_memory_layout(backend, view, dtype):
    frames = VIEWS[view](random_frames((5, 6, 5, 3), dtype))
    weights = random_weights(2, len(frames))
    expected = weighted_sums(np.array(frames, dtype), weights, backend="numpy")
    assert np.array_equal(weighted_sums(frames, weights, backend=backend), expected)
    assert np.array_equal(weighted_sums(list(frames), weights, backend=backend), expected)


def test_fields_of_records_lie_in_no_multiple_of_their_size(backend):
    records = np.zeros((3, 4), [("flag", np.uint8), ("pixel", np.uint16, (5,))])
    records["pixel"] = random_frames((3, 4, 5), "uint16")
    sums = weighted_sums(records["pixel"], [1, -2, 1], backend=backend)
    assert np.array_equal(sums, exact_sums(records["pixel"], [[1, -2, 1]]))


@pytest.mark.parametrize("weights", [random_weights(3, 7), np.random.default_rng(2).normal(size=(3, 7)) / 3])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32"])
def test_one_frame_at_a_time_gives_the_same_bits(backend, dtype, weights):
    frames = random_frames((7, 3, 5, 3), dtype)
    expected = weighted_sums(frames, weights, backend="numpy")
    assert np.array_equal(weighted_sums(iter(frames), weights, backend=backend), expected)
    stream = Accumulator(weights, backend=backend)
    for frame in frames:
        stream.add(frame)
    assert np.array_equal(stream.sums(), expected)
    assert stream.sums().dtype == expected.dtype


@pytest.mark.parametrize("waiting_bytes", [1, _cpu.WAITING_BYTES])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_a_long_stream(monkeypatch, dtype, waiting_bytes):
    monkeypatch.setattr(_cpu, "WAITING_BYTES", waiting_bytes)
    frames, weights = random_frames((75, 6, 40, 3), dtype), random_weights(3, 75)
    expected = weighted_sums(frames[:, 1:], weights, backend="numpy")
    assert np.array_equal(weighted_sums(iter(frames[:, 1:]), weights, backend="cpu"), expected)


def test_a_frame_may_be_overwritten_after_it_was_added(backend):
    frames = random_frames((5, 4, 6), "uint8")
    buffer = np.empty((8, 9), np.uint8)
    stream = Accumulator(arp(5), backend=backend)
    for frame in frames:
        buffer[2:6, 1:7] = frame
        stream.add(buffer[2:6, 1:7])
        buffer[:] = 255
    assert np.array_equal(stream.sums(), exact_sums(frames, [arp(5)]))


def test_the_input_is_left_alone(backend):
    frames, weights = random_frames((5, 4, 6), "uint8"), random_weights(2, 5)
    before = frames.copy(), weights.copy()
    weighted_sums(frames, weights, backend=backend)
    assert np.array_equal(frames, before[0])
    assert np.array_equal(weights, before[1])


# Blocks, fetching and threads of the CPU


@pytest.fixture(params=["in memory", "in the cache"])
def where_frames_are(request, monkeypatch):
    monkeypatch.setattr(_cpu, "MEMORY_FROM", -1 if request.param == "in memory" else 1 << 40)


@pytest.fixture(params=["first", "last"])
def between_walls(request):
    """A copy of frames as the first or the last thing in memory: whoever reads outside of them is killed."""

    def copied(frames):
        room = -(-frames.nbytes // mmap.PAGESIZE) * mmap.PAGESIZE
        memory = mmap.mmap(-1, room + 2 * mmap.PAGESIZE)
        address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        for wall in (address, address + mmap.PAGESIZE + room):
            assert ctypes.CDLL(None).mprotect(ctypes.c_void_p(wall), ctypes.c_size_t(mmap.PAGESIZE), 0) == 0
        offset = mmap.PAGESIZE + (room - frames.nbytes if request.param == "last" else 0)
        copy = np.frombuffer(memory, frames.dtype, frames.size, offset).reshape(frames.shape)
        copy[:] = frames
        return copy

    return copied


@pytest.mark.skipif(sys.platform == "win32", reason="no mprotect")
@pytest.mark.parametrize("instructions", ["avx2", "vnni", None])
@pytest.mark.parametrize("n", [3, 8, 20])
@pytest.mark.usefixtures("where_frames_are")
def test_nothing_is_read_outside_of_the_frames(monkeypatch, between_walls, n, instructions):
    if instructions and kernels.byte_instructions() not in (instructions, "vnni"):  # VNNI processors have AVX2
        pytest.skip("this processor does not have them")
    monkeypatch.setattr(_cpu, "byte_instructions", lambda: instructions)
    for columns in (32, NEAR - 1, AHEAD - 32, AHEAD + 33, BLOCK - 1, BLOCK, BLOCK + 1, BLOCK + 32, 2 * BLOCK + 95):
        frames, weights = between_walls(random_frames((n, 1, columns), "uint8")), random_weights(3, n)
        weights[2] *= 300
        expected = weighted_sums(frames, weights, backend="numpy")
        assert np.array_equal(weighted_sums(frames, weights, backend="cpu"), expected), columns


@pytest.mark.usefixtures("where_frames_are", "three_threads")
def test_frames_are_the_same_in_memory_and_in_the_cache():
    frames, weights = random_frames((11, 90, 200, 3), "uint8"), random_weights(3, 11)
    for view in (frames, frames[:, 5:77, 3:150], frames[::2]):
        expected = weighted_sums(view, weights[:, : len(view)], backend="numpy")
        assert np.array_equal(weighted_sums(view, weights[:, : len(view)], backend="cpu"), expected)


@pytest.fixture
def three_threads(monkeypatch):
    monkeypatch.setattr(_cpu, "THREADS", 3)
    monkeypatch.setattr(_cpu, "PARALLEL_FROM", 0)
    _cpu._threads.cache_clear()
    yield
    _cpu._threads().shutdown()
    _cpu._threads.cache_clear()


@pytest.mark.parametrize(
    "view",
    [lambda f: f, lambda f: f[:, 3:, 5:150], lambda f: f[:, :1], lambda f: f[:, :2, :1], lambda f: f[:, :1, :20]],
)
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.usefixtures("three_threads")
def test_blocks_and_threads_do_not_change_a_bit(view, dtype):
    frames = view(random_frames((9, 70, 160, 3), dtype))
    for weights in (random_weights(3, 9), np.random.default_rng(2).normal(size=(3, 9)) / 3):
        expected = weighted_sums(frames, weights, backend="numpy")
        assert np.array_equal(weighted_sums(frames, weights, backend="cpu"), expected)


@pytest.mark.usefixtures("three_threads")
def test_many_threads_may_sum_at_once():
    frames, weights = random_frames((9, 40, 50, 3), "uint8"), random_weights(3, 9)
    expected = weighted_sums(frames, weights, backend="numpy")
    wrong = []

    def work():
        for _ in range(10):
            for stack in (frames, iter(frames[:, 2:, 3:])):
                sums = weighted_sums(stack, weights, backend="cpu")
                if not np.array_equal(sums, expected[:, -sums.shape[1] :, -sums.shape[2] :]):
                    wrong.append(sums)

    workers = [threading.Thread(target=work) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert wrong == []


def _sum_of(frames):
    return weighted_sums(frames, arp(len(frames)), backend="cpu")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # Python 3.12 on forking with threads
@pytest.mark.usefixtures("three_threads")
def test_a_forked_process_makes_its_own_threads():
    frames = random_frames((9, 40, 50, 3), "uint8")
    expected = _sum_of(frames)
    all_started = threading.Barrier(_cpu.THREADS)
    list(_cpu._threads().map(lambda _: all_started.wait(), range(_cpu.THREADS)))
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert np.array_equal(pool.apply_async(_sum_of, (frames,)).get(timeout=30), expected)


# Refusals


@pytest.mark.parametrize(
    ("frames", "weights", "message"),
    [
        (np.zeros((3, 4, 5), np.uint8), [1, -1], r"frames have shape \(3, 4, 5\), but the weights are for 2 frames"),
        (np.zeros((0, 4, 5), np.uint8), [1, -1], "the weights are for 2 frames"),
        (np.zeros((2, 4), np.uint8), [1, -1], r"a frame has shape \(4,\); expected \(H, W\) or \(H, W, C\)"),
        (np.zeros((2, 4, 5, 3, 1), np.uint8), [1, -1], r"a frame has shape \(4, 5, 3, 1\)"),
        (np.zeros((2, 4, 0), np.uint8), [1, -1], r"a frame has shape \(4, 0\)"),
        (np.zeros((2, 4, 5), bool), [1, -1], "frames have dtype bool; expected one of uint8, uint16"),
        (np.zeros((2, 4, 5), np.uint32), [1, -1], "frames have dtype uint32"),
        (np.zeros((2, 4, 5), np.complex64), [1, -1], "frames: found .* complex64"),
        (np.array(3, np.uint8), [1, -1], r"frames have shape \(\)"),
        ([], [1, -1], "0 frames were added, but the weights are for 2"),
        ([np.zeros((4, 5), np.uint8)], [1, -1], "1 frames were added, but the weights are for 2"),
        ([np.zeros((4, 5), np.uint8)] * 3, [1, -1], r"frame 2 \(0-based\) is one more than the 2"),
        ([np.zeros((4, 5), np.uint8), np.zeros((5, 4), np.uint8)], [1, -1], r"frame 1 \(0-based\) has shape \(5, 4\)"),
        ([np.zeros((4, 5), np.uint8), np.zeros((4, 5), np.uint16)], [1, -1], r"frame 1 .* dtype uint16.* uint8"),
        (np.zeros((2, 4, 5), np.uint8), [1, np.nan], "a weight is not finite"),
        (np.zeros((2, 4, 5), np.uint8), [1, np.inf], "a weight is not finite"),
        (np.zeros((2, 4, 5), np.uint8), [], r"weights have shape \(0,\)"),
        (np.zeros((2, 4, 5), np.uint8), 3, r"weights have shape \(\)"),
        (np.zeros((2, 4, 5), np.uint8), [[[1, -1]]], r"weights have shape \(1, 1, 2\)"),
        (np.zeros((2, 4, 5), np.uint8), [True, False], "weights have dtype bool"),
        (np.zeros((2, 4, 5), np.uint8), [1j, 1], "weights: found .* complex128"),
        (np.zeros((2, 4, 5), np.uint8), np.array([2**63, 1], np.uint64), "weights have dtype uint64"),
    ],
)
def test_what_cannot_be_summed_is_refused(backend, frames, weights, message):
    with pytest.raises(InputError, match=message):
        weighted_sums(frames, weights, backend=backend)


def test_sums_of_an_unfinished_stream_are_refused(backend):
    stream = Accumulator(arp(3), backend=backend)
    stream.add(np.zeros((2, 2), np.uint8))
    with pytest.raises(InputError, match="1 frames were added, but the weights are for 3"):
        stream.sums()


def test_a_refused_frame_does_not_count():
    stream = Accumulator([1, 2])
    stream.add(np.full((1, 1), 5, np.uint8))
    with pytest.raises(InputError):
        stream.add(np.zeros((2, 2), np.uint8))
    stream.add(np.full((1, 1), 7, np.uint8))
    assert stream.sums().tolist() == [[[19]]]


def test_unknown_backend():
    with pytest.raises(InputError, match="backend is 'gpu'; expected one of auto, numpy, cpu, cuda"):
        Accumulator([1, -1], backend="gpu")


@pytest.mark.skipif(cuda.is_available(), reason="there is a GPU or its simulator")
def test_cuda_without_a_gpu_says_so_before_any_frame():
    with pytest.raises(BackendUnavailableError, match=r"numba reports .*Expected an NVIDIA GPU.*backend='cpu'"):
        Accumulator([1, -1], backend="cuda")


def test_cuda_without_numba_cuda_says_what_to_install(monkeypatch):
    monkeypatch.setattr(accumulate, "find_spec", lambda name: None)
    with pytest.raises(BackendUnavailableError, match=r"pip install 'mer_di\[cuda\]'"):
        Accumulator([1, -1], backend="cuda")
