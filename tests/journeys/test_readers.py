"""What docs/readers.md tells people to type reads a cache rightly; a recipe whose program is absent is skipped.

Each recipe prints the subject of the second sample, where its program reads text, and one of its pixels. JavaScript's
packages are looked for in `node_modules` of the project: `npm install --no-save h5wasm jsfive`.
"""

import ast
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import pytest

from mer_di.building.build import build_cache
from mer_di.datasets import load_dataset
from mer_di.recipe import Recipe
from mer_di.synthetic import write_database

PROJECT = Path(__file__).parents[2]
SECTIONS = (PROJECT / "docs" / "readers.md").read_text(encoding="utf-8").split("\n## ")[1:]
RECIPES = {
    section.partition("\n")[0]: re.findall(r"^```(\w+)\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    for section in SECTIONS
}
NOT_RUN = {"MATLAB"}
READS_NO_TEXT = {"PyTables"}
PROGRAMS = {
    "python": [sys.executable, "-c"],
    "octave": ["octave", "--no-gui", "--norc", "--eval"],
    "r": ["Rscript", "-e"],
    "js": ["node", "--input-type=module", "-e"],
    "sh": ["bash", "-euc"],
}


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    folder = tmp_path_factory.mktemp("readers")
    root = write_database(folder / "drawn", layout="mmew", subjects=1)
    build_cache(load_dataset("mmew", root), folder / "mmew.h5", Recipe(align="none", aspect="stretch"))
    return folder / "mmew.h5"


def test_every_section_is_one_recipe():
    assert {title: len(blocks) for title, blocks in RECIPES.items()} == dict.fromkeys(RECIPES, 1)
    assert RECIPES.keys() > NOT_RUN | READS_NO_TEXT


@pytest.mark.parametrize("title", [title for title in RECIPES if title not in NOT_RUN])
def test_a_recipe_reads_the_subject_and_the_pixel(title, cache, tmp_path):
    [(language, code)] = RECIPES[title]
    for needed in _needed(language, code):
        if not _is_there(language, needed):
            pytest.skip(f"{needed} is absent")
    (tmp_path / "mmew.h5").symlink_to(cache)
    (tmp_path / "node_modules").symlink_to(PROJECT / "node_modules")
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    command = [*PROGRAMS[language], code]
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    with h5py.File(cache) as file:
        subject, pixel = file["samples/subject"].asstr()[1], file["di/onset"][1, 100, 60, 2]
    numbers = [float(number) for number in re.findall(r"-?\d+\.\d+", ran.stdout)]
    assert pytest.approx(pixel, rel=1e-5) in numbers, ran.stdout
    assert title in READS_NO_TEXT or subject in ran.stdout


def _needed(language, code):
    """Programs and packages that a recipe calls for."""
    if language == "python":
        return [node.names[0].name for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Import)]
    if language == "sh":
        return {line.split()[0] for line in code.splitlines()}
    packages = re.findall(r"^library\((\w+)\)|from \"(\w+)|(h5dump)", code, re.MULTILINE)
    return [PROGRAMS[language][0], *("".join(found) for found in packages)]


def _is_there(language, needed):
    if language == "python":
        return importlib.util.find_spec(needed) is not None
    if language == "r" and needed != "Rscript":
        return not subprocess.run(["Rscript", "-e", f"library({needed})"], capture_output=True, check=False).returncode
    if language == "js" and needed != "node":
        return (PROJECT / "node_modules" / needed).exists()
    return needed == "mer-di" or shutil.which(needed) is not None
