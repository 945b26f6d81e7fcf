"""Does a cache hold what it claims: by its own schema, and against the frames it came from."""

import json
import random
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from mer_di.building.defaults import default_recipe
from mer_di.building.plan import PlannedClip, make_plan
from mer_di.building.rendering import render
from mer_di.building.spotting import spotted
from mer_di.cache import (
    APEX_CONFIDENCE,
    DATASET_OF,
    DI_STREAMS,
    FLOW_STREAMS,
    KEY_FRAMES,
    PHASES,
    TABLE_DIGEST,
    Cache,
    RenderedClip,
    origin_of,
)
from mer_di.cache.rows import fields_of
from mer_di.datasets import Database
from mer_di.errors import CacheError, InputError, SampleError
from mer_di.recipe import Recipe, differences
from mer_di.weighing import neighbours

PORTABLE_FILTERS = {1: "deflate", 2: "shuffle", 3: "fletcher32"}
_BRIGHTEST = 65535  # of 16-bit frames


def departures(cache: Cache) -> list[str]:
    """Name every point in which a cache departs from format 1; every stored value is read.

    Names, types and shapes were compared when it was opened; here follow the values: canonical recipe, sorted and
    unique samples, labels and classes, the order of key frames and the lengths of phases, images that are finite and
    no larger than their weights allow, and the digests of every row and of all else.

    Parameters
    ----------
    cache : Cache

    Returns
    -------
    list of str
        Empty if the cache holds what it claims; see `unchecked` for what that does not include.
    """
    checks = (_recipe, _samples, _apexes, _phases, _images, _digests, _table, _dropped)
    found: list[str] = []
    for check in checks:
        try:
            found += check(cache)
        except (CacheError, InputError) as error:
            found.append(str(error))
    return found


def unchecked(cache: Cache) -> list[str]:
    """Name what `departures` cannot see in this cache, because it was written before there were digests.

    Returns
    -------
    list of str
        Empty if everything has its digest.
    """
    found = []
    if "row_digest" not in cache.file["samples"]:
        found.append(
            "rows have no digest, as in caches of before there were any: a changed image is not noticed if its values "
            "are possible ones. Compare some with their frames by --recompute, or build it again"
        )
    if TABLE_DIGEST not in cache.file.attrs:
        found.append(
            "its table has no digest, as in caches of before there was one: a cell that was changed is not noticed if "
            "nothing contradicts it. Compare it with another build of the same table by mer-di diff"
        )
    return found


def recomputed(cache: Cache, database: Database, count: int, *, seed: int = 0, model: Path | None = None) -> list[str]:
    """Render some samples again from their frames and compare every pixel.

    Parameters
    ----------
    cache : Cache
    database : Database
        The database that the cache was built from, with the same tree and corrections.
    count : int
        How many samples, drawn without replacement; all of them if the cache holds fewer.
    seed : int
        Of the draw.
    model : pathlib.Path, optional
        Landmark model in place of the bundled one.

    Returns
    -------
    list of str
        One line a sample that could not be repeated or differs; empty if all agree to the bit.

    Raises
    ------
    CacheError
        If the database is not the one that the cache was built from, or this version computes by another method.
    """
    recipe = cache.recipe
    _require_same_source(cache, database, recipe, model)
    clips = {clip.sample.sample_id: clip for clip in make_plan(database, recipe).clips}
    ids = [str(name) for name in cache.column("sample_id")]
    drawn = random.Random(seed).sample(range(len(ids)), min(count, len(ids)))
    found = [_repeated(cache, index, clips.get(ids[index]), recipe, model) for index in sorted(drawn)]
    return [f"{ids[index]}: {problem}" for index, problem in zip(sorted(drawn), found, strict=True) if problem]


