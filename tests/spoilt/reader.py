"""Damaged bytes of caches, read by a process of its own, because HDF5 itself may crash or go on forever."""

import atexit
import resource
import select
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from spoilt.caches import WAYS, good_cache
from spoilt.damage import damage, own_words


class Reader:
    """A process that reads damaged caches, one a line, and is replaced when HDF5 crashes or hangs in it."""

    def __init__(self, seconds: float = 20) -> None:
        self.seconds, self.crashed, self.hung = seconds, 0, 0
        self._start()

    def read(self, path: Path, way: str) -> str:
        """Return what came out besides the library's own words; empty if nothing did."""
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{way} {path}\n")
        self.process.stdin.flush()
        ready, _, _ = select.select([self.process.stdout], [], [], self.seconds)
        answer = self.process.stdout.readline() if ready else ""
        if answer:
            return answer.strip()
        self.hung += not ready
        self.crashed += bool(ready)
        self.close()
        self._start()
        return ""

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.communicate()

    def _start(self) -> None:
        code = "from spoilt.reader import answer; answer()"
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                f"import sys; sys.path[:0] = {[str(Path(__file__).parents[1]), *sys.path]!r}; {code}",
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )


def answer() -> None:
    """Read the caches that stdin names, one a line, and say what came out of each besides the library's own words."""
    resource.setrlimit(resource.RLIMIT_AS, (8 * 2**30, 8 * 2**30))
    for line in sys.stdin:
        said, (way, path) = "", line.rstrip("\n").split(" ", 1)
        try:
            with own_words():
                WAYS[way](Path(path))
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
        sys.stdout.write((" ".join(said.split()) or " ") + "\n")
        sys.stdout.flush()


@cache
def reader() -> Reader:
    """Return the process that this one asks, until it ends."""
    asked = Reader()
    atexit.register(asked.close)
    return asked


def read_damaged_cache(folder: Path, drawn: tuple[list[tuple[int, int]], str]) -> None:
    """Damage some bytes of a cache and read it, in another process."""
    path, (places, way) = folder / "c.h5", drawn
    shutil.copy(good_cache(), path)
    damage(path, places)
    said = reader().read(path, way)
    if said:
        raise AssertionError(said)
