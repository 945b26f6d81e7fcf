"""The page of a cache."""

import os
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np

from mer_di.cache import Cache, open_cache
from mer_di.errors import CacheError
from mer_di.labels import Labelled, LabelScheme, labelled
from mer_di.origin import SYNTHETIC
from mer_di.report import plots
from mer_di.report.figure import Figure
from mer_di.report.gallery import ROOM, Card, make_cards, viewer_settings
from mer_di.report.page import require_place, write_page
from mer_di.report.wording import recipe_in_words


def write_cache_report(
    cache: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    scheme: LabelScheme | None = None,
    frames: bool = True,
) -> None:
    """Write the page of a cache: its origin, what was kept and dropped, its distributions, and every sample to look at.

    Parameters
    ----------
    cache : path-like
        A file that ``mer-di build`` wrote.
    out : path-like
        The HTML file, self-contained; a former page is replaced. About 0.2 MB a sample, and no more than about 60 MB
        for 300: with more samples the full images are stored with more loss, and the page says how much.
    scheme : LabelScheme, optional
        Makes classes of emotions; the page names each sample that it leaves out, and why. By default each emotion is a
        class.
    frames : bool
        Show key frames, which are faces, where the cache has them.

    Raises
    ------
    CacheError
        If the file is no readable cache, or holds no sample.
    InputError
        If the page would replace something else, there is no such folder, or the scheme does not know what the cache
        holds.
    OSError
        If the page cannot be written.
    """
    require_place(out, cache)
    with open_cache(cache) as opened:
        if not len(opened):
            raise CacheError(f"{cache} holds no sample; mer-di info says why they were dropped")
        found = labelled(opened, scheme)
        cards = make_cards(opened, found.rows.tolist(), ROOM / len(found.rows), frames=frames)
        named = [replace(card, emotion=name) for card, name in zip(cards, found.names, strict=True)]
        write_page(out, "cache", _content(opened, scheme, found, named))


def _content(cache: Cache, scheme: LabelScheme | None, found: Labelled, cards: list[Card]) -> dict[str, Any]:
    attributes = cache.attributes
    return {
        "title": cache.path.name,
        "synthetic": SYNTHETIC in (attributes.get("dataset"), attributes.get("annotation_version")),
        "facts": _facts(cache) | (_scheme_facts(scheme, found) if scheme else {}),
        "left_out": found.left_out,
        "recipe": recipe_in_words(cache.recipe),
        "corrections": cache.corrections,
        "figures": _figures(cache, found),
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


def _scheme_facts(scheme: LabelScheme, found: Labelled) -> dict[str, str]:
    published = ", ".join(f"{name} {n}" for name, n in found.published.items())
    reasons = ", ".join(f"{n} {reason}" for reason, n in found.reasons.items())
    return {
        "Label scheme": f"{scheme.name}: {scheme.title}",
        "Its digest": scheme.sha256,
        "Left out by it": f"{len(found.left_out)} samples: {reasons}" if found.left_out else "nothing",
        "Samples as published": published or "not stated",
    } | ({"Left out by name, not in the table": ", ".join(found.absent)} if found.absent else {})


def _apexes(cache: Cache) -> str:
    counts = ", ".join(f"{count} {source}" for source, count in cache.apex_sources.items())
    sure = cache.apex_confidences
    return (
        f"{counts}, confidence {sure[0]:.2f} to {sure[-1]:.2f}, median {np.median(sure):.2f}" if len(sure) else counts
    )


def _figures(cache: Cache, found: Labelled) -> list[Figure]:
    classes, people = list(found.classes), cache.column("subject")[found.rows]
    labels = np.array([classes.index(name) for name in found.names])
    subjects = sorted(set(people))
    counts = np.zeros((len(subjects), len(classes)), np.int64)
    np.add.at(counts, (np.searchsorted(subjects, people), labels), 1)
    return [
        plots.class_counts(dict(zip(classes, counts.sum(axis=0).tolist(), strict=True))),
        plots.phase_lengths(*(cache.column(name)[found.rows] for name in ("onset_length", "offset_length"))),
        plots.counts_by_subject(subjects, classes, counts),
    ]
