"""From a database to a cache: one sample a task, resumable, atomic, the same file however it was scheduled."""

import contextlib
import errno
import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from mer_di.building.defaults import default_recipe
from mer_di.building.entry import cache_entry
from mer_di.building.parts import Parts, changes
from mer_di.building.plan import Plan, PlannedClip, make_plan
from mer_di.building.tasks import Outcome, Progress, outcomes, read_part
from mer_di.cache import CORRECTION_COLUMNS, CachedClip, Provenance, open_cache, write_cache
from mer_di.datasets import Database
from mer_di.errors import CacheError
from mer_di.recipe import Recipe

_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO)


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did.

    Attributes
    ----------
    path : pathlib.Path
        The cache.
    kept : int
        Samples in the cache.
    dropped : dict of str to str
        Sample id to reason.
    classes : dict of str to int
        Samples a class, in label order.
    frames : int
        Frames of the kept samples.
    resumed : int
        Samples that an earlier, interrupted build had finished.
    seconds : float
        Wall time.
    already_complete : bool
        The cache was there, made by the same recipe from the same table; nothing was done.
    """

    path: Path
    kept: int
    dropped: dict[str, str]
    classes: dict[str, int]
    frames: int
    resumed: int
    seconds: float
    already_complete: bool = False

    @property
    def reasons(self) -> dict[str, int]:
        """Drops by kind, most frequent first."""
        return dict(Counter(reason.partition(":")[0] for reason in self.dropped.values()).most_common())


def build_cache(
    database: Database,
    out: str | os.PathLike[str],
    recipe: Recipe | None = None,
    *,
    min_class_size: int = 1,
    model: Path | None = None,
    executor: Executor | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> BuildReport:
    """Build the cache of a database.

    Parameters
    ----------
    database : Database
        From `mer_di.load_dataset`.
    out : path-like
        The cache to write. An interrupted build of the same recipe is resumed.
    recipe : Recipe, optional
        `default_recipe` of the database if not given.
    min_class_size : int
        Smallest class that is kept, counted over the whole table (10 is the paper's rule).
    model : pathlib.Path, optional
        Landmark model in place of the bundled one.
    executor : concurrent.futures.Executor, optional
        Where clips are rendered: threads, processes or a cluster that shares the file system. One thread
        by default. It is not shut down.
    overwrite : bool
        Discard an existing cache and any interrupted build under the same name.
    progress : callable, optional
        See `Progress`.

    Returns
    -------
    BuildReport

    Raises
    ------
    CacheError
        If ``out`` exists and was made differently, an interrupted build was started differently, another
        build is writing it, the disk is full, or no sample is usable.
    """
    started = time.perf_counter()
    path = Path(out)
    recipe = recipe or default_recipe(database, model=model)
    provenance = _provenance(database, recipe, min_class_size)
    with _sole_writer(path), _disk_errors(path):
        parts = Parts.beside(path)
        if overwrite:
            parts.remove()
            path.unlink(missing_ok=True)
        if path.exists():
            return _already_complete(path, provenance, started)
        plan = make_plan(database, recipe, min_class_size=min_class_size)
        parts.claim(_identity(provenance))
        resumed = sum(parts.has(clip.sample.sample_id) for clip in plan.clips)
        with contextlib.closing(outcomes(plan, recipe, parts, model, executor, progress)) as rendered:
            kept, dropped = _write(path, provenance, plan, database.root, rendered, parts)
        parts.remove()
    classes = Counter(clip.sample.emotion for clip in kept)
    frames = sum(len(clip.numbers) for clip in kept)
    seconds = time.perf_counter() - started
    return BuildReport(path, len(kept), dropped, dict(sorted(classes.items())), frames, resumed, seconds)


def _write(
    path: Path, provenance: Provenance, plan: Plan, root: Path, rendered: Iterable[Outcome], parts: Parts
) -> tuple[list[PlannedClip], dict[str, str]]:
    """Write the cache while clips are rendered; return those that were kept, and the reasons of the others."""
    kept: list[PlannedClip] = []
    dropped = {sample_id: _portable(reason, root) for sample_id, reason in plan.dropped.items()}

    def clips() -> Iterator[CachedClip]:
        for clip, reason in rendered:
            if reason is None:
                kept.append(clip)
                yield cache_entry(clip, read_part(clip, parts))
            else:
                dropped[clip.sample.sample_id] = _portable(reason, root)
        if not kept:
            parts.remove()
            raise CacheError(_nothing_left(dropped))

    write_cache(path, provenance, len(plan.clips), clips(), dropped)
    return kept, dropped


def _provenance(database: Database, recipe: Recipe, min_class_size: int) -> Provenance:
    corrections = [{name: str(asdict(item)[name]) for name in CORRECTION_COLUMNS} for item in database.applied]
    return Provenance(
        database.spec.name, database.table_sha256, database.table_version, recipe, min_class_size, corrections
    )


def _identity(provenance: Provenance) -> dict[str, str]:
    return {
        "annotation_sha256": provenance.annotation_sha256,
        "dataset": provenance.dataset,
        "recipe": provenance.recipe.text,
    }


def _already_complete(path: Path, provenance: Provenance, started: float) -> BuildReport:
    with open_cache(path) as cache:
        ours = _identity(provenance) | {"min_class_size": str(provenance.min_class_size)}
        theirs = {name: str(cache.attributes.get(name, "")) for name in ours}
        if ours != theirs:
            raise CacheError(
                f"{path} exists and was made differently (ours | found): {'; '.join(changes(ours, theirs))}. "
                "Choose another --out, or replace it with --overwrite."
            )
        classes = Counter(cache.column("emotion"))
        frames = int(np.sum(cache.column("offset") - cache.column("onset") + 1))
        report = BuildReport(path, len(cache), cache.dropped, dict(sorted(classes.items())), frames, len(cache), 0.0)
        return replace(report, seconds=time.perf_counter() - started, already_complete=True)


def _portable(reason: str, root: Path) -> str:
    """Name files relative to the database: the same database elsewhere gives the same cache."""
    return reason.replace(f"{root}{os.sep}", "")


def _nothing_left(dropped: dict[str, str]) -> str:
    reasons = Counter(reason.partition(":")[0] for reason in dropped.values())
    listed = ", ".join(f"{count} {kind}" for kind, count in reasons.most_common()) or "the table has no rows"
    example = next(iter(dropped.items()), None)
    first = f" First of them: {example[0]}: {example[1]}." if example else ""
    return f"no sample is usable, so no cache was written ({listed}).{first} See: mer-di check"


@contextlib.contextmanager
def _sole_writer(path: Path) -> Iterator[None]:
    """Hold a lock that the operating system releases even when the process is killed."""
    if not path.parent.is_dir():
        raise CacheError(f"the folder {path.parent} does not exist; make it, or choose another --out")
    lock = FileLock(path.with_name(f".{path.name}.lock"), timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise CacheError(f"another build is writing {path}; wait for it, or choose another --out") from error
    try:
        yield
    finally:
        Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()


@contextlib.contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in _DISK_ERRORS:
            raise
        raise CacheError(
            f"cannot write beside {path}: {error.strerror}. Finished samples are kept in {Parts.beside(path).folder}; "
            "mend it and run the same command again to resume."
        ) from error
