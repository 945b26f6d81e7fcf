import hashlib
import json

import pytest

from mer_di.errors import CacheError, InputError
from mer_di.recipe import METHOD, Recipe, differences


def plain(**fields):
    return Recipe(**{"align": "none", "aspect": "stretch", **fields})


def test_the_text_is_canonical_and_the_digest_is_its():
    recipe = plain(size=112)
    assert recipe.text == json.dumps(json.loads(recipe.text), sort_keys=True, separators=(",", ":"))
    assert recipe.sha256 == hashlib.sha256(recipe.text.encode()).hexdigest()


def test_a_recipe_survives_its_text():
    recipe = plain(scheme="harmonic_arp", temporal_length=16, corrections=("released", "meb"), tree="raw")
    assert Recipe.from_text(recipe.text) == recipe


def test_every_field_changes_the_digest():
    aligned = Recipe(align="similarity", several_faces="drop", landmark_model="0" * 64)
    others = [
        Recipe(align="per-frame", several_faces="drop", landmark_model="0" * 64),
        Recipe(align="similarity", several_faces="largest", landmark_model="0" * 64),
        Recipe(align="similarity", several_faces="drop", landmark_model="1" * 64),
        plain(),
        plain(aspect="keep"),
        plain(size=223),
        plain(scheme="active_image"),
        plain(reversal="sign"),
        plain(apex_in="offset"),
        plain(apex_policy="midpoint"),
        plain(temporal_length=10),
        plain(corrections=("released",)),
        plain(tree="raw"),
        plain(method=METHOD + 1),
    ]
    assert len({recipe.sha256 for recipe in (aligned, *others)}) == len(others) + 1


def test_differences_name_the_fields():
    lines = differences(plain(size=112).text, plain(scheme="harmonic_arp").text)
    assert lines == ['scheme: "arp" | "harmonic_arp"', "size: 112 | 224"]


@pytest.mark.parametrize(
    "fields",
    [
        {"align": "affine"},
        {"scheme": "rank"},
        {"size": 0},
        {"temporal_length": 1},
        {"several_faces": "drop"},  # no faces are looked for without alignment
        {"align": "similarity", "several_faces": "drop", "aspect": "keep"},
        {"apex_policy": "guess"},
    ],
)
def test_a_value_that_means_nothing_is_refused(fields):
    with pytest.raises(InputError, match=r"recipe field|size|temporal_length"):
        plain(**fields)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"align":"none","colour":"bgr"}'])
def test_a_foreign_recipe_is_refused(text):
    with pytest.raises(CacheError, match="recipe"):
        Recipe.from_text(text)
