"""The compiled kernels, and their machine code: made by numba once, kept on disk, loaded without numba.

Importing numba and preparing it to load code of its own takes most of a second, in every process. What it makes of a
kernel is an ordinary function: LLVM loads it in 2 ms, and ctypes calls it with the interpreter lock released.

A kernel takes arrays and integers, returns nothing, raises nothing and allocates nothing. The modules of this package
import each other and nothing else of mer_di, so that its source says whether kept code is still the right one.
"""

import contextlib
import ctypes
import functools
import hashlib
import importlib
import json
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
from llvmlite import binding
from numpy.typing import NDArray

Kernel = Callable[..., None]


@functools.cache
def kernel(module: str, name: str, signature: str) -> Kernel:
    """Load the machine code of a kernel; compile it if that was not done before.

    Parameters
    ----------
    module : str
        Module of this package that defines the kernel. It is imported only to compile it.
    name : str
        Name of the function.
    signature : str
        As numba writes it: ``void(uint8[:,::1], intp)``.

    Returns
    -------
    callable
        Takes what the signature says; nothing is checked.
    """
    kept = _folder() / f"{name}-{_key(module, name, signature)}.o"
    code = _read(kept)
    if code is None:
        code = _compile(module, name, signature)
        _keep(kept, code)
    return _linked(code)


@functools.cache
def byte_instructions() -> str | None:
    """Return the best instructions of this processor that multiply 32 bytes at once: "vnni", "avx2" or none."""
    features = binding.get_host_cpu_features()
    if features.get("avx512vnni", False) and features.get("avx512vl", False):
        return "vnni"
    return "avx2" if features.get("avx2", False) else None


def _folder() -> Path:
    return platformdirs.user_cache_path("mer_di", appauthor=False) / "kernels"


def _key(*of_kernel: str) -> str:
    """Digest everything on which machine code depends."""
    processor = binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten()
    compiler = version("numba"), version("llvmlite")
    return hashlib.sha256(json.dumps([of_kernel, processor, compiler, _source()]).encode()).hexdigest()[:32]


@functools.cache
def _source() -> list[str]:
    return [file.read_text(encoding="utf-8") for file in sorted(Path(__file__).parent.glob("*.py"))]


def _read(kept: Path) -> bytes | None:
    """Return what was kept if it is whole; its digest comes first."""
    with contextlib.suppress(OSError):
        digest, _, code = kept.read_bytes().partition(b"\n")
        if _digest(code) == digest:
            return code
    return None


def _keep(kept: Path, code: bytes) -> None:
    with contextlib.suppress(OSError):  # nowhere to keep it: every process compiles
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as aside:
            written = Path(aside) / kept.name
            written.write_bytes(_digest(code) + b"\n" + code)
            written.replace(kept)


def _digest(code: bytes) -> bytes:
    return hashlib.sha256(code).hexdigest().encode()


def _compile(module: str, name: str, signature: str) -> bytes:
    """Return a line with the function's symbol and the object file in which it is."""
    import numba

    python = getattr(importlib.import_module(f"{__name__}.{module}"), name)
    bare: Any = {"_nrt": False, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    function = numba.njit(signature, **bare)(python)
    optimized = binding.parse_assembly(function.inspect_llvm(function.signatures[0]))
    (symbol,) = (f.name for f in optimized.functions if not f.is_declaration and f.linkage == binding.Linkage.external)
    return b"\n".join([symbol.encode(), _machine().emit_object(optimized)])


def _linked(code: bytes) -> Kernel:
    symbol, _, image = code.partition(b"\n")
    engine = binding.create_mcjit_compiler(binding.parse_assembly(""), _machine())
    engine.add_object_file(binding.ObjectFileRef.from_data(image))
    engine.finalize_object()
    function = ctypes.CFUNCTYPE(ctypes.c_int)(engine.get_function_address(symbol.decode()))

    def call(*arguments: NDArray[Any] | int, _alive: object = engine) -> None:
        # numba's convention: where a result and an exception would go, then the arguments, field by field
        result, exception = ctypes.c_void_p(), ctypes.c_void_p()
        fields = [field for argument in arguments for field in _fields(argument)]
        function(ctypes.byref(result), ctypes.byref(exception), *map(ctypes.c_ssize_t, fields))

    return call


def _fields(argument: NDArray[Any] | int) -> tuple[int, ...]:
    """Return an argument as numba passes it: of an array no owner, its sizes, address, shape and strides."""
    if isinstance(argument, np.ndarray):
        address, _ = argument.__array_interface__["data"]
        return 0, 0, argument.size, argument.itemsize, address, *argument.shape, *argument.strides
    return (argument,)


def _machine() -> Any:  # noqa: ANN401 - llvmlite's own type has no stubs
    """Return this processor as LLVM sees it, with numba's own choices for code that is loaded in a process."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    target = binding.Target.from_triple(binding.get_process_triple())
    return target.create_target_machine(
        cpu=binding.get_host_cpu_name(),
        features=binding.get_host_cpu_features().flatten(),
        opt=3,
        reloc="static" if target.name.startswith("x86") else "default",
        codemodel="jitdefault",
        jit=True,
    )
