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
    magnified = plain(scheme="magnified", magnify_band=(2.0, 8.0), magnify_alpha=5.0, apex_sigma=1.5)
    assert Recipe.from_text(magnified.text) == magnified


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
        plain(flow="ilk"),
        plain(flow="dis"),
        plain(method=METHOD + 1),
        plain(apex_sigma=1.0),
        plain(apex_jitter=4),
        plain(scheme="magnified", magnify_band=(2.0, 8.0), magnify_alpha=5.0),
        plain(scheme="magnified", magnify_band=(2.0, 8.0), magnify_alpha=6.0),
        plain(scheme="magnified", magnify_band=(2.0, 9.0), magnify_alpha=5.0),
    ]
    assert len({recipe.sha256 for recipe in (aligned, *others)}) == len(others) + 1


def test_differences_name_the_fields():
    lines = differences(plain(size=112).text, plain(scheme="harmonic_arp").text)
    assert lines == ['scheme: "arp" | "harmonic_arp"', "size: 112 | 224"]


OF_BEFORE = (
    '{"align":"none","apex_in":"both","apex_policy":"drop","aspect":"stretch","corrections":[],"landmark_model":null,'
    '"method":2,"reversal":"time","scheme":"arp","several_faces":null,"size":224,"temporal_length":null,"tree":null}'
)


def test_a_field_that_came_later_is_written_only_where_it_says_something():
    assert plain().text == OF_BEFORE
    assert json.loads(plain(flow="ilk").text) == json.loads(OF_BEFORE) | {"flow": "ilk"}


def test_recipes_of_before_are_read():
    assert Recipe.from_text(OF_BEFORE) == plain()
    assert Recipe.from_text(plain(flow="ilk").text) == plain(flow="ilk")
    assert differences(OF_BEFORE, plain(flow="ilk").text) == ['flow: null | "ilk"']


def test_a_recipe_without_a_field_that_was_always_there_is_refused():
    text = json.dumps({name: value for name, value in json.loads(OF_BEFORE).items() if name != "tree"})
    with pytest.raises(CacheError, match="the recipe has the fields"):
        Recipe.from_text(text)


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
        {"flow": "raft"},
        {"apex_sigma": 0.0},
        {"apex_sigma": 2},
        {"apex_jitter": -1},
        {"apex_jitter": 65},
        {"scheme": "magnified"},
        {"scheme": "magnified", "magnify_alpha": 5.0},
        {"scheme": "magnified", "magnify_band": (2.0, 8.0)},
        {"scheme": "magnified", "magnify_band": (8.0, 2.0), "magnify_alpha": 5.0},
        {"scheme": "magnified", "magnify_band": (2.0, 8.0), "magnify_alpha": -5.0},
        {"magnify_alpha": 5.0},
        {"magnify_band": (2.0, 8.0)},
        {"scheme": "motion_ranked", "temporal_length": 10},
        {"scheme": "motion_ranked", "apex_sigma": 2.0},
        {"scheme": "motion_ranked", "reversal": "sign"},
        {"corrections": "released"},
    ],
)
def test_a_value_that_means_nothing_is_refused(fields):
    with pytest.raises(
        InputError, match=r"recipe field|size|temporal_length|apex_sigma|apex_jitter|magnify|alpha|corrections"
    ):
        plain(**fields)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"align":"none","colour":"bgr"}'])
def test_a_foreign_recipe_is_refused(text):
    with pytest.raises(CacheError, match="recipe"):
        Recipe.from_text(text)
