"""Caches of one recipe that were built apart, joined to the one that a single build would have written."""

import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from mer_di.building.destination import require_free, sole_writer
from mer_di.building.identity import departures_from, kept
from mer_di.building.part import Part
from mer_di.cache import (
    APEX_CONFIDENCE,
    INT_COLUMNS,
    LATER,
    TEXT_COLUMNS,
    Cache,
    Entry,
    Provenance,
    Rows,
    make_cache,
    open_cache,
)
from mer_di.errors import CacheError, InputError
from mer_di.files import destination, written_aside

_ALIKE = ("dataset", "min_class_size", "recipe")
_FROM_ELSEWHERE = ("label", "frame_height", "frame_width")  # from all emotions; from the row
_NAMED = 4  # in one sentence


@dataclass(frozen=True, slots=True)
class MergeReport:
    """What became of some caches.

    Attributes
    ----------
    path : pathlib.Path
        The cache that holds them all.
    kept : int
        Samples in it.
    dropped : int
        Samples of which it says why they are not.
    classes : dict of str to int
        Samples a class, in label order.
    """

    path: Path
    kept: int
    dropped: int
    classes: dict[str, int]


def merge_caches(paths: Sequence[str | os.PathLike[str]], out: str | os.PathLike[str]) -> MergeReport:
    """Join caches of one recipe whose samples are not the same.

    The parts of a table (`Part`) give, to the byte, the cache that one build of the table writes. Caches of several
    tables are joined as well; the digest of their annotation is then that of their digests, sorted, a line each.

    Parameters
    ----------
    paths : sequence of path-like
        In any order.
    out : path-like
        The cache to write.

    Returns
    -------
    MergeReport

    Raises
    ------
    CacheError
        If a cache cannot be read, or has a damaged row or table; if they differ in dataset, recipe, classes or images
        that were kept; if two of them know the same sample, or a part of a table is missing; if something stands under
        ``out``.
    InputError
        If ``out`` is one of them, or a cache already.
    OSError
        If the disk is full or fails; nothing is left behind.
    """
    path = destination(out, paths)
    require_free(path)
    with ExitStack() as stack:
        caches = [stack.enter_context(open_cache(each)) for each in paths]
        caches.sort(key=lambda cache: (cache.attributes["annotation_sha256"], *_part_number(cache)))
        for cache in caches:
            _require_as_written(cache)
            _require_alike(caches[0], cache)
        _require_disjoint(caches)
        _require_whole_tables(caches)
        dropped = {sample_id: reason for cache in caches for sample_id, reason in cache.dropped.items()}
        sources = [_rows(cache) for cache in caches]
        places = sorted(
            (entry.sample_id, number, index, entry)
            for number, cache in enumerate(caches)
            for index, entry in enumerate(_entries(cache))
        )
        with sole_writer(path), written_aside(path) as aside:
            rows = make_cache(aside, _provenance(caches), [entry for *_, entry in places], dropped)
            for place, (sample_id, number, index, _) in enumerate(places):
                row = sources[number].read(index, sample_id)
                if row is None:
                    raise CacheError(
                        f"{caches[number].path}: the row of {sample_id} is damaged (see mer-di verify); build it again"
                    )
                rows.write(place, sample_id, row)
    classes = Counter(str(entry.columns["emotion"]) for *_, entry in places)
    return MergeReport(Path(out), len(places), len(dropped), dict(sorted(classes.items())))


def _part_number(cache: Cache) -> tuple[int, int]:
    text = cache.attributes.get("part")
    try:
        part = Part.from_text(str(text)) if text else Part(1, 1)
    except InputError as error:
        raise CacheError(f"{cache.path} is damaged: {error}; build it again") from error
    return part.of, part.number


def _require_as_written(cache: Cache) -> None:
    if cache.table_is_as_written is False:
        raise CacheError(f"{cache.path}: its table is not what was written (see mer-di verify); build it again")


