"""The CUDA kernel on a GPU, or, without one, what its machine code tells.

    python benchmarks/gpu.py [--rounds 15]      # needs an NVIDIA GPU and torch
    python benchmarks/gpu.py --analyse          # needs none: numba-cuda[cu13] and nvdisasm

On a GPU, weighted sums of frames that are already there are timed against a copy within the device, which reads and
writes every byte, and against ``torch.einsum`` on the frames as float32. The *floor* is reading at the copy's rate.

``--analyse`` compiles the kernel for sm_80 and sm_90, assembles it, and counts: registers, spilled bytes, the width
of loads, instructions in the loop over frames. From these follow *predictions, which nobody has measured*: see
`predict`. (The script is not named after CUDA because a module ``cuda`` beside it would hide NVIDIA's package.)
"""

import argparse
import json
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from machine import keep, machine
from numba import cuda, types
from numpy.typing import NDArray

from mer_di.accumulate import _cuda, weighted_sums
from mer_di.rank_pooling import arp, phase_weights

Array = NDArray[Any]

SHAPES = ((100, 480, 640, 3), (32, 224, 224, 3))
COPIES = 8  # of a clip on the GPU: more than its cache holds

# multiprocessors, GHz (boost), TB/s: NVIDIA's data sheets of the A100, H100 and H200 with SXM
GPUS = {
    "A100 80GB": ("sm_80", 108, 1.41, 2.039),
    "H100": ("sm_90", 132, 1.98, 3.35),
    "H200": ("sm_90", 132, 1.98, 4.8),
}
ISSUED, INTEGER = 128, 64  # threads' instructions a clock and multiprocessor: of any kind, of 32-bit integers
REGISTERS, LATENCY = 65536, 700e-9  # of a multiprocessor; seconds of one reading of memory, an assumption


