"""The machine that figures hold for."""

import os
import platform
from pathlib import Path

import numba
import numpy as np

import mer_di
from mer_di.executors import processors


def machine() -> dict[str, object]:
    """Describe processor, versions and how busy it was."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return {
        "platform": f"{platform.system()} {platform.machine()}",
        "cpu": names[0] if names else platform.processor(),
        "processors": processors(),
        "load_average": os.getloadavg() if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "numba": numba.__version__,
        "mer_di": mer_di.__version__,
    }
