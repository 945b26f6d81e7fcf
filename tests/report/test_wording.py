from dataclasses import fields, replace
from typing import get_args

from mer_di.phases import APEX_IN, APEX_POLICIES
from mer_di.rank_pooling import SCHEMES, Reversal
from mer_di.recipe import Align, Aspect, Recipe, SeveralFaces
from mer_di.report.wording import recipe_in_words
from mer_di.streams import FlowEngine

WHOLE = Recipe(align="none", aspect="stretch")
MAGNIFIED = replace(WHOLE, scheme="magnified", magnify_band=(2.0, 8.0), magnify_alpha=10.0)
FACES = Recipe(align="similarity", several_faces="drop", landmark_model="0" * 64)
OF_ANY = {
    "scheme": SCHEMES.keys() - {"magnified"},
    "apex_sigma": (None, 1.5, 2.0),
    "apex_jitter": (0, 2, 4),
    "reversal": get_args(Reversal),
    "apex_in": APEX_IN,
    "apex_policy": APEX_POLICIES,
    "temporal_length": (None, 10, 11),
    "size": (112, 224),
    "corrections": ((), ("released",)),
    "tree": (None, "raw"),
    "flow": (None, *get_args(FlowEngine)),
}
OF_MAGNIFIED = {"magnify_band": ((2.0, 8.0), (2.0, 9.0), (1.0, 8.0)), "magnify_alpha": (10.0, 11.0)}
OF_FRAMES = {"aspect": get_args(Aspect)}
OF_FACES = {
    "align": set(get_args(Align)) - {"none"},
    "several_faces": get_args(SeveralFaces),
    "landmark_model": ("0" * 64, "1" * 64),
}


def changed(recipe, values):
    return {replace(recipe, **{name: value}) for name in values for value in values[name]}


def test_whatever_changes_a_pixel_changes_the_words():
    assert {*OF_ANY, *OF_MAGNIFIED, *OF_FRAMES, *OF_FACES} == {field.name for field in fields(Recipe)} - {"method"}
    recipes = changed(MAGNIFIED, OF_MAGNIFIED)
    recipes |= changed(WHOLE, OF_ANY | OF_FRAMES) | changed(FACES, OF_ANY | OF_FACES)
    assert len(recipes) > 30
    assert len({tuple(recipe_in_words(recipe).items()) for recipe in recipes}) == len(recipes)
