"""The caches that a run was trained on, if they are still where they can be found."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mer_di.errors import CacheError, InputError
from mer_di.evaluation.corpus import Source, read_source
from mer_di.evaluation.run import Run
from mer_di.origin import SYNTHETIC

_LEVELS = 3  # `mer-di reproduce` puts a run three folders below its caches


@dataclass(frozen=True, slots=True)
class UsedCache:
    """One cache of a run.

    Attributes
    ----------
    dataset, sha256 : str
        As the run's configuration names it.
    path : pathlib.Path or None
        The same file, to the bit.
    problem : str
        Why there is none; empty otherwise.
    """

    dataset: str
    sha256: str
    path: Path | None
    problem: str = ""


def find_caches(run: Run, given: Sequence[str | os.PathLike[str]] | None = None) -> list[UsedCache]:
    """Find the caches of a run by their digests.

    Parameters
    ----------
    run : Run
        A finished one.
    given : sequence of path-like, optional
        Files to look at; by default those that the run read, where they lay, and every ``.h5`` of the same database in
        the run's folder and the three above it.

    Returns
    -------
    list of UsedCache
        In the configuration's order.

    Raises
    ------
    RunError
        If the run is not finished.
    CacheError, InputError
        If a file that was given is no cache that a run could be trained on.
    """
    if given is not None:
        offered = [read_source(path) for path in given]
        where = ", ".join(str(path) for path in given)
    else:
        offered = list(_readable(Path(cache["path"]) for cache in run.results()["caches"])) + _nearby(run.folder)
        where = f"where it was, {run.folder.name} and the {_LEVELS} folders above it"
    return [_found(wanted, offered, where) for wanted in run.config()["caches"]]


def is_synthetic(dataset: str) -> bool:
    """Return whether a run's name of a database says that it was drawn: ``synthetic``, ``synthetic-samm``."""
    return dataset.partition("-")[0] == SYNTHETIC


def _found(wanted: dict[str, str], offered: Sequence[Source], where: str) -> UsedCache:
    dataset = wanted["dataset"]
    alike = [source for source in offered if source.dataset == dataset]
    for source in alike:
        if source.sha256() == wanted["sha256"]:
            return UsedCache(dataset, wanted["sha256"], source.path)
    if alike:
        names = ", ".join(source.path.name for source in alike)
        problem = f"{names} holds {dataset!r} but is not the file that the run was trained on"
    else:
        problem = f"no cache of {dataset!r} was found (looked in: {where})"
    return UsedCache(dataset, wanted["sha256"], None, problem)


def _nearby(folder: Path) -> list[Source]:
    here = folder.resolve()
    return list(_readable(path for place in (here, *here.parents[:_LEVELS]) for path in sorted(place.glob("*.h5"))))


def _readable(paths: Iterable[Path]) -> Iterator[Source]:
    for path in paths:
        with suppress(CacheError, InputError):  # gone, or somebody else's file
            yield read_source(path)
