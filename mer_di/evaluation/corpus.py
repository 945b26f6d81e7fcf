"""One or several caches as one table of samples: who, which emotion, from which database. No image is read."""

import hashlib
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mer_di.cache import open_cache
from mer_di.errors import CacheError, InputError
from mer_di.evaluation.one_person import TESTED, alike_spellings, require_one_person_each, require_people
from mer_di.labels import Labelled, LabelScheme, labelled
from mer_di.people import people_of
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
        See `mer_di.cache.Cache.dataset`.
    recipe : Recipe
    is_manifest : bool
        Whether its subjects have names that its user gave, who may have given them in other tables, too.
    """

    path: Path
    dataset: str
    recipe: Recipe
    is_manifest: bool = False

    def sha256(self) -> str:
        """Return the hexadecimal digest of the file as it is now."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Samples of one database that a label scheme leaves out for one reason, and how many they are."""

    dataset: str
    reason: str
    n: int


@dataclass(frozen=True, slots=True, eq=False)
class Corpus:
    """The samples of some caches that have a class, in the caches' row order.

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
        Every emotion of every cache, or every class of the scheme that occurs, sorted.
    rows : ndarray of int64, shape (N,)
        0-based row of each sample in its cache.
    scheme : LabelScheme or None
        What made classes of emotions.
    left_out : tuple of LeftOut
        What it left out.
    absent : tuple of (str, str)
        Database and id of samples that it leaves out by name and the table lacks.
    published : dict of (str, str) to int
        Samples that the scheme's source states, by database and class.
    alike : tuple of tuple of str
        Subjects of one cache that differ by no more than their spelling, and are different people here.
    """

    sources: tuple[Source, ...]
    digests: tuple[str, ...]
    sample_ids: NDArray[np.str_]
    subjects: NDArray[np.str_]
    datasets: NDArray[np.str_]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    rows: NDArray[np.int64]
    scheme: LabelScheme | None = None
    left_out: tuple[LeftOut, ...] = ()
    absent: tuple[tuple[str, str], ...] = ()
    published: Mapping[tuple[str, str], int] = field(default_factory=dict)
    alike: tuple[tuple[str, ...], ...] = ()

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

    def subset(self, rows: NDArray[np.intp]) -> "Corpus":
        """Return the samples at some 0-based rows, in that order."""
        return replace(
            self,
            sample_ids=self.sample_ids[rows],
            subjects=self.subjects[rows],
            datasets=self.datasets[rows],
            labels=self.labels[rows],
            rows=self.rows[rows],
        )

    def per_image(self, streams: Sequence[str]) -> "Corpus":
        """Return a sample for each image of a clip, those of a clip one after another: ``006_1_2/onset``."""
        each = self.subset(np.arange(len(self)).repeat(len(streams)))
        names = np.array([f"{name}/{stream}" for name in self.sample_ids for stream in streams])
        return replace(each, sample_ids=names)

    @property
    def counts(self) -> dict[tuple[str, str], int]:
        """Clips of each database and class that it has, each once, whether or not its images are samples."""
        clips = {*zip(self.datasets.tolist(), self.rows.tolist(), self.labels.tolist(), strict=True)}
        return dict(Counter((dataset, self.classes[label]) for dataset, _, label in clips))

    @property
    def only_in(self) -> dict[str, str]:
        """Each class that only one of several databases has, and that database: such a class gives it away."""
        if len(self.sources) == 1:
            return {}
        having = {name: [dataset for dataset, found in self.counts if found == name] for name in self.classes}
        return {name: datasets[0] for name, datasets in having.items() if len(datasets) == 1}

    def shuffled(self, seed: int) -> "Corpus":
        """Return the same samples with their labels permuted: a control, in which there is nothing to learn."""
        return replace(self, labels=np.random.default_rng(seed).permutation(self.labels))


