"""Caches of whole tables, without a picture: what was planned of a look-alike, and images that are zero."""

import numpy as np

from mer_di.building.entry import cache_entry
from mer_di.building.plan import make_plan
from mer_di.cache import Provenance, RenderedClip, write_cache
from mer_di.datasets import load_dataset
from mer_di.recipe import Recipe


def write_cache_of_table(path, name, root, *, size=1, apex_policy="midpoint", **options):
    database = load_dataset(name, root, **options)
    recipe = Recipe(align="none", aspect="stretch", size=size, apex_policy=apex_policy)
    plan = make_plan(database, recipe)
    empty = RenderedClip(
        np.zeros((3, size, size, 3), np.float32), np.zeros((3, size, size, 3), np.uint8), np.eye(2, 3), (size, size)
    )
    provenance = Provenance(name, database.table_sha256, database.table_version, recipe)
    write_cache(path, provenance, [(cache_entry(clip), empty) for clip in plan.clips], plan.dropped)
    return path
