"""Disks that are full: a small file system in memory, of every size from nothing to enough."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from bad_days import Trial, Trials
from bad_days.commands import LITTLE, PLAIN, draw_database, own_words, run

BUILD_SIZES, OTHER_SIZES = 60, 12
PAGE = 4096


def full_disks(scale: float, seed: int) -> Trials:
    """Run every command that writes on disks too small for it, then give room and run it again."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        print("  skipped: a file system of a given size needs root")
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        table, cache, trained = draw_database(folder / "db"), folder / "c.h5", folder / "run"
        build = ("build", "--root", table, *PLAIN, "--jobs", 2)
        train = ("train", cache, *LITTLE, "--jobs", 1)
        for first in ((*build, "--out", cache), (*train, "--out", trained)):
            code, said = run(*first, seconds=900)
            if code:
                raise SystemExit(f"the command that nothing disturbs failed: {said}")

        def same_cache(made: Path) -> str:
            return "" if made.read_bytes() == cache.read_bytes() else "the cache differs from one with room"

        def same_predictions(made: Path) -> str:
            same = (made / "predictions.csv").read_bytes() == (trained / "predictions.csv").read_bytes()
            return "" if same else "the predictions differ from those with room"

        def there(made: Path) -> str:
            return "" if made.exists() else "nothing was written"

        commands: Sequence[tuple[str, Sequence[object], str, Callable[[Path], str], int]] = (
            ("build", (*build, "--out"), "c.h5", same_cache, BUILD_SIZES),
            ("train", (*train, "--out"), "run", same_predictions, OTHER_SIZES),
            ("train --save-model", (*train, "--out", trained, "--save-model"), "m.safetensors", there, OTHER_SIZES),
            ("export", ("export", cache, "--out"), "files", there, OTHER_SIZES),
            ("show", ("show", cache, "--out"), "s.png", there, OTHER_SIZES),
            ("report of a cache", ("report", cache, "--out"), "c.html", there, OTHER_SIZES),
            ("report of a run", ("report", trained, "--cache", cache, "--out"), "r.html", there, OTHER_SIZES),
            ("synth", ("synth", "--subjects", 1, "--out"), "db", there, OTHER_SIZES),
        )
        for name, command, out, compare, sizes in commands:
            count = max(2, round(scale * sizes))
            yield from _too_small(f"disk full during {name}", folder / "disk", command, out, compare, count)


def _too_small(
    fault: str, place: Path, command: Sequence[object], out: str, compare: Callable[[Path], str], count: int
) -> Iterator[Trial]:
    needed = _needed(place, command, out)
    for number in range(count):
        size = max(PAGE, needed * number // count // PAGE * PAGE)
        with _disk(place, size):
            try:
                yield Trial(fault, _tried(place, command, out, compare, size))
            except subprocess.TimeoutExpired:
                yield Trial(fault, f"{size} bytes: the command did not end")


def _tried(place: Path, command: Sequence[object], out: str, compare: Callable[[Path], str], size: int) -> str:
    code, said = run(*command, place / out, seconds=900)
    if code == 0:
        return compare(place / out)  # what it takes differs from time to time
    if code != 1 or not own_words(said):
        return f"{size} bytes: exit code {code}: {said[-300:]}"
    if (place / out).is_file():
        return f"{size} bytes: a file of {(place / out).stat().st_size} bytes stands there"
    subprocess.run(["mount", "-o", "remount,size=1G", place], check=True)
    code, said = run(*command, place / out, seconds=900)
    if code:
        return f"{size} bytes, then room: exit code {code}: {said[-300:]}"
    return compare(place / out)


def _needed(place: Path, command: Sequence[object], out: str) -> int:
    """Return how many bytes a disk has to have, by how many are taken in the end."""
    with _disk(place, 2**30):
        code, said = run(*command, place / out, seconds=900)
        if code:
            raise SystemExit(f"with room, {' '.join(map(str, command))} failed: {said}")
        return shutil.disk_usage(place).used + PAGE


@contextlib.contextmanager
def _disk(place: Path, size: int) -> Iterator[None]:
    place.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", place], check=True)