def read_corpus(
    paths: Sequence[str | os.PathLike[str]], scheme: LabelScheme | None = None, *, subjects_as_written: bool = False
) -> Corpus:
    """Read the sample tables of one or several caches.

    Parameters
    ----------
    paths : sequence of path-like
        Files that ``mer-di build`` wrote, of different databases.
    scheme : LabelScheme, optional
        Makes classes of emotions; by default each emotion is one.
    subjects_as_written : bool
        Take the tables' word for it that subjects who differ by no more than their spelling (``1``, ``01``, ``S01``)
        are different people. By default that is an error.

    Returns
    -------
    Corpus

    Raises
    ------
    CacheError
        If a file is no cache, holds no sample, or not the column that the scheme maps.
    InputError
        If no path is given, all samples are of one class, a subject is there under several spellings, the same frames
        are two subjects', two caches hold the same database or the same people, their dynamic images follow different
        formulas, or the scheme does not know what they hold.
    """
    if not paths:
        raise InputError("no cache was given; expected at least one that mer-di build wrote")
    sources = tuple(read_source(path) for path in paths)
    _require_fit(sources)
    digests = tuple(source.sha256() for source in sources)
    spellings = alike_spellings(sources)
    if not subjects_as_written:
        require_people(spellings)
    tables = [_table(source, scheme, named=len(sources) > 1) for source in sources]
    require_one_person_each(sources, subjects_as_written)
    sample_ids, subjects, names = np.concatenate([table for table, _ in tables], axis=1)
    classes = tuple(str(name) for name in np.unique(names))
    if len(classes) < 2:
        raise InputError(f"every sample is labelled {classes[0]!r}; expected at least two classes to tell apart")
    found = dict(zip([source.dataset for source in sources], [each for _, each in tables], strict=True))
    return Corpus(
        sources,
        digests,
        sample_ids,
        subjects,
        np.repeat([*found], [len(each.rows) for each in found.values()]),
        np.searchsorted(classes, names),
        classes,
        np.concatenate([each.rows for each in found.values()]),
        scheme,
        tuple(LeftOut(name, reason, n) for name, each in found.items() for reason, n in each.reasons.items()),
        tuple((name, sample_id) for name, each in found.items() for sample_id in each.absent),
        {(name, label): n for name, each in found.items() for label, n in each.published.items()},
        tuple(group for _, group in spellings),
    )


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
        return Source(Path(path).absolute(), cache.dataset, cache.recipe, cache.attributes.get("dataset") == "manifest")


def _table(source: Source, scheme: LabelScheme | None, *, named: bool) -> tuple[NDArray[np.str_], Labelled]:
    """Return sample ids, subjects and classes, as an array of shape (3, N), and what became of all rows."""
    with open_cache(source.path) as cache:
        found = labelled(cache, scheme)
        prefix = f"{source.dataset}/" if named else ""
        ids, subjects = (
            [prefix + str(name) for name in cache.column(column)[found.rows]] for column in ("sample_id", "subject")
        )
        return np.array([ids, subjects, found.names]), found


def _people(source: Source) -> str:
    return people_of(source.dataset)


def _require_fit(sources: Sequence[Source]) -> None:
    first = sources[0]
    for position, other in enumerate(sources[1:], start=1):
        twin = next((source for source in sources[:position] if source.dataset == other.dataset), None)
        if twin:
            raise InputError(f"{twin.path} and {other.path} both hold {other.dataset!r}; give each database once")
        again = next((source for source in sources[:position] if _people(source) == _people(other)), None)
        if again:
            raise InputError(
                f"{again.path} ({again.dataset}) and {other.path} ({other.dataset}) show the same people: "
                f"{TESTED}. Give one of them"
            )
        for name in _FORMULA:
            ours, theirs = getattr(first.recipe, name), getattr(other.recipe, name)
            if ours != theirs:
                raise InputError(
                    f"{name} is {ours!r} in {first.path} and {theirs!r} in {other.path}; a network that sees both "
                    "would learn which database it looks at. Build them alike"
                )
