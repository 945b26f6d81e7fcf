"""``mer-di`` as a process of its own, and small databases and caches for it."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import cv2
import numpy as np

import mer_di

CODE = "import sys; sys.argv[0] = 'mer-di'; from mer_di.cli import main; main()"
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": os.pathsep.join(filter(None, [str(Path(mer_di.__file__).parents[1]), os.environ.get("PYTHONPATH")])),
    "OMP_NUM_THREADS": "1",
    "HF_HUB_OFFLINE": "1",
}
PLAIN = ("--dataset", "manifest", "--align", "none", "--size", "32")
LITTLE = (
    *("--no-pretrained", "--backbone", "test_resnet", "--fusion", "concat", "--size", "32", "--epochs", "2"),
    *("--validation", "none", "--batch-size", "4", "--device", "cpu", "--precision", "float32"),
)


def start(*arguments: object, code: str = CODE, env: Mapping[str, str] = MappingProxyType({})) -> subprocess.Popen[str]:
    """Start a command in a session of its own, so that its workers can be killed with it."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={**ENVIRONMENT, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def run(*arguments: object, seconds: float = 300) -> tuple[int, str]:
    """Run a command; return its exit code and what it said on stderr."""
    process = start(*arguments)
    _, said = process.communicate(timeout=seconds)
    return process.returncode, said


def draw_database(folder: Path, *, subjects: int = 4, clips: int = 4, frames: int = 9, side: int = 48) -> Path:
    """Write lossless frames of noise and their manifest; return it."""
    rng = np.random.default_rng(0)
    rows = ["subject,clip,path,onset,apex,offset,emotion"]
    for subject in range(subjects):
        for clip in range(clips):
            place = folder / f"s{subject}" / f"c{clip}"
            place.mkdir(parents=True)
            for number in range(1, frames + 1):
                cv2.imwrite(str(place / f"img{number}.png"), rng.integers(0, 256, (side, side, 3), np.uint8))
            rows.append(f"s{subject},c{clip},s{subject}/c{clip},1,{frames // 2},{frames},{'abc'[clip % 3]}")
    rows.append(f"s0,without,s0/c0,1,/,{frames},a")
    table = folder / "manifest.csv"
    table.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return table


def own_words(said: str) -> bool:
    """Tell whether a message is the library's own."""
    return "mer-di: " in said and "internal error" not in said and "Traceback" not in said
