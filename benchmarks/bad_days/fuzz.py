"""Files that are nearly right, by the ten thousand; the kinds, and who reads them, are those of the tests."""

import tempfile
import traceback
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from spoilt import KINDS
from spoilt.reader import reader

from bad_days import Trial, Trials

INPUTS = {
    "table, text": 32_000,
    "table, workbook": 12_000,
    "table, parts of a workbook": 4_000,
    "manifest": 16_000,
    "cache, structure": 20_000,
    "cache, bytes": 12_000,
    "run": 8_000,
    "model": 2_000,
}
PORTION = 500  # drawn at a time


def spoilt_files(scale: float, seed: int) -> Trials:
    """Read spoilt files of every kind."""
    for kind, count in INPUTS.items():
        left = max(1, round(scale * count))
        for start in range(0, left, PORTION):
            yield from _portion(kind, min(PORTION, left - start), seed + start)
        if kind == "cache, bytes":
            asked = reader()
            yield Trial("HDF5 on such bytes", f"{asked.crashed} crashes" if asked.crashed else "")
            yield Trial("HDF5 on such bytes", f"{asked.hung} hangs" if asked.hung else "")


def _portion(kind: str, count: int, seed: int) -> list[Trial]:
    trials: list[Trial] = []

    @seeded(seed)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(KINDS[kind].drawn)
    def fuzz(drawn: object) -> None:
        trials.append(Trial(f"spoilt {kind}", _problem(kind, drawn)))

    fuzz()
    return trials


def _problem(kind: str, drawn: object) -> str:
    with tempfile.TemporaryDirectory() as folder:
        try:
            KINDS[kind].read(Path(folder), drawn)
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)
            ours = [frame for frame in where if "mer_di" in Path(frame.filename).parts] or where
            place = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}"
            return f"{type(error).__name__} at {place}: {error!s:.200}; drawn: {drawn!r:.200}"
    return ""
