"""Every example runs as its own words say, in an empty folder."""

import ast
import functools
import os
import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from mer_di import build_cache, load_dataset, normalize, open_cache, phase_dynamic_images
from mer_di.building.defaults import default_recipe
from mer_di.imaging.frames import read_frames
from mer_di.inspection.verification import departures
from mer_di.synthetic import draw_clip, write_database

EXAMPLES = Path(__file__).parents[2] / "examples"
SCRIPTS = {  # what each is given, and what it leaves behind
    "own_array.py": ((), {"own_array.png"}),
    "video.py": ((), {"video.avi", "video_onset.png", "video_offset.png", "video_full.png"}),
    "read_with_h5py.py": (("cache",), set()),
    "torch_model.py": (("cache",), set()),
    "own_loso.py": (("cache",), set()),
    "new_dataset_manifest.py": ((), {"own_data", "own_data.h5"}),
    "new_dataset_module.py": ((), {"lab", "lab.h5"}),
    "new_scheme.py": ((), set()),
    "readme_picture.py": (("picture",), {"picture.png"}),
}


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    folder = tmp_path_factory.mktemp("examples")
    database = load_dataset("mmew", write_database(folder / "database", subjects=3))
    return build_cache(database, folder / "cache.h5", default_recipe(database, size=32)).path


@pytest.fixture(scope="module")
def ran(cache, tmp_path_factory):
    """Run a script once; return the folder in which it ran and what it printed."""

    @functools.cache
    def run(script):
        folder = tmp_path_factory.mktemp("empty")
        arguments = [{"cache": str(cache), "picture": "picture.png"}[name] for name in SCRIPTS[script][0]]
        result = subprocess.run(
            [sys.executable, str(EXAMPLES / script), *arguments],
            cwd=folder,
            env=os.environ | {"PYTHONWARNINGS": "error"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        return folder, result.stdout

    return run


def test_nothing_lies_there_that_is_not_listed_and_run():
    files = {path.name for path in EXAMPLES.iterdir() if path.suffix in (".py", ".ipynb")}
    assert files == {*SCRIPTS, "walkthrough.ipynb"}
    listed = re.findall(r"^\| \[([^\]]+)\]\(([^)]+)\)", (EXAMPLES / "README.md").read_text("utf-8"), re.MULTILINE)
    assert {name for name, _ in listed} == files
    assert all(name == link for name, link in listed)


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_runs_and_leaves_what_it_says(script, ran):
    folder, output = ran(script)
    left = SCRIPTS[script][1]
    assert output.strip()
    assert {path.name for path in folder.iterdir()} == left
    for name in left:
        if name.endswith(".png"):
            assert cv2.imread(str(folder / name)).std() > 1  # a picture of something


def test_the_words_of_a_script_name_its_files():
    for script, (_, left) in SCRIPTS.items():
        words = ast.get_docstring(ast.parse((EXAMPLES / script).read_text("utf-8")))
        assert f"python {script}" in words or f"python examples/{script}" in words
        if script.startswith("new_dataset"):
            assert all(name in words for name in left)


def test_own_array_is_exactly_zero_where_nothing_moves(ran):
    _, output = ran("own_array.py")
    assert output.count("motionless corner [0 0 0]") == 3


def test_reading_with_h5py_needs_no_mer_di(ran):
    source = (EXAMPLES / "read_with_h5py.py").read_text("utf-8")
    assert not re.search(r"^(from|import) mer_di", source, re.MULTILINE)
    assert ran("read_with_h5py.py")[1].startswith("mmew: 21 samples of 3 subjects, 0 dropped\n")


def test_the_video_s_images_are_those_of_its_frames(ran):
    clip = draw_clip("surprise", subject=7)
    folder, output = ran("video.py")
    numbers = range(clip.onset, clip.offset + 1)
    assert f"{len(numbers)} frames" in output
    frames = np.stack(list(read_frames(folder / "video.avi", numbers)))
    for name, image in phase_dynamic_images(frames, clip.apex - clip.onset)._asdict().items():
        read = cv2.imread(str(folder / f"video_{name}.png"))[..., ::-1]
        np.testing.assert_array_equal(read, normalize(image, "symmetric"))


def test_own_data_become_caches_like_any_other(ran):
    by_manifest, output = ran("new_dataset_manifest.py")
    assert "kept 4, dropped 0" in output
    by_module, output = ran("new_dataset_module.py")
    assert "3 of 4 samples usable" in output
    assert "dropped P3/take4: clip-not-found" in output
    for path, name in ((by_manifest / "own_data.h5", "manifest"), (by_module / "lab.h5", "lab")):
        with open_cache(path) as cache:
            assert cache.attributes["dataset"] == name
            assert departures(cache) == []


def test_a_scheme_of_one_s_own_is_exact_and_the_same_frame_by_frame(ran):
    _, output = ran("new_scheme.py")
    assert "a motionless clip gives 0\n" in output
    assert "the same to the bit: True\n" in output


def test_own_loso_scores_every_sample_once(ran):
    _, output = ran("own_loso.py")
    assert output.startswith("n = 21,")
    assert sum(int(n) for n in re.findall(r"of (\d+)$", output, re.MULTILINE)) == 21


def test_the_notebook_runs_from_top_to_bottom(tmp_path):
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    notebook = nbformat.read(EXAMPLES / "walkthrough.ipynb", as_version=4)
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in notebook.cells)  # none is committed
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 5
    assert not [output.text for output in outputs if output.get("name") == "stderr"]
    assert "n = 28" in "".join(output.get("text", "") for output in outputs)
