"""Phase-aware dynamic images for micro-expression recognition.

The public names below are resolved on first use, so that importing the package costs nothing:
neither OpenCV, dlib nor numba is loaded before something needs it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mer_di import accumulate as accumulate
    from mer_di import cache as cache
    from mer_di import datasets as datasets
    from mer_di import errors as errors
    from mer_di import rank_pooling as rank_pooling
    from mer_di import synthetic as synthetic
    from mer_di import torch_dataset as torch_dataset
    from mer_di.building.build import build_cache as build_cache
    from mer_di.cache import open_cache as open_cache
    from mer_di.datasets import list_datasets as list_datasets
    from mer_di.datasets import load_dataset as load_dataset
    from mer_di.dynamic_images import PhaseImages as PhaseImages
    from mer_di.dynamic_images import dynamic_image as dynamic_image
    from mer_di.dynamic_images import normalize as normalize
    from mer_di.dynamic_images import phase_dynamic_images as phase_dynamic_images

__version__ = "0.1.0"

_HOME = {
    "PhaseImages": "mer_di.dynamic_images",
    "build_cache": "mer_di.building.build",
    "dynamic_image": "mer_di.dynamic_images",
    "list_datasets": "mer_di.datasets",
    "load_dataset": "mer_di.datasets",
    "normalize": "mer_di.dynamic_images",
    "open_cache": "mer_di.cache",
    "phase_dynamic_images": "mer_di.dynamic_images",
}
_MODULES = ("accumulate", "cache", "datasets", "errors", "rank_pooling", "synthetic", "torch_dataset")

__all__ = ["__version__", *_HOME, *_MODULES]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever lives under that name
    if name in _MODULES:
        return import_module(f"mer_di.{name}")
    if name in _HOME:
        value = getattr(import_module(_HOME[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'mer_di' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