def row_sets(n: int) -> dict[str, Array]:
    """Name the rows of weights that are measured, for clips of n frames."""
    phases = phase_weights(n, range(n // 2 + 1), range(n // 2, n))
    return {"1 row": arp(n)[np.newaxis], "2 phases": phases[:2], "2 phases and full": phases}


def measure(shape: tuple[int, ...], rounds: int) -> list[dict[str, object]]:
    """Time copy, einsum and this library on clips that are on the GPU."""
    import torch

    clips = [torch.randint(0, 256, shape, dtype=torch.uint8, device="cuda") for _ in range(COPIES)]
    target = torch.empty_like(clips[0])
    tasks: dict[tuple[str, str], Callable[[Any], object]] = {("floor", "copy"): target.copy_}
    for name, weights in row_sets(shape[0]).items():
        factors = torch.tensor(weights, dtype=torch.float32, device="cuda")
        tasks[name, "mer_di"] = partial(weighted_sums, weights=weights, backend="cuda")
        tasks[name, "mer_di, sums left on the GPU"] = partial(sums_on_gpu, weights=weights)
        tasks[name, "torch.einsum"] = partial(einsum, weights=factors)
    seconds: dict[tuple[str, str], list[float]] = {key: [] for key in tasks}
    for turn in range(-2, rounds):  # the first two compile and warm up
        for i, (key, task) in enumerate(tasks.items()):
            torch.cuda.synchronize()
            start = time.perf_counter()
            task(clips[(turn + i) % COPIES])
            torch.cuda.synchronize()
            if turn >= 0:
                seconds[key].append(time.perf_counter() - start)
    floor = np.array(seconds["floor", "copy"]) / 2  # a copy moves every byte twice
    return [
        {
            "case": "cuda",
            "shape": shape,
            "rows": rows,
            "name": name,
            "seconds": quartiles(np.array(times)),
            "gb_per_s": int(np.prod(shape)) / float(np.median(times)) / 1e9,
            "ratio_to_floor": quartiles(floor / times),
        }
        for (rows, name), times in seconds.items()
    ]


def einsum(clip: Any, weights: Any) -> object:  # noqa: ANN401 - torch is optional
    """Sum as one writes it in torch."""
    import torch

    return torch.einsum("kt,thwc->khwc", weights, clip.float())


def sums_on_gpu(clip: object, weights: Array) -> None:
    """Sum without fetching the result."""
    frames = _cuda.on_device(clip)
    sums = _cuda.Sums(len(weights), frames.shape[1:], np.dtype(np.int32))
    sums.add(frames, weights.astype(np.int32))


def quartiles(values: Array) -> dict[str, float]:
    """Median and spread."""
    low, middle, high = np.percentile(values, (25, 50, 75)).tolist()
    return {"median": middle, "p25": low, "p75": high}


def analyse(target: str, rows: int, total: str) -> dict[str, object]:
    """Compile, assemble and count the kernel that reads uint8 frames, for frames that have a weight in every row."""
    lanes = _cuda.WORDS * _cuda.WORD.itemsize
    binary, log = assembled(compiled(rows, lanes, total, target), target)
    code = disassembled(binary)
    loop = loop_over_frames(code)
    frames = sum("LDG.E.128" in line for line in loop)
    used = re.search(r"Used (\d+) registers", log)
    if used is None:
        raise SystemExit(f"the assembler does not say how many registers are used: {log}")
    return {
        "target": target,
        "rows": rows,
        "sums": total,
        "registers": int(used[1]),
        "spilled_bytes": sum(map(int, re.findall(r"(\d+) bytes spill", log))),
        "local_memory_instructions": sum(bool(re.search(r"\b(LDL|STL)\b", line)) for line in code),
        "loads_in_loop": sorted(load for line in loop for load in re.findall(r"LDG\S*", line)),
        "instructions_per_pixel_and_frame": len(loop) / frames / lanes,
    }


def compiled(rows: int, lanes: int, total: str, target: str) -> str:
    """Return PTX."""
    from numba.cuda.compiler import compile_ptx

    arrays = [types.Array(getattr(types, name), 2, "C") for name in ("uint64", total, total)]
    capability = int(target[-2]), int(target[-1])
    kernel = _cuda.add_frames(rows, lanes, total)
    text, _ = compile_ptx(kernel, types.void(*arrays), cc=capability, device=False)
    return str(text)


def assembled(ptx: str, target: str) -> tuple[bytes, str]:
    """Return machine code and the assembler's report."""
    from cuda.bindings import nvjitlink

    source = ptx.encode() + b"\0"
    options = [f"-arch={target}", "-verbose"]
    link = nvjitlink.create(len(options), options)
    nvjitlink.add_data(link, nvjitlink.InputType.PTX, source, len(source), "kernel")
    nvjitlink.complete(link)
    binary, log = (bytearray(size(link)) for size in (nvjitlink.get_linked_cubin_size, nvjitlink.get_info_log_size))
    nvjitlink.get_linked_cubin(link, binary)
    nvjitlink.get_info_log(link, log)
    return bytes(binary), log.decode()


def disassembled(binary: bytes) -> list[str]:
    """Return instructions and labels, one a line."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kernel.cubin"
        path.write_bytes(binary)
        text = subprocess.run([nvdisasm(), "-c", path], capture_output=True, text=True, check=True).stdout
    return [line.strip() for line in text.splitlines() if re.match(r"\s*(/\*[0-9a-f]{4}\*/|\.L_)", line)]


def nvdisasm() -> str:
    """Find the disassembler on the path, or in Triton's package, which comes with torch."""
    triton = find_spec("triton")
    beside = (
        [Path(place) / "backends/nvidia/bin" for place in (triton.submodule_search_locations or [])] if triton else []
    )
    found = shutil.which("nvdisasm") or next((str(p / "nvdisasm") for p in beside if (p / "nvdisasm").exists()), None)
    if found is None:
        raise SystemExit("nvdisasm is not found: it is part of the CUDA toolkit and of the package triton")
    return found


def loop_over_frames(code: list[str]) -> list[str]:
    """Return the instructions between a label and the jump back to it, around the load of frames."""
    for end, line in enumerate(code):
        jump = re.search(r"BRA\S* .*`\((\.L_\w+)\)", line)
        label = f"{jump[1]}:" if jump else None
        if label in code[:end]:
            inside = code[code.index(label) : end + 1]
            if any("LDG.E.128" in line for line in inside):
                return [line for line in inside if line.startswith("/*")]
    raise SystemExit("no loop with a load of 16 bytes in the machine code")


def predict(found: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Predict the share of memory bandwidth on GPUs of this target.

    The time of a pixel is that of the scarcest of: memory; instructions, if all are issued at the full rate (upper
    share) or all at the rate of integers (lower share); and bytes under way, 16 a resident thread.
    """
    shares = {}
    threads = min(
        2048, REGISTERS // (8 * -(-found["registers"] // 8)) // _cuda.THREADS_PER_BLOCK * _cuda.THREADS_PER_BLOCK
    )
    for name, (target, multiprocessors, gigahertz, terabytes) in GPUS.items():
        if target == found["target"]:
            bandwidth = terabytes * 1e12
            clocks = multiprocessors * gigahertz * 1e9
            under_way = threads * 16 * multiprocessors / LATENCY
            lower, upper = (
                min(1.0, clocks * rate / found["instructions_per_pixel_and_frame"] / bandwidth, under_way / bandwidth)
                for rate in (INTEGER, ISSUED)
            )
            shares[name] = {"lower": round(lower, 2), "upper": round(upper, 2)}
    return shares


def main() -> None:
    """Measure, or analyse; print, keep the figures."""
    before = machine()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--analyse", action="store_true")
    given = parser.parse_args()
    if given.analyse:
        found = [analyse(target, rows, "int32") for target in ("sm_80", "sm_90") for rows in (1, 2, 3)]
        for record in found:
            record["predicted_share_of_bandwidth"] = predict(record)
            print(json.dumps(record))
        keep("gpu-analysis", before, {"predictions_are": "not measured", "records": found})
        return
    if not cuda.is_available() or cuda.config.ENABLE_CUDASIM:  # type: ignore[attr-defined]  # made at run time
        raise SystemExit("no NVIDIA GPU is usable here: python benchmarks/gpu.py --analyse needs none")
    measured = [record for shape in SHAPES for record in measure(shape, given.rounds)]
    for record in measured:
        print(json.dumps(record))
    gpu = cuda.get_current_device().name
    keep("gpu", before, {"gpu": gpu.decode() if isinstance(gpu, bytes) else gpu, "records": measured})


if __name__ == "__main__":
    main()
