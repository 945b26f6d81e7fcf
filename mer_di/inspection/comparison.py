"""Two caches side by side: how their recipes and samples differ."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mer_di.cache import (
    APEX_CONFIDENCE,
    CORRECTION_COLUMNS,
    DATASET_OF,
    INT_COLUMNS,
    KEY_FRAMES,
    PHASES,
    TEXT_COLUMNS,
    Cache,
)
from mer_di.recipe import differences

_PROVENANCE = ("dataset", "annotation_sha256", "annotation_version", "min_class_size", "part")
_ROW = (
    *(name for name in (*TEXT_COLUMNS, *INT_COLUMNS) if name != "sample_id"),
    *("fps", "transform", "frames_digest", "jitter_apex"),
)


@dataclass(frozen=True, slots=True)
class Comparison:
    """How two caches differ; every field is empty where they agree.

    Attributes
    ----------
    provenance : list of str
        ``attribute: a | b``; classes and corrections included.
    recipe : list of str
        ``field: a | b``.
    only_a, only_b : list of str
        Samples that one cache keeps and the other does not, with the other's reason where it has one.
    samples : list of str
        ``sample_id: what differs``, for samples in both.
    dropped : list of str
        ``sample_id: a's reason | b's``, for samples that neither keeps, for reasons of different kinds.
    """

    provenance: list[str]
    recipe: list[str]
    only_a: list[str]
    only_b: list[str]
    samples: list[str]
    dropped: list[str]

    @property
    def equal(self) -> bool:
        """Whether nothing differs."""
        return not any((self.provenance, self.recipe, self.only_a, self.only_b, self.samples, self.dropped))


def compare(a: Cache, b: Cache) -> Comparison:
    """Compare two caches in everything that training and pages read.

    Origin, recipe, corrections, classes, which samples they keep and why not the others, and of those in both every
    column of the table that both have, and every pixel. When and by which version they were written makes no
    difference.

    Parameters
    ----------
    a, b : Cache

    Returns
    -------
    Comparison
    """
    ours, theirs = a.attributes, b.attributes
    provenance = [f"{k}: {ours.get(k)} | {theirs.get(k)}" for k in _PROVENANCE if ours.get(k) != theirs.get(k)]
    if a.classes != b.classes:
        provenance.append(f"classes: {', '.join(a.classes)} | {', '.join(b.classes)}")
    provenance += [f"correction only in {name}: {row}" for name, row in _unshared_corrections(a, b)]
    return Comparison(
        provenance,
        differences(a.attributes["recipe"], b.attributes["recipe"]),
        list(_only_in(a, b)),
        list(_only_in(b, a)),
        list(_unequal_samples(a, b)),
        list(_unequal_reasons(a, b)),
    )


def _only_in(here: Cache, there: Cache) -> Iterator[str]:
    reasons = there.dropped
    for name in sorted(set(here.column("sample_id")) - set(there.column("sample_id"))):
        yield f"{name} ({reasons.get(name, 'unknown to the other cache')})"


def _unequal_reasons(a: Cache, b: Cache) -> Iterator[str]:
    ours, theirs = a.dropped, b.dropped
    kept = {*a.column("sample_id"), *b.column("sample_id")}
    for name in sorted((ours.keys() | theirs.keys()) - kept):
        if _kind(ours.get(name)) != _kind(theirs.get(name)):
            yield f"{name}: {ours.get(name, '(unknown)')} | {theirs.get(name, '(unknown)')}"


def _kind(reason: str | None) -> str | None:
    """Return what a reason begins with: the words that follow differ between versions of this library."""
    return reason and reason.partition(":")[0]


def _unshared_corrections(a: Cache, b: Cache) -> Iterator[tuple[str, str]]:
    ours, theirs = ([tuple(row[name] for name in CORRECTION_COLUMNS) for row in c.corrections] for c in (a, b))
    for name, here, there in (("a", ours, theirs), ("b", theirs, ours)):
        yield from ((name, ", ".join(row)) for row in here if row not in there)


def _unequal_samples(a: Cache, b: Cache) -> Iterator[str]:
    index_a = {name: i for i, name in enumerate(a.column("sample_id"))}
    index_b = {name: i for i, name in enumerate(b.column("sample_id"))}
    columns = {name: (a.column(name), b.column(name)) for name in (*_ROW, APEX_CONFIDENCE) if _in_both(name, a, b)}
    for name in sorted(index_a.keys() & index_b.keys()):
        i, j = index_a[name], index_b[name]
        found = [f"{key} {_said(x[i])} | {_said(y[j])}" for key, (x, y) in columns.items() if _differ(x[i], y[j])]
        found += _unequal_images(a, b, i, j)
        if found:
            yield f"{name}: {', '.join(found)}"


def _in_both(name: str, a: Cache, b: Cache) -> bool:
    """Whether a column can be compared: caches of before it was kept lack it."""
    return all(name in cache.file["samples"] for cache in (a, b))


def _said(value: object) -> str:
    return " ".join(str(value).split())


def _differ(x: object, y: object) -> bool:
    if isinstance(x, np.ndarray) and isinstance(y, np.ndarray):
        return not np.array_equal(x, y, equal_nan=True)
    return x != y and not (x != x and y != y)  # an unknown frame rate is NaN


def _unequal_images(a: Cache, b: Cache, i: int, j: int) -> Iterator[str]:
    pairs = [(DATASET_OF[name], a.images(name), b.images(name)) for name in a.streams if name in b.streams]
    held = [cache.has_frames for cache in (a, b)]
    if all(held):
        pairs += [(f"frames/{name}", a.key_frames(name), b.key_frames(name)) for name in KEY_FRAMES]
    elif any(held):
        yield f"key frames only in {'a' if held[0] else 'b'}"
    if a.jitter and a.jitter == b.jitter:  # else the recipes differ
        pairs += [(f"jitter/{name}", a.neighbour_images(name), b.neighbour_images(name)) for name in PHASES]
    for name, x, y in pairs:
        if x.shape[1:] != y.shape[1:]:
            yield f"{name} size {x.shape[1]} | {y.shape[1]}"
            continue
        largest = float(np.max(np.abs(x[i].astype(np.float64) - y[j].astype(np.float64))))
        if largest:
            yield f"{name} by up to {largest:.6g}"
