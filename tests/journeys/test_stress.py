"""What counts the bad days works itself."""

import subprocess
import sys
from pathlib import Path

STRESS = Path(__file__).parents[2] / "benchmarks" / "stress.py"


def test_the_quick_parts_run_and_count():
    run = subprocess.run(
        [sys.executable, STRESS, "--dry", "--scale", "0.0005", "--only", "sums", "fuzz"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "sums by the CUDA simulator and by NumPy: 2 trials, 0 failures" in run.stdout
    assert "spoilt cache, structure: 10 trials, 0 failures" in run.stdout
