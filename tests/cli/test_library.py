import inspect
import re
import subprocess
import sys
from typing import Literal, get_args, get_origin, get_type_hints

import click
import pytest
from click.testing import CliRunner

from mer_di.building.build import build_cache
from mer_di.building.defaults import default_recipe
from mer_di.cli import COMMANDS, root
from mer_di.cli.library import LibraryChoice, LibraryOption
from mer_di.datasets import load_dataset
from mer_di.dynamic_images import NORMALIZATIONS
from mer_di.evaluation.evaluate import evaluate
from mer_di.evaluation.protocol import PROTOCOLS, VALIDATIONS
from mer_di.executors import Workers, local
from mer_di.experiments import TABLES, load_table
from mer_di.experiments.reproduction import reproduce
from mer_di.inspection.contact_sheet import write_contact_sheet
from mer_di.inspection.doctor import examine
from mer_di.inspection.export import FORMS, export
from mer_di.learning.model_config import ModelConfig
from mer_di.learning.train_config import TrainConfig
from mer_di.phases import APEX_POLICIES
from mer_di.predict import predict
from mer_di.rank_pooling import SCHEMES, arp
from mer_di.recipe import Align, Aspect, Recipe, SeveralFaces
from mer_di.synthetic import LAYOUTS, write_database

COMMAND = {name: root.get_command(None, name) for name in COMMANDS}
FOLLOW_FROM_OTHERS = {"corrections", "landmark_model", "method", "model", "tree", "weights"}
OF_THE_DATABASE = {"align", "aspect", "several_faces"}  # `default_recipe` decides
CALLS = [
    ("build", "--out x.h5", (build_cache, default_recipe, load_dataset, local)),
    ("check", "", (examine, load_dataset)),
    ("synth", "--out x", (write_database,)),
    ("show", "x.h5 --out x.png", (write_contact_sheet,)),
    ("export", "x.h5 --out x", (export,)),
    ("train", "x.h5", (evaluate,)),
    ("reproduce", "table1", (reproduce, load_dataset)),
    ("predict", "model . --onset 1 --apex 2 --offset 3", (predict,)),
]


def parsed(name, *arguments):
    """Return the values that a command is called with."""
    return COMMAND[name].make_context(name, list(arguments)).params


def explained(name):
    """Return a command's help, an option a line."""
    return CliRunner().invoke(COMMAND[name], ["--help"], terminal_width=500).stdout


def option(name, parameter):
    return next(each for each in COMMAND[name].params if each.name == parameter)


@pytest.mark.parametrize(
    ("arguments", "heavy"),
    [
        ([], {"numpy", "torch", "h5py", "cv2", "dlib", "numba", "skimage", "matplotlib"}),
        (["build"], {"torch", "h5py", "cv2", "dlib", "numba", "skimage"}),
        (["train"], {"torch", "timm", "sklearn", "h5py", "cv2"}),
    ],
)
def test_help_needs_nothing_heavy(arguments, heavy):
    code = (
        "import sys\nfrom mer_di.cli import main\ntry: main()\n"
        f"finally: print('loaded:', sorted({heavy} & {{*sys.modules}}))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code, *arguments, "--help"], capture_output=True, text=True, check=True
    )
    assert found.stdout.startswith("Usage: ")
    assert found.stdout.endswith("loaded: []\n")


def test_every_name_that_is_asked_for_is_there():
    choices = [each for command in COMMAND.values() for each in command.params if isinstance(each.type, LibraryChoice)]
    assert len(choices) > 15
    for each in choices:
        assert len(each.type.choices) > 1
        assert all(isinstance(name, str) for name in each.type.choices)


