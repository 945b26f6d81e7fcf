"""Bad days by the hundred: kills, full disks, spoilt files, sums on every backend; counted, with what went wrong.

    python benchmarks/stress.py [--only build-kills training-kills disk sums fuzz] [--scale 0.02] [--seed 0]

``--scale 1`` is what `docs/reliability.md` states; a small one is for trying. The counts go to
``benchmarks/results/<date>-reliability.json``, those of each part as it ends: parts may run one after another, or on
different days. Ctrl-C ends a part early, with the trials that it made.

The parts that kill and fill disks need a POSIX system; filling disks needs root, for a small file system in memory.
"""

import argparse
import json
import sys
import time
import warnings
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests")]

from bad_days import Trials  # noqa: E402
from bad_days.disks import full_disks  # noqa: E402
from bad_days.fuzz import spoilt_files  # noqa: E402
from bad_days.kills import build_kills, training_kills  # noqa: E402
from bad_days.sums import differential_sums  # noqa: E402
from machine import keep, machine  # noqa: E402

PARTS = {
    "build-kills": build_kills,
    "training-kills": training_kills,
    "disk": full_disks,
    "sums": differential_sums,
    "fuzz": spoilt_files,
}
EXAMPLES = 5  # failures that are described, of each fault


class Count(TypedDict):
    """What became of the trials of a fault, and the first failures in words."""

    trials: int
    failures: int
    examples: list[str]


def tally(trials: Trials) -> dict[str, Count]:
    """Count trials and failures of each fault; Ctrl-C ends the counting."""
    counts: dict[str, Count] = {}
    said = time.monotonic()
    try:
        for trial in trials:
            of = counts.setdefault(trial.fault, {"trials": 0, "failures": 0, "examples": []})
            of["trials"] += 1
            if trial.problem:
                of["failures"] += 1
                if len(of["examples"]) < EXAMPLES:
                    of["examples"].append(trial.problem[:500])
                    print(f"  FAILED, {trial.fault}: {trial.problem[:300]}", flush=True)
            if time.monotonic() - said > 30:
                said = time.monotonic()
                print("  " + ", ".join(f"{name}: {of['trials']}" for name, of in counts.items()), flush=True)
    except KeyboardInterrupt:
        print("  interrupted; what was counted is kept", flush=True)
    finally:
        trials.close()
    return counts


def earlier() -> Mapping[str, object]:
    """Return the parts that were counted today."""
    path = HERE / "results" / f"{datetime.now(UTC):%Y-%m-%d}-reliability.json"
    return json.loads(path.read_text(encoding="utf-8"))["parts"] if path.exists() else {}


def main() -> None:
    """Run the parts that were asked for, and keep the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--scale", type=float, default=1.0, help="of the number of trials")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--dry", action="store_true", help="print the counts and keep nothing")
    given = parser.parse_args()
    warnings.simplefilter("error")
    failures = 0
    for name in given.only:
        before, started = machine(), time.monotonic()
        print(f"{name}:", flush=True)
        faults = tally(PARTS[name](given.scale, given.seed))
        part = {"scale": given.scale, "seed": given.seed, "seconds": time.monotonic() - started, "faults": faults}
        for fault, of in faults.items():
            print(f"  {fault}: {of['trials']} trials, {of['failures']} failures")
            failures += of["failures"]
        print(f"  {part['seconds']:.0f} s", flush=True)
        if not given.dry:
            keep("reliability", before, {"parts": {**earlier(), name: part}})
    raise SystemExit(bool(failures))


if __name__ == "__main__":
    main()
