"""Machine code that is compiled once, kept, and loaded without numba."""

import os
import subprocess
import sys

import numpy as np
import pytest

from mer_di import kernels

ADD = (
    "loops",
    "add_frames",
    "void(uint8[::1], intp, intp, int16[:,::1], intp, int32[:,:,::1], intp, intp, intp, intp)",
)

PROGRAM = """
import sys, numpy as np
from mer_di.accumulate import weighted_sums
from mer_di.imaging.warp import warp
frames = np.arange(240, dtype=sys.argv[1]).reshape(2, 40, 3)
assert (weighted_sums(frames, [-1, 1], backend="cpu") == 120).all()
assert (warp(np.full((9, 8), 7.0), [[1, 0, 0], [0, 1, 0]], 5) == 7).all()
print("numba" in sys.modules)
"""


def run(folder, dtype="uint8"):
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder), "LOCALAPPDATA": str(folder), "HOME": str(folder)}
    command = [sys.executable, "-c", PROGRAM, dtype]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def told(process):
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    return out.strip()


def doubled(add):
    sums = np.zeros((1, 1, 3), np.int32)
    add(np.array([1, 2, 3], np.uint8), 0, 0, np.array([[2]], np.int16), False, sums, 0, 1, 0, 3)
    return sums.tolist() == [[[2, 4, 6]]]


@pytest.fixture
def kept(monkeypatch, tmp_path):
    """A folder of its own for machine code, and a loader that remembers none."""
    monkeypatch.setattr(kernels, "_folder", lambda: tmp_path / "kernels")
    monkeypatch.setattr(kernels, "kernel", kernels.kernel.__wrapped__)
    return tmp_path / "kernels"


@pytest.fixture
def compilations(monkeypatch):
    """The kernels that were compiled."""
    done = []
    compile_kernel = kernels._compile
    monkeypatch.setattr(kernels, "_compile", lambda *kernel: done.append(kernel) or compile_kernel(*kernel))
    return done


def test_a_second_process_does_not_import_numba(tmp_path):
    assert [told(run(tmp_path)) for _ in range(2)] == ["True", "False"]


def test_processes_that_compile_at_the_same_moment_share_a_folder(tmp_path):
    assert [told(process) for process in [run(tmp_path, dtype) for dtype in ("uint8", "float32", "uint8")]]
    assert [told(run(tmp_path, dtype)) for dtype in ("uint8", "float32")] == ["False", "False"]
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith("tmp")]


def test_machine_code_is_compiled_once(kept, compilations):
    assert all(doubled(kernels.kernel(*ADD)) for _ in range(3))
    assert compilations == [ADD]
    assert len(list(kept.iterdir())) == 1


@pytest.mark.parametrize("damage", [lambda code: code[:-1], lambda code: code[:-1] + b"?", lambda code: b""])
def test_damaged_machine_code_is_not_run_but_replaced(kept, compilations, damage):
    kernels.kernel(*ADD)
    (file,) = kept.iterdir()
    file.write_bytes(damage(file.read_bytes()))
    assert doubled(kernels.kernel(*ADD))
    assert compilations == [ADD, ADD]
    assert kernels._read(file) is not None


def test_machine_code_of_another_source_is_not_taken(kept, compilations, monkeypatch):
    kernels.kernel(*ADD)
    monkeypatch.setattr(kernels, "_source", lambda: ["another"])
    assert doubled(kernels.kernel(*ADD))
    assert compilations == [ADD, ADD]
    assert len(list(kept.iterdir())) == 2


def test_without_a_place_to_keep_them_kernels_are_compiled_all_the_same(monkeypatch, tmp_path, compilations):
    (tmp_path / "file").touch()
    monkeypatch.setattr(kernels, "_folder", lambda: tmp_path / "file" / "kernels")
    assert all(doubled(kernels.kernel.__wrapped__(*ADD)) for _ in range(2))
    assert compilations == [ADD, ADD]
