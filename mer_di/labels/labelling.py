"""The samples of a cache under the classes of a scheme, or under their emotions where there is none."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mer_di.cache import Cache
from mer_di.errors import CacheError, InputError
from mer_di.labels.scheme import DatabaseLabels, LabelScheme
from mer_di.origin import SYNTHETIC

_COPY = "a file of your own, which may begin as the output of 'mer-di labels NAME'"


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """Which samples of a cache have a class, and which.

    Attributes
    ----------
    rows : ndarray of int64, shape (n,)
        0-based rows of the cache that have one, ascending.
    names : tuple of str
        The class of each.
    classes : tuple of str
        In label order: the cache's own, or those of a scheme that occur, sorted.
    left_out : dict of str to str
        Sample id of every other row, and why it has none.
    absent : tuple of str
        Sample ids that the scheme leaves out by name and the table lacks: another table, or a slip.
    published : dict of str to int
        Samples a class, where the scheme's source states them.
    """

    rows: NDArray[np.int64]
    names: tuple[str, ...]
    classes: tuple[str, ...]
    left_out: dict[str, str] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    published: dict[str, int] = field(default_factory=dict)

    @property
    def reasons(self) -> dict[str, int]:
        """Why samples were left out, most frequent first."""
        return dict(Counter(self.left_out.values()).most_common())


def labelled(cache: Cache, scheme: LabelScheme | None = None) -> Labelled:
    """Put each sample of a cache into its class.

    Parameters
    ----------
    cache : Cache
        Open, and not empty.
    scheme : LabelScheme, optional
        By default each emotion is a class.

    Returns
    -------
    Labelled

    Raises
    ------
    InputError
        If the scheme does not know the database, or something that one of its samples shows, or leaves out all.
    CacheError
        If the cache lacks the column that the scheme maps.
    """
    emotions = [cache.classes[label] for label in cache.column("label")]  # `verify` holds label and emotion together
    if scheme is None:
        return Labelled(np.arange(len(emotions)), tuple(emotions), tuple(cache.classes))
    database = _of_database(cache, scheme)
    written = emotions if scheme.column == "emotion" else _objective_classes(cache)
    class_of = database.class_of
    _require_known(cache, scheme, written)
    ids = [str(name) for name in cache.column("sample_id")]
    said = {"emotion": "emotion", "objective_class": "objective class"}[scheme.column]
    left_out = {
        name: f"{said} {text!r}" if class_of[text] is None else database.without[name]
        for name, text in zip(ids, written, strict=True)
        if class_of[text] is None or name in database.without
    }
    kept = [row for row, name in enumerate(ids) if name not in left_out]
    if not kept:
        raise InputError(f"the label scheme {scheme.name} leaves out every sample of {cache.path}")
    names = tuple(str(class_of[written[row]]) for row in kept)
    classes = tuple(sorted(set(names)))
    absent = tuple(sorted(database.without.keys() - {*ids} - cache.dropped.keys()))
    return Labelled(np.array(kept, dtype=np.int64), names, classes, left_out, absent, dict(database.published))


def _of_database(cache: Cache, scheme: LabelScheme) -> DatabaseLabels:
    drawn_as = cache.dataset.removeprefix(f"{SYNTHETIC}-")
    if drawn_as not in scheme.databases:
        raise InputError(
            f"the label scheme {scheme.name} says nothing of the database {drawn_as!r} of {cache.path}; it knows "
            f"{', '.join(sorted(scheme.databases))}. Add a table [databases.{drawn_as}.classes] in {_COPY}"
        )
    return scheme.databases[drawn_as]


def _objective_classes(cache: Cache) -> list[str]:
    if "objective_class" not in cache.file["samples"]:
        raise CacheError(
            f"{cache.path} was built before caches held objective classes; run the same mer-di build again to add them"
        )
    return [str(text) for text in cache.column("objective_class")]


def _require_known(cache: Cache, scheme: LabelScheme, written: Sequence[str]) -> None:
    known = _of_database(cache, scheme).class_of
    unknown = Counter(text for text in written if text not in known)
    if not unknown:
        return
    found = ", ".join(f"{text!r} ({count} samples)" for text, count in unknown.most_common())
    if unknown.keys() == {""}:
        raise InputError(
            f"the label scheme {scheme.name} maps objective classes, and {unknown['']} of {len(written)} samples of "
            f"{cache.path} have none. They are read from a column 'Objective Classes' of the annotation table or, of "
            "CASME II, from CASME2-ObjectiveClasses.xlsx beside it; with that in place, run the same mer-di build again"
        )
    raise InputError(
        f"the label scheme {scheme.name} does not say what {found} of {cache.path} is; it knows "
        f"{', '.join(map(repr, sorted(known)))} of {cache.dataset}. Add it to a class, or to left_out, in {_COPY}"
    )
