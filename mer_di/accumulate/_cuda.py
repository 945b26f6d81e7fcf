"""The CUDA twin: a thread holds the sums of 16 bytes of pixels in registers and walks through the frames.

Frames on the host go to the GPU in chunks of bounded size; frames that are already there are read in place. The
same code runs in numba's simulator (``NUMBA_ENABLE_CUDASIM=1``).
"""

# numba is not annotated, and makes some of its names at run time:
# mypy: disable-error-code="no-untyped-call, no-untyped-def, attr-defined, import-untyped"

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import config, cuda, types
from numba.cuda import libdevice
from numba.cuda.extending import intrinsic
from numpy.typing import NDArray

from mer_di.errors import BackendUnavailableError, InputError

Array = NDArray[Any]
DeviceArray = Any  # numba's device arrays have no stubs

THREADS_PER_BLOCK = 128
ROW_BYTES = 16  # of one pixel's sums in all rows of one reading of the frames; more would not stay in registers
CHUNK_BYTES = 1 << 26  # of frames sent to the GPU at a time
WORD = np.dtype(np.uint64)
WORDS = 2  # in one load


class Sums:
    """Sums of K rows over frames of one shape; takes checked arrays, on the host or on the GPU."""

    def __init__(self, rows: int, shape: tuple[int, ...], total: np.dtype[Any]) -> None:
        require_gpu()
        self._shape = (rows, *shape)
        self._size = math.prod(shape)
        width = self._size + -self._size % (WORDS * WORD.itemsize)  # the last words may be partly padding
        self._sums = cuda.to_device(np.zeros((rows, width), total))

    def add(self, frames: Array | DeviceArray, weights: Array) -> None:
        """Add frames (n, H, W[, C]) under weights (K, n) in the dtype of the sums."""
        if not isinstance(frames, np.ndarray):
            self._launch(_device_words(frames), frames.dtype, weights)
            return
        at_once = max(1, CHUNK_BYTES // frames[0].nbytes)
        for t in range(0, len(frames), at_once):
            words = cuda.to_device(_host_words(frames[t : t + at_once]))
            self._launch(words, frames.dtype, weights[:, t : t + at_once])

    def result(self) -> Array:
        """Return the sums on the host, (K, H, W[, C])."""
        sums: Array = self._sums.copy_to_host()
        return np.ascontiguousarray(sums[:, : self._size]).reshape(self._shape)

    def _launch(self, words: DeviceArray, pixel: np.dtype[Any], weights: Array) -> None:
        wide = words.dtype == WORD
        lanes = WORDS * WORD.itemsize // pixel.itemsize if wide else 1
        factors = cuda.to_device(np.ascontiguousarray(weights))
        loads = words.shape[1] // WORDS if wide else words.shape[1]
        blocks = -(-loads // THREADS_PER_BLOCK)
        at_once = rows_at_once(weights.dtype)
        for first in range(0, len(weights), at_once):
            rows = slice(first, min(first + at_once, len(weights)))
            kernel = _kernel(rows.stop - first, lanes, weights.dtype.name)
            kernel[blocks, THREADS_PER_BLOCK](words, factors[rows], self._sums[rows])


def rows_at_once(total: np.dtype[Any]) -> int:
    """Return how many rows are summed in one reading of the frames."""
    return max(1, ROW_BYTES // total.itemsize)


def require_gpu() -> None:
    """Raise BackendUnavailableError unless there is a GPU, or its simulator."""
    if not cuda.is_available():
        raise BackendUnavailableError(
            f"backend 'cuda' cannot run here: numba reports {' '.join(str(cuda.cuda_error()).split())!r}. "
            "Expected an NVIDIA GPU with its driver; without one use backend='cpu', which gives the same bits"
        )


def on_device(frames: Any) -> DeviceArray:  # noqa: ANN401 - CuPy, PyTorch, numba, ...
    """Take an object with ``__cuda_array_interface__`` as numba's device array, without copying."""
    require_gpu()
    array = cuda.as_cuda_array(frames)
    if not array.is_c_contiguous():
        raise InputError(f"frames on the GPU have strides {array.strides}; expected C order, copy them into it first")
    return array


def _is_wide(pixel: np.dtype[Any]) -> bool:
    return pixel.kind == "u"  # other pixels are wide enough to be read one by one


def _host_words(frames: Array) -> Array:
    flat = frames.reshape(len(frames), -1)
    if not _is_wide(frames.dtype):
        return np.ascontiguousarray(flat)
    missing = -flat.shape[1] % (WORDS * WORD.itemsize // frames.dtype.itemsize)
    padded = np.pad(flat, ((0, 0), (0, missing))) if missing else flat
    return np.ascontiguousarray(padded).view(WORD)


def _device_words(frames: DeviceArray) -> DeviceArray:
    flat = frames.reshape(frames.shape[0], math.prod(frames.shape[1:]))
    address, _ = frames.__cuda_array_interface__["data"]
    frame_bytes = flat.shape[1] * frames.dtype.itemsize
    load = WORDS * WORD.itemsize
    aligned = address % load == 0 and frame_bytes % load == 0
    return flat.view(WORD) if aligned and _is_wide(frames.dtype) else flat


@functools.cache
def _kernel(rows: int, lanes: int, total: str) -> Any:  # noqa: ANN401 - numba's own type has no stubs
    return cuda.jit(add_frames(rows, lanes, total))


def _load_two_words(context: Any, words: Any, t: Any, i: Any) -> Any:  # noqa: ANN401
    """Read words 2 i and 2 i + 1 of frame t in one load; numba does not know that they are aligned to 16 bytes."""

    def generate(context, builder, signature, arguments):  # noqa: ANN001, ANN202
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        _, t, i = arguments
        width = builder.extract_value(array.shape, 1)
        address = builder.gep(array.data, [builder.add(builder.mul(t, width), builder.mul(i, i.type(WORDS)))])
        both = ir.VectorType(ir.IntType(64), WORDS)
        loaded = builder.load(builder.bitcast(address, ir.PointerType(both)), align=WORDS * WORD.itemsize)
        each = [builder.extract_element(loaded, ir.IntType(32)(j)) for j in range(WORDS)]
        return context.make_tuple(builder, signature.return_type, each)

    return types.UniTuple(types.uint64, WORDS)(words, types.intp, types.intp), generate


def _simulated_load(words: DeviceArray, t: int, i: int) -> Any:  # noqa: ANN401
    return words[t, WORDS * i], words[t, WORDS * i + 1]


_load: Any = _simulated_load if config.ENABLE_CUDASIM else intrinsic(_load_two_words)


def add_frames(rows: int, lanes: int, total: str) -> Callable[..., None]:
    """Return the kernel, as Python, for a number of rows, of pixels in a load, and a dtype of the sums.

    All that is fixed here is constant to the compiler: it unrolls the loops, keeps ``partial`` in registers and
    leaves out the branches that are not taken. One pixel in a load means that the array holds pixels, not words.
    """
    as_total = np.dtype(total).type
    in_word = max(lanes // WORDS, 1)
    bits, mask = np.uint64(64 // in_word), np.uint64(2 ** (64 // in_word) - 1)
    # `a + w * p` would be contracted to a fused multiply-add, which rounds once where the other twins round twice.
    # The simulator contracts nothing, and has no libdevice.
    contracts = total == "float64" and not config.ENABLE_CUDASIM

    def kernel(words: DeviceArray, weights: DeviceArray, sums: DeviceArray) -> None:
        i = cuda.grid(1)
        if i >= (words.shape[1] // WORDS if lanes > 1 else words.shape[1]):
            return
        partial = cuda.local.array((rows, lanes), as_total)
        for k in range(rows):
            for lane in range(lanes):
                partial[k, lane] = sums[k, i * lanes + lane]
        for t in range(words.shape[0]):
            if lanes > 1:
                low, high = _load(words, t, i)
            else:
                low = high = words[t, i]
            for k in range(rows):
                weight = weights[k, t]
                if weight != 0:
                    for lane in range(lanes):
                        word = low if lane < in_word else high
                        pixel = as_total((word >> (np.uint64(lane % in_word) * bits)) & mask if lanes > 1 else word)
                        if contracts:
                            partial[k, lane] = libdevice.dadd_rn(partial[k, lane], libdevice.dmul_rn(weight, pixel))
                        else:
                            partial[k, lane] += weight * pixel
        for k in range(rows):
            for lane in range(lanes):
                sums[k, i * lanes + lane] = partial[k, lane]

    return kernel
