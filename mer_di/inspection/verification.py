"""Does a cache hold what it claims: by its own schema, and against the frames it came from."""

import hashlib
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from mer_di.building.defaults import default_recipe
from mer_di.building.plan import PlannedClip, make_plan
from mer_di.building.rendering import render
from mer_di.cache import DI_STREAMS, INT_COLUMNS, KEY_FRAMES, TEXT_COLUMNS, Cache, Rows
from mer_di.datasets import Database
from mer_di.errors import CacheError, SampleError
from mer_di.recipe import Recipe, differences

ATTRIBUTES = ("mer_di_version", "dataset", "annotation_sha256", "recipe", "recipe_sha256")
PORTABLE_FILTERS = {1: "deflate", 2: "shuffle", 3: "fletcher32"}


def departures(cache: Cache) -> list[str]:
    """Name every point in which a cache departs from format 1; every stored value is read.

    Parameters
    ----------
    cache : Cache

    Returns
    -------
    list of str
        Empty if the cache holds what it claims.
    """
    checks: tuple[Callable[[Cache], list[str]], ...] = (_attributes, _samples, _phases, _images, _digests, _dropped)
    found: list[str] = []
    for check in checks:
        try:
            found += check(cache)
        except (KeyError, OSError, ValueError, TypeError, CacheError) as error:
            found.append(f"{check.__name__.strip('_')}: not readable ({error})")
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
        rendered = render(clip, recipe, model)
    except SampleError as error:
        return str(error)
    pairs = [(f"di/{name}", cache.images(name)[index], rendered.di[i]) for i, name in enumerate(DI_STREAMS)]
    pairs += [(f"frames/{n}", cache.key_frames(n)[index], rendered.frames[i]) for i, n in enumerate(KEY_FRAMES)]
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


def _attributes(cache: Cache) -> list[str]:
    attrs = cache.attributes
    found = [f"attribute {name} is missing" for name in ATTRIBUTES if name not in attrs]
    text = attrs.get("recipe", "")
    if text != json.dumps(json.loads(text), sort_keys=True, separators=(",", ":")):
        found.append("attribute recipe is not canonical JSON (keys sorted, no spaces)")
    digest = hashlib.sha256(text.encode()).hexdigest()
    if attrs.get("recipe_sha256") != digest:
        found.append(f"attribute recipe_sha256 is {attrs.get('recipe_sha256')}, the recipe's digest is {digest}")
    return found


def _samples(cache: Cache) -> list[str]:
    group, count = cache.file["samples"], len(cache)
    found = [
        f"/samples/{name} is missing or not of shape ({count},)"
        for name in (*TEXT_COLUMNS, *INT_COLUMNS)
        if name not in group or group[name].shape != (count,)
    ]
    ids = cache.column("sample_id").tolist()
    if ids != sorted(set(ids)):
        found.append("/samples/sample_id is not sorted and unique")
    if not np.all((cache.column("label") >= 0) & (cache.column("label") < len(cache.classes))):
        found.append("/samples/label holds values that index no class")
    elif [cache.classes[label] for label in cache.column("label")] != cache.column("emotion").tolist():
        found.append("/samples/label does not index the classes to /samples/emotion")
    return found


def _phases(cache: Cache) -> list[str]:
    onset, apex, offset = (cache.column(name) for name in ("onset", "apex", "offset"))
    wrong = ~((onset <= apex) & (apex <= offset))
    shared = {"both": 1, "onset": 0, "offset": 0}[cache.recipe.apex_in]
    lengths = cache.column("onset_length") + cache.column("offset_length")
    found = [f"{name}: onset, apex, offset are not in order" for name in cache.column("sample_id")[wrong]]
    unequal = lengths != offset - onset + 1 + shared
    return found + [f"{name}: phase lengths do not fit its frames" for name in cache.column("sample_id")[unequal]]


def _images(cache: Cache) -> list[str]:
    count, size = len(cache), cache.recipe.size
    wanted = [(f"di/{name}", "float32") for name in DI_STREAMS] + [(f"frames/{name}", "uint8") for name in KEY_FRAMES]
    found: list[str] = []
    for name, dtype in wanted:
        data = cache.file.get(name)
        if data is None or data.dtype != dtype or data.shape != (count, size, size, 3):
            shape = "missing" if data is None else f"{data.dtype} {data.shape}"
            found.append(f"/{name} is {shape}; expected {dtype} {(count, size, size, 3)}")
            continue
        found += [f"/{name} needs filter {number}, which not every reader has" for number in _unportable(data)]
        found += [
            f"/{name}[{i}] has values that are not finite" for i in range(count) if not np.isfinite(data[i]).all()
        ]
    return found


def _digests(cache: Cache) -> list[str]:
    rows = Rows.of(cache.path, cache.recipe.size)
    if rows is None:  # a cache of before rows had digests
        return []
    names = cache.column("sample_id")
    return [
        f"{name}: its row is not what was written; the file was damaged, or changed by another program"
        for index, name in enumerate(names)
        if rows.read(index, name) is None
    ]


def _unportable(data: h5py.Dataset) -> list[int]:
    properties = data.id.get_create_plist()
    used = [int(properties.get_filter(index)[0]) for index in range(properties.get_nfilters())]
    return [number for number in used if number not in PORTABLE_FILTERS]


def _dropped(cache: Cache) -> list[str]:
    both = sorted(set(cache.column("sample_id")) & set(cache.dropped))
    return [f"{name} is both kept and dropped" for name in both]
