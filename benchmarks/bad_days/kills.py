"""Builds and trainings that are killed at random instants, and resumed until they are done.

A process is killed (SIGKILL, with its workers) either some time after it began to write, or at one of its own steps: as
it opens a file for writing, renames, makes or removes one, which Python's audit events tell. So what lasts microseconds
is hit as often as what lasts seconds.
"""

import contextlib
import os
import random
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bad_days import Trial, Trials
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


def build_kills(scale: float, seed: int) -> Trials:
    """Kill builds on threads and on processes, new ones and ones over a former cache."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        common = ("build", "--root", draw_database(folder / "db"), *PLAIN, "--jobs", 2)
        if run(*common, "--out", folder / "former.h5", "--size", 16)[0]:
            raise SystemExit("the build that nothing disturbs failed")
        for workers in ("threads", "processes"):
            for former in (None, folder / "former.h5"):
                made = folder / f"{workers}-{former is None}"
                command = (*common, "--workers", workers, *(["--overwrite"] if former else []), "--out", made / "c.h5")
                fault = f"build on {workers}{' with --overwrite' if former else ''} killed"
                yield from _killed(fault, command, Outcome(made, "c.h5", former), scale * BUILD_KILLS / 4, chance)


def training_kills(scale: float, seed: int) -> Trials:
    """Kill trainings, one fold at a time and two."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        cache = folder / "c.h5"
        if run("build", "--root", draw_database(folder / "db"), *PLAIN, "--out", cache)[0]:
            raise SystemExit("the build failed")
        for jobs in (1, 2):
            made = folder / f"{jobs}"
            command = ("train", cache, *LITTLE, "--jobs", jobs, "--save-networks", "--out", made / "run")
            fault = f"training killed, {jobs} fold{'s' * (jobs > 1)} at a time"
            outcome = Outcome(made, "run/predictions.csv")
            yield from _killed(fault, command, outcome, scale * TRAINING_KILLS / 2, chance)


@dataclass(frozen=True)
class Outcome:
    """What a command makes.

    Attributes
    ----------
    folder : pathlib.Path
        Where it writes; emptied before it begins.
    name : str
        The file that counts.
    former : pathlib.Path or None
        What stands there before.
    """

    folder: Path
    name: str
    former: Path | None = None

    def prepare(self) -> None:
        """Empty the folder but for what stands there before."""
        self.folder.mkdir(exist_ok=True)
        for path in sorted(self.folder.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
        if self.former:
            shutil.copyfile(self.former, self.folder / self.name)

    def found(self) -> bytes | None:
        """Return what stands there now."""
        path = self.folder / self.name
        return path.read_bytes() if path.exists() else None

    def between(self, whole: bytes | None) -> str:
        """Say what is wrong after a kill: only what was there, or the whole, may be."""
        allowed = (whole, self.former.read_bytes() if self.former else None)
        return "" if self.found() in allowed else "what stands there is neither what it was nor what it becomes"

    def left(self) -> list[str]:
        """Return the files that a finished command has no use for."""
        return sorted(path.name for path in self.folder.rglob("*") if re.search(r"\.tmp$|\.unfinished$", path.name))


def _killed(
    fault: str, command: Sequence[object], outcome: Outcome, count: float, chance: random.Random
) -> Iterator[Trial]:
    """Kill a command so many times; look after each kill, and finish and compare after one to three of them."""
    steps, seconds = _undisturbed(command, outcome)
    whole, rest = outcome.found(), max(1, round(count))
    while rest:
        outcome.prepare()
        problems = []
        for _ in range(min(rest, chance.choice((1, 1, 2, 3)))):
            if chance.random() < 0.5:
                _kill_at_step(outcome.folder, command, chance.randint(1, steps))
            else:
                _kill_after(outcome.folder, command, chance.uniform(0, seconds))
            problems.append(outcome.between(whole))
        problems[-1] = problems[-1] or _finished(command, outcome, whole)
        rest -= len(problems)
        yield from (Trial(fault, problem) for problem in problems)


def _finished(command: Sequence[object], outcome: Outcome, whole: bytes | None) -> str:
    try:
        code, said = run(*command, seconds=900)
    except subprocess.TimeoutExpired:
        return "the resumed command did not end"
    if code:
        return f"the resumed command ended with {code}: {said[-300:]}"
    if outcome.found() != whole:
        return "what the resumed command made differs from what an undisturbed one makes"
    return f"it left {outcome.left()} behind" if outcome.left() else ""


def _undisturbed(command: Sequence[object], outcome: Outcome) -> tuple[int, float]:
    """Return how many steps the command takes, and for how many seconds it writes."""
    outcome.prepare()
    process = _stepwise(outcome.folder, command, MANY)
    began = _begun(outcome.folder, process)
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
