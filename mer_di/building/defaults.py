"""The recipe that follows from a database."""

from dataclasses import replace
from pathlib import Path

from mer_di.datasets import Database
from mer_di.imaging.face import landmark_model, model_sha256
from mer_di.recipe import Align, Aspect, Recipe, SeveralFaces


def default_recipe(
    database: Database,
    *,
    align: Align | None = None,
    aspect: Aspect = "stretch",
    several_faces: SeveralFaces = "drop",
    model: Path | None = None,
    **parameters: object,
) -> Recipe:
    """Return the recipe for a database, with what follows from the database filled in.

    Parameters
    ----------
    database : Database
    align : {"none", "similarity", "per-frame"}, optional
        By default ``none`` for trees of registered face crops and ``similarity`` for raw ones.
    aspect, several_faces
        See `Recipe`; each is recorded only where it can change a pixel.
    model : pathlib.Path, optional
        Landmark model in place of the bundled one; its sha256 is recorded when faces are aligned.
    **parameters
        Further fields of `Recipe`.

    Returns
    -------
    Recipe

    Raises
    ------
    InputError
        If a value is not one of those that `Recipe` allows.
    MissingDependencyError
        If faces are to be aligned and no landmark model is found.
    """
    align = align or ("none" if database.registered else "similarity")
    aligned = align != "none"
    recipe = Recipe(
        align=align,
        aspect=None if aligned else aspect,
        several_faces=several_faces if aligned else None,
        landmark_model=model_sha256(landmark_model(model)) if aligned else None,
        corrections=database.correction_sets,
        tree=database.tree,
    )
    return replace(recipe, **parameters)  # type: ignore[arg-type]
