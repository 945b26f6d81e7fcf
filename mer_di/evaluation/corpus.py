"""One or several caches as one table of samples: who, which emotion, from which database. No image is read."""

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mer_di.cache import Cache, open_cache
from mer_di.errors import CacheError, InputError
from mer_di.origin import SYNTHETIC
from mer_di.people import other_spellings
from mer_di.recipe import Recipe, differences

_FORMULA = ("scheme", "reversal", "apex_in", "temporal_length")


@dataclass(frozen=True, slots=True)
class Source:
    """A cache that samples come from.

    Attributes
    ----------
    path : pathlib.Path
        Absolute.
    dataset : str
        The database's name; of a manifest, which may hold anything, the file's. A look-alike that `mer_di.synthetic`
        drew is called so: ``synthetic-samm``.
    recipe : Recipe
    """

    path: Path
    dataset: str
    recipe: Recipe

    def identity(self) -> dict[str, str]:
        """Return what tells this cache from another, wherever it lies: its database and its file's digest."""
        with self.path.open("rb") as file:
            return {"dataset": self.dataset, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


@dataclass(frozen=True, slots=True, eq=False)
class Corpus:
    """The samples of some caches, in the caches' row order.

    Attributes
    ----------
    sources : tuple of Source
    sample_ids, subjects : ndarray of str, shape (N,)
        With several caches the database's name stands before each, as in ``samm/006``: ``01`` of one database is
        not ``01`` of another.
    datasets : ndarray of str, shape (N,)
    labels : ndarray of int64, shape (N,)
        Indices into ``classes``.
    classes : tuple of str
        Every emotion of every cache, sorted.
    """

    sources: tuple[Source, ...]
    sample_ids: NDArray[np.str_]
    subjects: NDArray[np.str_]
    datasets: NDArray[np.str_]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def recipe(self) -> Recipe:
        """The one recipe of all caches, by which a new clip would be prepared.

        Raises
        ------
        InputError
            If the caches were built by different recipes.
        """
        first = self.sources[0]
        for other in self.sources[1:]:
            if other.recipe != first.recipe:
                changed = "; ".join(differences(first.recipe.text, other.recipe.text))
                raise InputError(
                    f"{first.path} and {other.path} were built differently ({changed}); a network is saved with one "
                    "recipe, because a new clip can be prepared in one way only"
                )
        return first.recipe

    def shuffled(self, seed: int) -> "Corpus":
        """Return the same samples with their labels permuted: a control, in which there is nothing to learn."""
        return replace(self, labels=np.random.default_rng(seed).permutation(self.labels))


def read_corpus(paths: Sequence[str | os.PathLike[str]]) -> Corpus:
    """Read the sample tables of one or several caches.

    Parameters
    ----------
    paths : sequence of path-like
        Files that ``mer-di build`` wrote, of different databases.

    Returns
    -------
    Corpus

    Raises
    ------
    CacheError
        If a file is no cache or holds no sample.
    InputError
        If no path is given, all samples show one emotion, a subject is there under several spellings, two caches hold
        the same database, or their dynamic images follow different formulas.
    """
    if not paths:
        raise InputError("no cache was given; expected at least one that mer-di build wrote")
    tables = [_read(Path(path), named=len(paths) > 1) for path in paths]
    sources = tuple(source for source, _ in tables)
    _require_fit(sources)
    sample_ids, subjects, emotions = np.concatenate([rows for _, rows in tables], axis=1)
    classes = tuple(str(name) for name in np.unique(emotions))
    if len(classes) < 2:
        raise InputError(f"every sample is labelled {classes[0]!r}; expected at least two emotions to tell apart")
    datasets = np.concatenate([np.full(rows.shape[1], source.dataset) for source, rows in tables])
    return Corpus(sources, sample_ids, subjects, datasets, np.searchsorted(classes, emotions), classes)


def _read(path: Path, *, named: bool) -> tuple[Source, NDArray[np.str_]]:
    """Return a cache's origin and its rows: sample ids, subjects, emotions, as an array of shape (3, N)."""
    with open_cache(path) as cache:
        if not len(cache):
            raise CacheError(f"{path} holds no sample; mer-di info says why they were dropped")
        source = Source(path.absolute(), _dataset(cache), cache.recipe)
        _require_people(path, cache.column("subject"))
        prefix = f"{source.dataset}/" if named else ""
        ids, subjects = ([prefix + str(name) for name in cache.column(column)] for column in ("sample_id", "subject"))
        return source, np.array([ids, subjects, _emotions(cache)])


def _require_people(path: Path, subjects: Iterable[str]) -> None:
    groups = other_spellings(subjects)
    if groups:
        alike = "; ".join(" and ".join(map(repr, group)) for group in groups)
        raise InputError(
            f"{path} holds subjects that are probably one person each: {alike}. A network would be tested on a person "
            "whom it was trained on. Write them alike in the table and build again, or name them apart if they are not "
            "the same"
        )


def _dataset(cache: Cache) -> str:
    name = str(cache.attributes.get("dataset", "manifest"))
    if name == "manifest":
        return cache.path.stem
    drawn = cache.attributes.get("annotation_version") == SYNTHETIC
    return f"{SYNTHETIC}-{name}" if drawn and name != SYNTHETIC else name


def _emotions(cache: Cache) -> list[str]:
    # By label, as every reader of the format takes them; `verify` holds label and emotion together.
    classes = cache.classes
    return [classes[label] for label in cache.column("label")]


def _require_fit(sources: Sequence[Source]) -> None:
    first = sources[0]
    for position, other in enumerate(sources[1:], start=1):
        twin = next((source for source in sources[:position] if source.dataset == other.dataset), None)
        if twin:
            raise InputError(f"{twin.path} and {other.path} both hold {other.dataset!r}; give each database once")
        for name in _FORMULA:
            ours, theirs = getattr(first.recipe, name), getattr(other.recipe, name)
            if ours != theirs:
                raise InputError(
                    f"{name} is {ours!r} in {first.path} and {theirs!r} in {other.path}; a network that sees both "
                    "would learn which database it looks at. Build them alike"
                )