def _require_alike(first: Cache, cache: Cache) -> None:
    ours, theirs = (
        {**{name: str(each.attributes[name]) for name in _ALIKE}, "key_frames": kept(each.has_frames)}
        for each in (first, cache)
    )
    found = departures_from(ours, theirs)
    if found:
        raise CacheError(
            f"{first.path} and {cache.path} were not built alike ({first.path.name} | {cache.path.name}): "
            f"{'; '.join(found)}. Build one of them again with the settings of the other"
        )


def _require_disjoint(caches: Sequence[Cache]) -> None:
    holders: dict[str, Path] = {}
    twice: dict[str, tuple[Path, Path]] = {}
    for cache in caches:
        for sample_id in (*map(str, cache.column("sample_id")), *cache.dropped):
            if sample_id in holders:
                twice[sample_id] = (holders[sample_id], cache.path)
            holders[sample_id] = cache.path
    if twice:
        named = ", ".join(sorted(twice)[:_NAMED]) + (" …" if len(twice) > _NAMED else "")
        one, other = twice[min(twice)]
        raise CacheError(
            f"{len(twice)} sample(s) are in two of the caches, kept or dropped: {named}; first in {one} and {other}. "
            "Expected caches without a sample in common: leave one out, or build parts of the table with --part"
        )


def _require_whole_tables(caches: Sequence[Cache]) -> None:
    tables: dict[str, list[Cache]] = defaultdict(list)
    for cache in caches:
        tables[cache.attributes["annotation_sha256"]].append(cache)
    smallest = caches[0].attributes["min_class_size"]
    if len(tables) > 1 and smallest > 1:
        raise CacheError(
            f"the caches come from {len(tables)} tables, and classes of fewer than {smallest} rows were left out of "
            "each on its own; a single build would have counted over all. Build them with --min-class-size 1"
        )
    for of_table in tables.values():
        parts = {_part_number(cache) for cache in of_table}
        (count, _), *others = parts
        if any(other != count for other, _ in others):
            names = ", ".join(f"{number}/{of}" for of, number in sorted(parts))
            raise CacheError(f"the table was divided in several ways: {names}; expected all parts of one division")
        missing = [f"{number}/{count}" for number in range(1, count + 1) if (count, number) not in parts]
        if missing:
            raise CacheError(
                f"{len(missing)} of {count} parts of a table are missing: {', '.join(missing[:_NAMED])}"
                f"{' …' if len(missing) > _NAMED else ''}. Build them with --part, and name all caches"
            )


def _entries(cache: Cache) -> list[Entry]:
    names = [name for name in (*TEXT_COLUMNS, *INT_COLUMNS) if name not in _FROM_ELSEWHERE]
    columns = [cache.column(name).tolist() for name in names]
    sure = cache.column(APEX_CONFIDENCE).tolist() if cache.has_confidences else [None] * len(cache)
    return [
        Entry(dict(zip(names, values, strict=True)), fps, confidence)
        for *values, fps, confidence in zip(*columns, cache.column("fps").tolist(), sure, strict=True)
    ]


def _rows(cache: Cache) -> Rows:
    rows = Rows.of(cache.path)
    lacking = [f"/{name}" for name in LATER if name not in cache.file]
    if rows is None or lacking:
        raise CacheError(
            f"{cache.path} has no {', no '.join(lacking) or 'rows in fixed places'}: an older version wrote it, or "
            "another program packed it anew; build it again"
        )
    return rows


def _provenance(caches: Sequence[Cache]) -> Provenance:
    first = caches[0]
    digests = sorted({cache.attributes["annotation_sha256"] for cache in caches})
    versions = sorted({cache.attributes["annotation_version"] for cache in caches})
    corrections: dict[tuple[tuple[str, str], ...], Mapping[str, str]] = {
        tuple(row.items()): row for cache in caches for row in cache.corrections
    }
    return Provenance(
        first.attributes["dataset"],
        digests[0] if len(digests) == 1 else hashlib.sha256("\n".join(digests).encode()).hexdigest(),
        ", ".join(versions),
        first.recipe,
        first.attributes["min_class_size"],
        tuple(corrections.values()),
        first.has_frames,
    )
