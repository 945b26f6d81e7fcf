"""Builds and trainings that are killed at random instants, and resumed until they are done.

A process is killed (SIGKILL, with its workers) either some time after it began to write, or at one of its own steps: as
it opens a file for writing, renames, makes or removes one, which Python's audit events tell. So what lasts microseconds
is hit as often as what lasts seconds.
"""

import contextlib
import os
import random
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from bad_days import Trial
from bad_days.commands import CODE, LITTLE, PLAIN, draw_database, run, start

BUILD_KILLS, TRAINING_KILLS = 240, 60
STEPS = """
import os, signal, sys
left = int(os.environ["STRESS_STEP"])
folder = os.environ["STRESS_FOLDER"]
def step(event, arguments):
    global left
    if event not in ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir") or folder not in str(arguments[0]):
        return
    if event == "open" and not (set(str(arguments[1] or "")) & set("wax+") or arguments[2] & 3):
        return
    left -= 1
    if left == 0:
        os.killpg(0, signal.SIGKILL)
sys.addaudithook(step)
import atexit
atexit.register(lambda: sys.stderr.write(f"steps left: {left}\\n"))
"""
MANY = 10**9


def build_kills(scale: float, seed: int) -> Iterator[Trial]:
    """Kill builds on threads and on processes, new ones and ones over a former cache."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        table = draw_database(folder / "db")
        common = ("build", "--root", table, *PLAIN, "--jobs", 2)
        if run(*common, "--out", folder / "whole.h5")[0] or run(*common, "--out", folder / "half.h5", "--size", 16)[0]:
            raise SystemExit("the build that nothing disturbs failed")
        whole, former = (folder / "whole.h5").read_bytes(), (folder / "half.h5").read_bytes()
        for workers in ("threads", "processes"):
            for over in (False, True):
                made = folder / f"{workers}-{over}"
                options = ("--workers", workers, *(["--overwrite"] if over else []), "--out", made / "c.h5")

                def prepare(made: Path = made, over: bool = over) -> None:
                    if over:
                        (made / "c.h5").write_bytes(former)

                def look(made: Path = made, over: bool = over) -> str:
                    allowed = [whole, former] if over else [whole, None]
                    found = (made / "c.h5").read_bytes() if (made / "c.h5").exists() else None
                    return "" if found in allowed else "the cache is neither what it was nor what it becomes"

                def compare(made: Path = made) -> str:
                    left = sorted(path.name for path in made.iterdir() if path.name != "c.h5")
                    if (made / "c.h5").read_bytes() != whole:
                        return "the resumed cache differs from the uninterrupted one"
                    return f"it left {left} behind" if left else ""

                fault = f"build on {workers}{' with --overwrite' if over else ''} killed"
                count = max(1, round(scale * BUILD_KILLS / 4))
                yield from _killed(fault, made, (*common, *options), prepare, look, compare, count, chance)


def training_kills(scale: float, seed: int) -> Iterator[Trial]:
    """Kill trainings, one fold at a time and two."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        cache = folder / "c.h5"
        if run("build", "--root", draw_database(folder / "db"), *PLAIN, "--out", cache)[0]:
            raise SystemExit("the build failed")
        for jobs in (1, 2):
            common = ("train", cache, *LITTLE, "--jobs", jobs, "--save-networks", "--out")
            code, said = run(*common, folder / f"whole-{jobs}", seconds=900)
            if code:
                raise SystemExit(f"the training that nothing disturbs failed: {said}")
            whole = (folder / f"whole-{jobs}" / "predictions.csv").read_bytes()
            made = folder / f"killed-{jobs}"

            def compare(made: Path = made, whole: bytes = whole) -> str:
                if (made / "run" / "predictions.csv").read_bytes() != whole:
                    return "the resumed predictions differ from the uninterrupted ones"
                left = [path.name for path in made.rglob("*.tmp")]
                return f"it left {left} behind" if left else ""

            count = max(1, round(scale * TRAINING_KILLS / 2))
            fault = f"training killed, {jobs} fold{'s' * (jobs > 1)} at a time"
            yield from _killed(fault, made, (*common, made / "run"), lambda: None, lambda: "", compare, count, chance)


def _killed(
    fault: str,
    made: Path,
    command: Sequence[object],
    prepare: Callable[[], None],
    look: Callable[[], str],
    compare: Callable[[], str],
    count: int,
    chance: random.Random,
) -> Iterator[Trial]:
    """Kill a command `count` times; look after each kill, and finish and compare after one to three of them."""
    steps, seconds = _undisturbed(made, command, prepare)
    done = 0
    while done < count:
        _empty(made)
        prepare()
        problems = []
        kills = min(count - done, chance.choice((1, 1, 2, 3)))
        for _ in range(kills):
            if chance.random() < 0.5:
                _kill_at_step(made, command, chance.randint(1, steps))
            else:
                _kill_after(made, command, chance.uniform(0, seconds))
            problems.append(look())
        try:
            code, said = run(*command, seconds=900)
            last = compare() if code == 0 else f"the resumed command ended with {code}: {said[-300:]}"
        except subprocess.TimeoutExpired:
            last = "the resumed command did not end"
        problems[-1] = problems[-1] or last
        done += kills
        yield from (Trial(fault, problem) for problem in problems)


def _undisturbed(made: Path, command: Sequence[object], prepare: Callable[[], None]) -> tuple[int, float]:
    """Return how many steps the command takes, and for how many seconds it writes."""
    _empty(made)
    prepare()
    process = _stepwise(made, command, MANY)
    began = _begun(made, process)
    _, said = process.communicate(timeout=900)
    if process.returncode:
        raise SystemExit(f"the command that nothing disturbs failed: {said}")
    return MANY - int(said.rpartition("steps left: ")[2]), time.monotonic() - began


def _stepwise(made: Path, command: Sequence[object], step: int) -> subprocess.Popen[str]:
    return start(*command, code=STEPS + CODE, env={"STRESS_STEP": str(step), "STRESS_FOLDER": f"{made}{os.sep}"})


def _kill_at_step(made: Path, command: Sequence[object], step: int) -> None:
    process = _stepwise(made, command, step)
    process.communicate(timeout=900)
    _kill(process)


def _kill_after(made: Path, command: Sequence[object], seconds: float) -> None:
    process = start(*command)
    began = _begun(made, process)
    while time.monotonic() - began < seconds and process.poll() is None:
        time.sleep(0.001)
    _kill(process)


def _begun(made: Path, process: subprocess.Popen[str]) -> float:
    """Wait until the folder changes, or the process ends; return when."""
    before = made.stat().st_mtime_ns
    while made.stat().st_mtime_ns == before and process.poll() is None:
        time.sleep(0.002)
    return time.monotonic()


def _kill(process: subprocess.Popen[str]) -> None:
    """Kill a process and its workers, and wait until they are gone."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def _empty(made: Path) -> None:
    made.mkdir(exist_ok=True)
    for path in sorted(made.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
