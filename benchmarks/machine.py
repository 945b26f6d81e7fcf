"""The machine that figures hold for, and where they are kept."""

import json
import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
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


def keep(kind: str, before: Mapping[str, object], record: Mapping[str, object]) -> None:
    """Write the figures of a benchmark beside the others, as of today.

    Parameters
    ----------
    kind : str
        ``results/<date>-<kind>.json``; today's earlier figures are replaced.
    before : mapping
        `machine()` as it was before the run: how busy it was is part of it.
    record : mapping
        The figures and their setting.
    """
    now = datetime.now(UTC)
    out = Path(__file__).parent / "results" / f"{now:%Y-%m-%d}-{kind}.json"
    out.parent.mkdir(exist_ok=True)
    text = json.dumps({"date": now.isoformat(), "machine": before, **record}, indent=2)
    out.write_text(text + "\n", encoding="utf-8")
    print(f"written: {out.name}")
