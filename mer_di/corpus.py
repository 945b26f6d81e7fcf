"""One or several caches as one table of samples: who, which emotion, from which database. No image is read."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mer_di.cache import Cache, open_cache
from mer_di.errors import CacheError, InputError
from mer_di.recipe import Recipe

_SAME_IMAGES = ("scheme", "reversal", "apex_in", "temporal_length")


@dataclass(frozen=True, slots=True, eq=False)
class Corpus:
    """The samples of some caches, in the caches' row order.

    With several caches the database's name stands before each subject and sample id, so that ``01`` of one database
    is not taken for ``01`` of another.

    Attributes
    ----------
    paths : tuple of pathlib.Path
    sample_ids, subjects, datasets : ndarray of str, shape (N,)
    labels : ndarray of int64, shape (N,)
        Indices into ``classes``.
    classes : tuple of str
        Every emotion of every cache, sorted.
    recipes : tuple of Recipe
        One a cache.
    """

    paths: tuple[Path, ...]
    sample_ids: NDArray[np.str_]
    subjects: NDArray[np.str_]
    datasets: NDArray[np.str_]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    recipes: tuple[Recipe, ...]

    def __len__(self) -> int:
        return len(self.labels)

    def shuffled(self, seed: int) -> "Corpus":
        """Return the same samples with their labels permuted: a control in which nothing can be learnt."""
        return replace(self, labels=np.random.default_rng(seed).permutation(self.labels))

    def identity(self) -> list[dict[str, Any]]:
        """Return what tells these caches from others, wherever they lie: dataset and digest of each file."""
        names = [str(self.datasets[self.sample_ids == first][0]) for first in self._first_ids()]
        return [
            {"dataset": name, "recipe_sha256": recipe.sha256, "sha256": _sha256(path)}
            for name, recipe, path in zip(names, self.recipes, self.paths, strict=True)
        ]

    def _first_ids(self) -> list[str]:
        raise NotImplementedError


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
