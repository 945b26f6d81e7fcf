import dataclasses
import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from mer_di.cli import COMMANDS, root
from mer_di.inspection import environment
from mer_di.inspection.environment import PACKAGES, PURPOSES, Trial, examine, extra_of

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def found():
    return examine()


def names(requirements):
    return {re.split(r"[\[>=<~! ]", text)[0] for text in requirements}


def test_the_table_of_packages_is_that_of_the_project():
    extras = PROJECT["optional-dependencies"]
    assert set(PACKAGES[""].values()) == names(PROJECT["dependencies"])
    for extra in PACKAGES.keys() - {""}:
        assert set(PACKAGES[extra].values()) == names(extras[extra]), extra
    (everything,) = re.findall(r"\[(.*)\]", extras["all"][0])
    assert set(PACKAGES) == set(PURPOSES) == {"", *everything.split(",")}


def test_every_command_has_a_line(found):
    told = {word for purpose in PURPOSES.values() for word in re.findall(r"\w+", purpose)}
    assert set(COMMANDS) - {"doctor"} <= told


def test_what_tests_need_is_found_to_work_here(found):
    assert found.problems == []
    assert {found.codecs[suffix].found for suffix in (".png", ".bmp", ".tif")} == {"read back to the bit"}
    assert {found.codecs[suffix].found for suffix in (".jpg", ".avi (MJPG)")} == {"read back"}
    assert Path(found.landmark_model.found).is_file()
    assert found.packages[""]["numpy"].found == importlib.import_module("numpy").__version__
    assert found.threads["usable"] >= 1
    json.dumps(dataclasses.asdict(found))


def test_a_codec_that_returns_another_picture_is_a_problem(monkeypatch):
    import mer_di.imaging.frames

    read = mer_di.imaging.frames.read_frames
    monkeypatch.setattr(mer_di.imaging.frames, "read_frames", lambda *a: (255 - frame for frame in read(*a)))
    trial = environment._attempt(lambda: environment._image(".png"))
    assert trial.found is None
    assert "grey levels off" in trial.problem


def test_a_package_that_is_there_and_broken_is_told_apart(monkeypatch, tmp_path):
    (tmp_path / "half_installed.py").write_text("raise OSError('libGL.so.1: cannot open shared object file')")
    monkeypatch.syspath_prepend(tmp_path)
    assert environment._package("half_installed", "half-installed") == Trial(
        None, "does not import: libGL.so.1: cannot open shared object file"
    )
    assert environment._package("never_heard_of", "never-heard-of") == Trial(None, "not installed")


def test_databases_are_found_where_they_are_looked_for(monkeypatch, tmp_path):
    (tmp_path / "mmew").mkdir()
    (tmp_path / "holidays").mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert environment._databases(str(tmp_path)) == {"mmew": str(tmp_path / "mmew")}
    assert environment._databases(None) == {}


def test_extra_of_a_module():
    assert [extra_of(name) for name in ("torch.nn", "matplotlib", "cv2", "mer_di.nonsense")] == [
        "train",
        "report",
        "",
        None,
    ]


def without(module, *arguments):
    """Run the command where a package is not installed."""
    code = f"import sys; sys.modules[{module!r}] = None\nfrom mer_di.cli import main\nmain()"
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)


def test_the_doctor_lives_without_torch():
    result = without("torch", "doctor")
    assert (result.returncode, "Traceback" in result.stderr) == (0, False)
    assert re.search(r"^ *torch +not installed +\[train\]$", result.stdout, re.MULTILINE)
    assert re.search(r"train, compare.*lacks.*torch.*pip install 'mer_di\[train\]'", result.stdout)
    assert re.search(r"datasets, synth.*ready", result.stdout)


def test_the_doctor_fails_where_the_base_is_broken(found, monkeypatch):
    base = found.packages[""] | {"h5py": Trial(None, "not installed")}
    broken = dataclasses.replace(found, packages=found.packages | {"": base})
    monkeypatch.setattr(environment, "examine", lambda: broken)
    result = CliRunner().invoke(root, ["doctor"])
    assert result.exit_code == 1
    assert result.stdout.rstrip().endswith("h5py: not installed")
    as_json = CliRunner().invoke(root, ["doctor", "--json"])
    assert (as_json.exit_code, json.loads(as_json.stdout)["problems"]) == (1, ["h5py: not installed"])


@pytest.mark.parametrize(
    ("module", "command", "extra"), [("matplotlib", "show", "report"), ("torch", "train", "train")]
)
def test_a_command_without_its_extra_says_what_to_install(module, command, extra, tmp_path):
    result = without(module, command, str(tmp_path / "x.h5"), "--out", str(tmp_path / "y"))
    assert result.returncode == 1
    assert f"needs the package {module}, which is not installed: pip install 'mer_di[{extra}]'" in result.stderr
    assert "Traceback" not in result.stderr