@pytest.mark.parametrize(
    ("command", "configuration"),
    [("build", Recipe(align="none", aspect="stretch")), ("train", ModelConfig()), ("train", TrainConfig())],
)
def test_every_field_has_an_option_with_its_default_and_its_names(command, configuration):
    hints = get_type_hints(type(configuration))
    for name in hints.keys() - FOLLOW_FROM_OTHERS:
        found = option(command, name)
        if name not in OF_THE_DATABASE:
            expected = getattr(configuration, name)
            assert isinstance(found, LibraryOption)
            assert found.default == (",".join(expected) or None if isinstance(expected, tuple) else expected)
        if get_origin(hints[name]) is Literal:
            assert found.type.choices == get_args(hints[name])


def test_names_that_are_no_fields_are_those_of_their_owners():
    owners = {("build", "scheme"): SCHEMES, ("build", "aspect"): get_args(Aspect), ("export", "form"): FORMS}
    owners |= {("build", "several_faces"): get_args(SeveralFaces), ("build", "workers"): get_args(Workers)}
    owners |= {("reproduce", "align"): get_args(Align), ("check", "apex_policy"): APEX_POLICIES}
    owners |= {(command, "normalization"): NORMALIZATIONS for command in ("show", "export")}
    for (command, parameter), names in owners.items():
        assert option(command, parameter).type.choices == tuple(names)


def test_a_new_scheme_needs_no_word_at_the_command_line(monkeypatch):
    with pytest.raises(click.BadParameter, match="'arp', 'reversed_arp'"):
        parsed("build", "--out", "x.h5", "--scheme", "newest")
    monkeypatch.setattr("mer_di.rank_pooling.SCHEMES", {**SCHEMES, "newest": arp})
    assert parsed("build", "--out", "x.h5", "--scheme", "newest")["scheme"] == "newest"
    assert f"{[*SCHEMES][-1]}|newest]" in explained("build")


def test_a_new_default_needs_no_word_at_the_command_line(monkeypatch):
    fields = {"size": 96, "reversal": "sign"}
    for name, value in fields.items():
        monkeypatch.setattr(Recipe.__dataclass_fields__[name], "default", value)
    assert parsed("build", "--out", "x.h5").items() >= fields.items()
    assert "[default: 96; x>=1]" in explained("build")


def test_a_default_may_be_false_and_say_so(monkeypatch):
    monkeypatch.setattr(TrainConfig.__dataclass_fields__["flip"], "default", False)
    assert parsed("train", "x.h5")["flip"] is False
    assert parsed("train", "x.h5", "--flip")["flip"] is True
    assert "[default: no-flip]" in explained("train")


@pytest.mark.parametrize(("command", "arguments", "functions"), CALLS, ids=[command for command, *_ in CALLS])
def test_defaults_are_those_of_what_the_command_calls(command, arguments, functions):
    found = parsed(command, *arguments.split())
    shared = 0
    for function in functions:
        for name, parameter in inspect.signature(function).parameters.items():
            if name in found and parameter.default is not parameter.empty:
                value = (found[name],) if name == "corrections" else found[name]
                assert (name, value) == (name, parameter.default)
                shared += 1
    assert shared


def test_synth_draws_the_layouts_that_the_library_has():
    assert option("synth", "layout").type.choices == LAYOUTS


def test_what_help_says_in_words_is_what_the_library_has():
    assert option("train", "protocol").metavar == "|".join(PROTOCOLS)
    assert option("train", "validation").metavar == "|".join(VALIDATIONS)
    papers = {"size": ModelConfig().input_size}
    papers |= {name: getattr(TrainConfig(), name) for name in ("epochs", "batch_size", "learning_rate")}
    for name, value in papers.items():
        assert float(re.search(r"the paper's ([\d.e-]+)\.", option("reproduce", name).help)[1]) == value
    assert f"instead of {ModelConfig().backbone}," in option("reproduce", "backbone").help
    assert f"Default: {ModelConfig().input_size}," in option("train", "size").help
    smallest = {load_table(name).min_class_size for name in TABLES}
    assert {int(re.search(r"\d+", option("reproduce", "min_class_size").help)[0])} == smallest
    assert {int(re.search(r"\d+", option("build", "min_class_size").help)[0])} == smallest
