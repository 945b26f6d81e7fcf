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

_FORMULA = ("scheme", "reversal", "apex_in", "temporal_length", "magnify_band", "magnify_alpha", "apex_sigma")


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

    def sha256(self) -> str:
        """Return the hexadecimal digest of the file as it is now."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True, slots=True, eq=False)
class Corpus:
    """The samples of some caches, in the caches' row order.

    It is a corpus of these files and of no others that come to lie in their place: see `require_unchanged`.

    Attributes
    ----------
    sources : tuple of Source
    digests : tuple of str
        sha256 of each source's file, taken before its samples were read.
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
    digests: tuple[str, ...]
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

    @property
    def identities(self) -> list[dict[str, str]]:
        """What tells these caches from others, wherever they lie: database and digest of each."""
        pairs = zip(self.sources, self.digests, strict=True)
        return [{"dataset": source.dataset, "sha256": digest} for source, digest in pairs]

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
    sources = tuple(read_source(path) for path in paths)
    _require_fit(sources)
    digests = tuple(source.sha256() for source in sources)
    tables = [_rows(source, named=len(sources) > 1) for source in sources]
    sample_ids, subjects, emotions = np.concatenate(tables, axis=1)
    classes = tuple(str(name) for name in np.unique(emotions))
    if len(classes) < 2:
        raise InputError(f"every sample is labelled {classes[0]!r}; expected at least two emotions to tell apart")
    datasets = np.repeat([source.dataset for source in sources], [rows.shape[1] for rows in tables])
    return Corpus(sources, digests, sample_ids, subjects, datasets, np.searchsorted(classes, emotions), classes)


def require_unchanged(sources: Sequence[Source], digests: Sequence[str]) -> None:
    """Make sure that caches are still the files that a corpus was read from.

    Parameters
    ----------
    sources : sequence of Source
    digests : sequence of str
        See `Corpus`.

    Raises
    ------
    CacheError
        If one was replaced, rebuilt, damaged or taken away since.
    """
    for source, digest in zip(sources, digests, strict=True):
        found = source.sha256() if source.path.is_file() else "no file"
        if found != digest:
            raise CacheError(
                f"{source.path} has changed since it was read: sha256 {digest} then, {found} now. What was computed so "
                "far is of the former file: bring it back and run the same again to resume, or choose another --out"
            )


def read_source(path: str | os.PathLike[str]) -> Source:
    """Read where the samples of a cache come from, and none of them.

    Raises
    ------
    CacheError
        If the file is no cache or holds no sample.
    """
    with open_cache(path) as cache:
        if not len(cache):
            raise CacheError(f"{path} holds no sample; mer-di info says why they were dropped")
        return Source(Path(path).absolute(), _dataset(cache), cache.recipe)


def _rows(source: Source, *, named: bool) -> NDArray[np.str_]:
    """Return sample ids, subjects and emotions, as an array of shape (3, N)."""
    with open_cache(source.path) as cache:
        _require_people(source.path, cache.column("subject"))
        prefix = f"{source.dataset}/" if named else ""
        ids, subjects = ([prefix + str(name) for name in cache.column(column)] for column in ("sample_id", "subject"))
        return np.array([ids, subjects, _emotions(cache)])


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
