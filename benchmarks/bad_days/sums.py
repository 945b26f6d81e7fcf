"""The same sums on every backend: NumPy, the CPU's machine code, and CUDA in numba's simulator."""

import json
import subprocess
import sys
import warnings

import numpy as np
from numpy.typing import NDArray

from bad_days import Trial, Trials
from bad_days.commands import ENVIRONMENT
from mer_di.accumulate import Backend, weighted_sums
from mer_di.errors import InputError

CPU_CASES, SIMULATED_CASES = 20_000, 3_000
DTYPES = ("uint8", "uint16", "int8", "int16", "int32", "float32", "float64")


def differential_sums(scale: float, seed: int) -> Trials:
    """Compare random cases with NumPy, in this process and in one where numba simulates a GPU."""
    for number in range(max(1, round(scale * CPU_CASES))):
        yield Trial("sums on the CPU and by NumPy", compared(np.random.default_rng([seed, number]), "cpu", 70))
    count = max(1, round(scale * SIMULATED_CASES))
    code = f"from bad_days.sums import answer; answer({seed}, {count})"
    process = subprocess.Popen(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {sys.path!r}; {code}"],
        env={**ENVIRONMENT, "NUMBA_ENABLE_CUDASIM": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        for line in process.stdout:
            yield Trial("sums by the CUDA simulator and by NumPy", json.loads(line))
        if process.wait():
            yield Trial("sums by the CUDA simulator and by NumPy", "the simulator's process died")
    finally:
        process.kill()
        process.communicate()


def answer(seed: int, count: int) -> None:
    """Compare cases in this process, where numba simulates a GPU, and write what is wrong with each, one a line."""
    warnings.simplefilter("ignore")  # numba's, of frames that do not fill a GPU
    for number in range(count):
        print(json.dumps(compared(np.random.default_rng([seed, 1, number]), "cuda", 7)), flush=True)


def compared(rng: np.random.Generator, backend: Backend, largest: int) -> str:
    """Say in what the sums of a random case differ from NumPy's; empty if they agree to the bit."""
    frames, weights = _case(rng, largest)
    said = f"{frames.dtype} {frames.shape}, weights {weights.dtype} {weights.shape}"
    results: list[NDArray[np.generic] | str] = []
    for which in ("numpy", backend):
        try:
            results.append(weighted_sums(frames, weights, backend=which))
        except InputError as error:
            results.append(str(error))
        except Exception as error:
            return f"{said}: {which} raises {type(error).__name__}: {error}"
    a, b = results
    if isinstance(a, str) or isinstance(b, str):
        return "" if isinstance(a, str) and isinstance(b, str) and a == b else f"{said}: {a!r:.80} | {b!r:.80}"
    same = a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    return "" if same else f"{said}: the sums differ"


def _case(rng: np.random.Generator, largest: int) -> tuple[NDArray[np.generic], NDArray[np.generic]]:
    n, rows = int(rng.integers(1, 25)), int(rng.integers(1, 6))
    shape = (n, *rng.integers(1, largest, 2), *([] if rng.random() < 0.3 else [int(rng.choice([1, 3, 4]))]))
    dtype = np.dtype(rng.choice(DTYPES))
    if dtype.kind == "f":
        frames = (rng.normal(0, 1, shape) * 10.0 ** rng.integers(-3, 4)).astype(dtype)
    else:
        limits = np.iinfo(dtype)
        frames = rng.integers(limits.min, limits.max, shape, dtype, endpoint=True)
    if rng.random() < 0.3:
        frames = frames[:, ::-1]  # as a region, or a mirror, of a larger frame
    reach = 10 ** int(rng.integers(0, 6))
    whole = rng.integers(-reach, reach, (rows, n), endpoint=True)
    kinds = (lambda: whole, lambda: whole / 64, lambda: rng.normal(0, reach, (rows, n)), lambda: whole - whole)
    return frames, kinds[int(rng.choice(4, p=(0.6, 0.15, 0.2, 0.05)))]()
