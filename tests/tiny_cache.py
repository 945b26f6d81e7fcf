"""Caches small enough to train on within a test: an emotion is where, and which way, the brightness changes."""

from dataclasses import replace

import numpy as np

from mer_di.cache import Entry, Provenance, RenderedClip, write_cache
from mer_di.recipe import Recipe
from mer_di.weighing import neighbours

EMOTIONS = ("disgust", "happiness", "surprise")


def write_tiny_cache(
    path,
    *,
    subjects=4,
    clips=3,
    emotions=EMOTIONS,
    size=16,
    seed=0,
    dataset="tiny",
    version="1",
    objective_classes=("",),
    **recipe,
):
    """Write a cache in which clip k of each subject shows emotion k (modulo their number); return its path."""
    recipe = Recipe(**{"align": "none", "aspect": "stretch", "size": size} | recipe)
    names = [f"s{number:02d}" for number in range(1, subjects + 1)] if isinstance(subjects, int) else sorted(subjects)
    rows = [
        _clip(name, index, emotions, objective_classes, recipe, np.random.default_rng([seed, index, *name.encode()]))
        for name in names
        for index in range(clips)
    ]
    write_cache(path, Provenance(dataset, "0" * 64, version, recipe), rows, {})
    return path


def _clip(subject, index, emotions, objective_classes, recipe, rng):
    kind, size = index % len(emotions), recipe.size
    columns = {
        "sample_id": f"{subject}/c{index}",
        "subject": subject,
        "clip": f"c{index}",
        "emotion": emotions[kind],
        "emotion_written": emotions[kind].title(),
        "action_units": "",
        "objective_class": objective_classes[index % len(objective_classes)],
        "apex_source": "spotted" if recipe.apex_policy == "spot" else "table",
        "onset": 1,
        "apex": 5,
        "offset": 9,
        "onset_length": 5,
        "offset_length": 5,
    }
    change = np.zeros((size, size, 3), np.float32)
    change[:, kind * size // len(emotions) : (kind + 1) * size // len(emotions)] = 120
    noise = rng.normal(0, 10, (3, size, size, 3)).astype(np.float32)
    di = noise + np.stack([change, change, np.zeros_like(change)])
    frames = rng.integers(0, 256, (3, size, size, 3), dtype=np.uint8)
    flow = rng.normal(0, 1, (2, size, size, 3)).astype(np.float32) if recipe.flow else None
    rendered = RenderedClip(di, frames, np.eye(2, 3), (size, size), flow=flow)
    if recipe.apex_jitter:
        apexes = 1 + np.array(neighbours(9, 4, recipe.apex_jitter, apex_in=recipe.apex_in))
        beside = di[:2, None] + rng.normal(0, 10, (2, len(apexes), size, size, 3)).astype(np.float32)
        rendered = replace(rendered, jitter=beside, jitter_apex=apexes)
    return Entry(columns, 100.0, 0.75 if recipe.apex_policy == "spot" else None), rendered
