"""The CUDA twin: a thread holds the sums of one 8-byte word of pixels in registers and walks through the frames.

Frames on the host go to the GPU in chunks of bounded size; frames that are already there are read in place. The
same code runs in numba's simulator (``NUMBA_ENABLE_CUDASIM=1``).
"""

# numba is not annotated, and makes some of its names at run time:
# mypy: disable-error-code="no-untyped-call, attr-defined"

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import config, cuda
from numba.cuda import libdevice
from numpy.typing import NDArray

from mer_di.errors import BackendUnavailableError, InputError

Array = NDArray[Any]
DeviceArray = Any  # numba's device arrays have no stubs

THREADS_PER_BLOCK = 128
ROWS = 4  # rows summed in one reading of the frames; more would not stay in registers
CHUNK_BYTES = 1 << 26  # of frames sent to the GPU at a time
WORD = np.dtype(np.uint64)


class Sums:
    """Sums of K rows over frames of one shape; takes checked arrays, on the host or on the GPU."""

    def __init__(self, rows: int, shape: tuple[int, ...], total: np.dtype[Any]) -> None:
        require_gpu()
        self._shape = (rows, *shape)
        self._size = math.prod(shape)
        width = self._size + -self._size % WORD.itemsize  # the last word may be partly padding
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
        lanes = WORD.itemsize // pixel.itemsize if words.dtype == WORD else 1
        factors = cuda.to_device(np.ascontiguousarray(weights))
        blocks = -(-words.shape[1] // THREADS_PER_BLOCK)
        for first in range(0, len(weights), ROWS):
            rows = slice(first, min(first + ROWS, len(weights)))
            kernel = _kernel(rows.stop - first, lanes, weights.dtype.name)
            kernel[blocks, THREADS_PER_BLOCK](words, factors[rows], self._sums[rows])


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
    lanes = WORD.itemsize // frames.dtype.itemsize
    padded = np.pad(flat, ((0, 0), (0, -flat.shape[1] % lanes))) if flat.shape[1] % lanes else flat
    return np.ascontiguousarray(padded).view(WORD)


def _device_words(frames: DeviceArray) -> DeviceArray:
    flat = frames.reshape(frames.shape[0], math.prod(frames.shape[1:]))
    address, _ = frames.__cuda_array_interface__["data"]
    frame_bytes = flat.shape[1] * frames.dtype.itemsize
    aligned = address % WORD.itemsize == 0 and frame_bytes % WORD.itemsize == 0
    return flat.view(WORD) if aligned and _is_wide(frames.dtype) else flat


@functools.cache
def _kernel(rows: int, lanes: int, total: str) -> Any:  # noqa: ANN401 - numba's own type has no stubs
    return cuda.jit(add_frames(rows, lanes, total))


def add_frames(rows: int, lanes: int, total: str) -> Callable[..., None]:
    """Return the kernel, as Python, for a number of rows, of pixels in a word, and a dtype of the sums.

    All that is fixed here is constant to the compiler: it unrolls the loops, keeps ``partial`` in registers and
    leaves out the branches that are not taken.
    """
    as_total = np.dtype(total).type
    bits, mask = np.uint64(64 // lanes), np.uint64(2 ** (64 // lanes) - 1)
    # `a + w * p` would be contracted to a fused multiply-add, which rounds once where the other twins round twice.
    # The simulator contracts nothing, and has no libdevice.
    contracts = total == "float64" and not config.ENABLE_CUDASIM

    def kernel(words: DeviceArray, weights: DeviceArray, sums: DeviceArray) -> None:
        i = cuda.grid(1)
        if i >= words.shape[1]:
            return
        partial = cuda.local.array((rows, lanes), as_total)
        for k in range(rows):
            for lane in range(lanes):
                partial[k, lane] = sums[k, i * lanes + lane]
        for t in range(words.shape[0]):
            word = words[t, i]
            for k in range(rows):
                weight = weights[k, t]
                if weight != 0:
                    for lane in range(lanes):
                        pixel = as_total((word >> (np.uint64(lane) * bits)) & mask) if lanes > 1 else as_total(word)
                        if contracts:
                            partial[k, lane] = libdevice.dadd_rn(partial[k, lane], libdevice.dmul_rn(weight, pixel))
                        else:
                            partial[k, lane] += weight * pixel
        for k in range(rows):
            for lane in range(lanes):
                sums[k, i * lanes + lane] = partial[k, lane]

    return kernel
