"""The page of a cache."""

import os
from collections import Counter
from typing import Any

import numpy as np

from mer_di.cache import Cache, open_cache
from mer_di.errors import CacheError
from mer_di.origin import SYNTHETIC
from mer_di.report import plots
from mer_di.report.figure import Figure
from mer_di.report.gallery import ROOM, Card, make_cards, viewer_settings
from mer_di.report.page import require_place, write_page
from mer_di.report.wording import recipe_in_words


def write_cache_report(cache: str | os.PathLike[str], out: str | os.PathLike[str], *, frames: bool = True) -> None:
    """Write the page of a cache: its origin, what was kept and dropped, its distributions, and every sample to look at.

    Parameters
    ----------
    cache : path-like
        A file that ``mer-di build`` wrote.
    out : path-like
        The HTML file, self-contained; a former page is replaced. About 0.2 MB a sample, and no more than about 60 MB
        for 300: with more samples the full images are stored with more loss, and the page says how much.
    frames : bool
        Show key frames, which are faces, where the cache has them.

    Raises
    ------
    CacheError
        If the file is no readable cache, or holds no sample.
    InputError
        If the page would replace something else, or there is no such folder.
    OSError
        If the page cannot be written.
    """
    require_place(out, cache)
    with open_cache(cache) as opened:
        if not len(opened):
            raise CacheError(f"{cache} holds no sample; mer-di info says why they were dropped")
        cards = make_cards(opened, range(len(opened)), ROOM / len(opened), frames=frames)
        write_page(out, "cache", _content(opened, cards))


def _content(cache: Cache, cards: list[Card]) -> dict[str, Any]:
    attributes = cache.attributes
    return {
        "title": cache.path.name,
        "synthetic": SYNTHETIC in (attributes.get("dataset"), attributes.get("annotation_version")),
        "facts": _facts(cache),
        "recipe": recipe_in_words(cache.recipe),
        "corrections": cache.corrections,
        "figures": _figures(cache),
        "reasons": Counter(reason.partition(":")[0] for reason in cache.dropped.values()).most_common(),
        "dropped": [(name, *_reason(reason)) for name, reason in cache.dropped.items()],
        "cards": cards,
        "viewer": viewer_settings(cards),
    }


def _reason(reason: str) -> tuple[str, str]:
    kind, _, detail = reason.partition(":")
    return kind, detail.strip()


def _facts(cache: Cache) -> dict[str, str]:
    found = cache.attributes
    smallest = found.get("min_class_size", 1)
    return {
        "Database": str(found.get("dataset", "unknown")),
        "Annotation table": f"version {found.get('annotation_version', 'unknown')}",
        "Its sha256": str(found.get("annotation_sha256", "unknown")),
        "Apexes": _apexes(cache),
        "Classes kept": "all" if smallest == 1 else f"of at least {smallest} samples",
        "Recipe sha256": str(found.get("recipe_sha256", "unknown")),
        "Built by": f"mer_di {found.get('mer_di_version', 'unknown')}, cache format {found['format_version']}",
    }


def _apexes(cache: Cache) -> str:
    counts = ", ".join(f"{count} {source}" for source, count in cache.apex_sources.items())
    sure = cache.apex_confidences
    return (
        f"{counts}, confidence {sure[0]:.2f} to {sure[-1]:.2f}, median {np.median(sure):.2f}" if len(sure) else counts
    )


def _figures(cache: Cache) -> list[Figure]:
    classes, labels, people = cache.classes, cache.column("label"), cache.column("subject")
    subjects = sorted(set(people))
    counts = np.zeros((len(subjects), len(classes)), np.int64)
    np.add.at(counts, (np.searchsorted(subjects, people), labels), 1)
    return [
        plots.class_counts(dict(zip(classes, counts.sum(axis=0).tolist(), strict=True))),
        plots.phase_lengths(cache.column("onset_length"), cache.column("offset_length")),
        plots.counts_by_subject(subjects, classes, counts),
    ]
