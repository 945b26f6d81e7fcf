"""Run the first ten benchmarks of README.md, one after the other, and write the page of their results.

    python benchmarks/run.py [--quick] [--only build kernels ...]

Close other programs first: the figures tell how busy the machine was, and cannot be better than that. A benchmark that
fails, for want of an optional package for example, is told at the end; the others run.
"""

import argparse
import subprocess
import sys
from pathlib import Path

QUICK = {
    "kernels": ["--rounds", "3"],
    "build": ["--quick"],
    "memory": ["--frames", "10", "100", "--width", "640", "--height", "480"],
    "training": ["--quick"],
    "precision": ["--quick"],
    "many_machines": ["--rows", "4", "--tasks", "5"],
    "guards": ["--rounds", "2"],
    "flow": ["--quick"],
    "flow_build": ["--quick"],
    "spotting": ["--quick"],
}


def run(script: str, *arguments: str) -> bool:
    """Run a script of this folder; tell whether it succeeded."""
    print(f"== {script} {' '.join(arguments)}", flush=True)
    return (
        subprocess.run([sys.executable, Path(__file__).with_name(f"{script}.py"), *arguments], check=False).returncode
        == 0
    )


def main() -> None:
    """Run them, then write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="to see that everything works")
    parser.add_argument("--only", nargs="+", choices=list(QUICK), default=list(QUICK))
    given = parser.parse_args()
    failed = [name for name in given.only if not run(name, *(QUICK[name] if given.quick else []))]
    if not run("report"):
        failed.append("report")
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