def _repeated(cache: Cache, index: int, clip: PlannedClip | None, recipe: Recipe, model: Path | None) -> str | None:
    if clip is None:
        return "its frames are no longer where they were"
    try:
        clip = spotted(clip, recipe, model)
        rendered = render(clip, recipe, model)
    except SampleError as error:
        return str(error)
    images = [*rendered.di, *(() if rendered.flow is None else rendered.flow)]
    streams = zip(cache.streams, images, strict=True)
    pairs = [(DATASET_OF[name], cache.images(name)[index], image) for name, image in streams]
    if cache.has_frames:
        pairs += [(f"frames/{n}", cache.key_frames(n)[index], rendered.frames[i]) for i, n in enumerate(KEY_FRAMES)]
    if rendered.jitter is not None:
        pairs += [(f"jitter/{n}", cache.neighbour_images(n)[index], rendered.jitter[i]) for i, n in enumerate(PHASES)]
    if clip.apex_confidence is not None:
        sure = cache.column(APEX_CONFIDENCE)[index]
        pairs.append((f"samples/{APEX_CONFIDENCE}", sure, np.float64(clip.apex_confidence)))
    wrong = [f"{name} by up to {_largest(a, b):.6g}" for name, a, b in pairs if not np.array_equal(a, b)]
    return f"differs from its frames in {', '.join(wrong)}" if wrong else None


def _largest(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> float:
    return float(np.max(np.abs(a.astype(np.float64) - b.astype(np.float64))))


def _require_same_source(cache: Cache, database: Database, recipe: Recipe, model: Path | None) -> None:
    theirs = cache.attributes
    ours = {"dataset": database.spec.name, "annotation_sha256": database.table_sha256}
    wrong = [f"{name}: {value} | {theirs[name]}" for name, value in ours.items() if theirs[name] != value]
    here = default_recipe(database, align=recipe.align, aspect=recipe.aspect or "stretch", model=model)
    changed = {"corrections", "tree", "landmark_model"}
    wrong += [line for line in differences(here.text, recipe.text) if line.partition(":")[0] in changed]
    if wrong:
        raise CacheError(
            f"{cache.path} was not built from this database as it is loaded now (ours | cache): {'; '.join(wrong)}"
        )


def _recipe(cache: Cache) -> list[str]:
    text = cache.attributes["recipe"]
    canonical = json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))
    return [] if text == canonical else ["attribute recipe is not canonical JSON (keys sorted, no spaces)"]


def _samples(cache: Cache) -> list[str]:
    names = ("sample_id", "subject", "clip", "emotion", "label", "fps", "frame_height", "frame_width")
    ids, subjects, clips, emotions, labels, fps, height, width = (cache.column(name) for name in names)
    found = []
    if ids.tolist() != sorted(set(ids)):
        found.append("/samples/sample_id is not sorted and unique")
    if len(set(cache.classes)) < len(cache.classes):
        found.append(f"the attribute classes of /samples names a class twice: {', '.join(cache.classes)}")
    wrong = {
        "sample_id is not subject/clip, or subject/clip@event": np.array(
            [not f"{name}@".startswith(f"{s}/{c}@") for name, s, c in zip(ids, subjects, clips, strict=True)], bool
        ),
        "label does not index the classes to emotion": np.array(cache.classes, object)[labels] != emotions,
        "fps is not positive": fps <= 0,
        "its frames have no size": (height < 1) | (width < 1),
    }
    return found + [f"{name}: {what}" for what, rows in wrong.items() for name in ids[rows]]


def _apexes(cache: Cache) -> list[str]:
    if not cache.has_confidences:
        return []
    ids, source, sure = (cache.column(name) for name in ("sample_id", "apex_source", APEX_CONFIDENCE))
    wrong = (source == "spotted") != ((sure >= 0) & (sure <= 1))
    return [
        f"{name}: apex_confidence is not within 0..1 where the apex is spotted, and NaN elsewhere"
        for name in ids[wrong]
    ]


def _phases(cache: Cache) -> list[str]:
    names = ("sample_id", "onset", "apex", "offset", "onset_length", "offset_length")
    ids, onset, apex, offset, rising, fading = (cache.column(name) for name in names)
    wrong = ~((onset <= apex) & (apex <= offset))
    found = [f"{name}: onset, apex, offset are not in order" for name in ids[wrong]]
    apex_in = cache.recipe.apex_in
    unequal = (rising != apex - onset + (apex_in != "offset")) | (fading != offset - apex + (apex_in != "onset"))
    found += [f"{name}: phase lengths do not fit its frames" for name in ids[unequal & ~wrong]]
    if cache.jitter:
        clips = zip(ids, onset, apex, offset, cache.column("jitter_apex"), strict=True)
        found += [
            f"{name}: jitter_apex is {beside.tolist()}, no neighbours of apex {peak}"
            for name, first, peak, last, beside in clips
            if (beside - first).tolist()
            != neighbours(last - first + 1, peak - first, cache.jitter, apex_in=cache.recipe.apex_in)
        ]
    return found


