from dataclasses import replace

import lookalikes
from tiny_build import load

import mer_di
from mer_di.building.defaults import default_recipe


def test_the_default_recipe_follows_the_tree(tiny):
    raw = load(tiny)
    assert not raw.registered
    recipe = default_recipe(raw)
    assert (recipe.align, recipe.aspect, recipe.several_faces) == ("similarity", None, "drop")
    assert len(recipe.landmark_model) == 64
    assert default_recipe(raw, align="none").landmark_model is None


def test_registered_crops_are_taken_as_they_are(tmp_path):
    row = lookalikes.ClipRow(16, "EP01_08", 73, 94, 110, "others")
    database = mer_di.load_dataset("casme2", lookalikes.write_casme2(tmp_path, rows=[row]))
    recipe = default_recipe(database)
    assert (recipe.align, recipe.aspect, recipe.several_faces, recipe.landmark_model) == ("none", "stretch", None, None)
    assert (recipe.tree, recipe.corrections) == ("cropped", ("released",))
    assert default_recipe(database, aspect="keep", size=112).text == replace(recipe, aspect="keep", size=112).text
    assert default_recipe(database, align="similarity", aspect="keep").aspect is None