def _images(cache: Cache) -> list[str]:
    found: list[str] = []
    for stream in cache.streams:
        name, images, bounds = f"/{DATASET_OF[stream]}", cache.images(stream), _bounds(cache, stream)
        found += [f"{name} needs filter {number}, which not every reader has" for number in _unportable(images)]
        for index, bound in enumerate(bounds):
            largest = float(np.abs(images[index]).max())
            if not np.isfinite(largest):
                found.append(f"{name}[{index}] has values that are not finite")
            elif largest > bound:
                found.append(f"{name}[{index}] reaches {largest:.6g}; frames of 16 bits give at most {bound:.6g}")
    for phase in PHASES if cache.jitter else ():
        beside, limits = cache.neighbour_images(phase), 2 * _BRIGHTEST * cache.neighbour_half_weights(phase)
        name = f"/jitter/{phase}"
        found += [f"{name} needs filter {number}, which not every reader has" for number in _unportable(beside)]
        for index, of_sample in enumerate(limits):
            largest = np.abs(beside[index]).max(axis=(1, 2, 3))
            if not (largest <= of_sample).all():
                found.append(f"{name}[{index}] has values that are not finite, or larger than their weights allow")
    for name in KEY_FRAMES if cache.has_frames else ():
        frames = cache.key_frames(name)
        found += [f"/frames/{name} needs filter {number}, which not every reader has" for number in _unportable(frames)]
        frames[:]
    return found


def _bounds(cache: Cache, stream: str) -> NDArray[np.float64]:
    """Return the largest magnitude that each image of a stream can have, from its row of weights; of flow any."""
    if stream in FLOW_STREAMS:
        return np.full(len(cache), np.inf)
    return 2 * _BRIGHTEST * cache.half_weights(stream)


def _digests(cache: Cache) -> list[str]:
    if "row_digest" not in cache.file["samples"]:
        return []
    origin = origin_of(cache.attributes["recipe_sha256"], cache.attributes["annotation_sha256"])
    transforms, heights, widths, frames, digests = (
        cache.column(name) for name in ("transform", "frame_height", "frame_width", "frames_digest", "row_digest")
    )
    names = KEY_FRAMES if cache.has_frames else ()
    apexes = cache.column("jitter_apex") if cache.jitter else [None] * len(cache)
    fields, found = fields_of(cache.attributes["recipe"], key_frames=cache.has_frames), []
    for index, sample_id in enumerate(cache.column("sample_id")):
        row = RenderedClip(
            np.stack([cache.images(name)[index] for name in DI_STREAMS]),
            np.array([cache.key_frames(name)[index] for name in names], np.uint8),
            transforms[index],
            (heights[index], widths[index]),
            frames[index],
            np.stack([cache.images(name)[index] for name in FLOW_STREAMS]) if cache.has_flow else None,
            np.stack([cache.neighbour_images(name)[index] for name in PHASES]) if cache.jitter else None,
            apexes[index],
        )
        *_, digest = row.entries(origin + sample_id, fields)
        if digest.tobytes().decode() != digests[index]:
            found.append(
                f"{sample_id}: its row is not what was written; the file was damaged, or changed by another program"
            )
    return found


def _table(cache: Cache) -> list[str]:
    if cache.table_is_as_written is False:
        return [
            "its table (attributes, classes, columns of texts and numbers, dropped samples, corrections) is not what "
            "was written; the file was damaged, or changed by another program"
        ]
    return []


def _unportable(data: h5py.Dataset) -> list[int]:
    properties = data.id.get_create_plist()
    used = [int(properties.get_filter(index)[0]) for index in range(properties.get_nfilters())]
    return [number for number in used if number not in PORTABLE_FILTERS]


def _dropped(cache: Cache) -> list[str]:
    names = [row["sample_id"] for row in cache.rows("dropped")]
    found = [f"{name} is dropped twice" for name in sorted({name for name in names if names.count(name) > 1})]
    return found + [f"{name} is both kept and dropped" for name in sorted(set(cache.column("sample_id")) & set(names))]
