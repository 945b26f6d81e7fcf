"""Tests lie as the house is built: `mer_di/building/plan.py` is tested in `tests/building/test_plan.py`."""

from pathlib import Path

import mer_di
from mer_di.synthetic.layouts import LAYOUTS

HOUSE, TESTS = Path(mer_di.__file__).parent, Path(__file__).parent
COMMANDS = "build check compare datasets diff options picture_options process synth verify"
THROUGH = {  # modules without tests of their own, and where theirs are
    **dict.fromkeys(["building/build_report", "building/entry", "building/job"], "building/build"),
    **dict.fromkeys(["building/identity", "building/rounds"], "building/unfinished"),
    **dict.fromkeys(["cache/format", "cache/images"], "cache/reading"),
    **{f"cli/{command}": "cli" for command in COMMANDS.split()},
    "cli/doctor": "inspection/environment",
    "cli/export": "inspection/export",
    "cli/merge": "building/merge",
    "cli/predict": "predict/table",
    "cli/report": "report/cache_page",
    "cli/reproduce": "experiments",
    "cli/show": "inspection/contact_sheet",
    "cli/training_options": "cli/train",
    **dict.fromkeys(["datasets/database", "datasets/finding", "datasets/release", "sample"], "datasets/casme2"),
    "datasets/spec": "datasets",
    **dict.fromkeys(["kernels/byte_dots", "kernels/constants", "kernels/loops"], "accumulate"),
    "kernels/resampling": "imaging/warp",
    "evaluation/records": "evaluation/run",
    "learning/history": "learning/train",
    "learning/models/output": "learning/models/dianet",
    "report/plots": "report/run_page",
    "streams": "torch_dataset",
    **dict.fromkeys(["synthetic/anatomy", "synthetic/identity"], "synthetic/drawing"),
    **{
        f"synthetic/layouts/{module}": "synthetic/layouts"
        for module in ("layout", *(set(LAYOUTS) - {"4dme"}), "fourdme")
    },
}
MODULES = {path.relative_to(HOUSE.parent).with_suffix("").as_posix() for path in HOUSE.rglob("*.py")}
ROOMS = {module.removesuffix("/__init__").replace("/_", "/").removeprefix("mer_di/") for module in MODULES}
PUBLIC = {module.removeprefix("mer_di/") for module in MODULES if "/_" not in module}
TESTED = {
    (file.parent / file.stem.removeprefix("test_")).relative_to(TESTS).as_posix()
    for file in TESTS.rglob("test_*.py")
    if file != Path(__file__) and file.parent.name != "journeys"
}


def test_every_test_lies_where_its_module_lies():
    for astray in sorted(TESTED - ROOMS):
        there = [room for room in ROOMS if Path(room).name == Path(astray).name] or [f"journeys/{Path(astray).name}"]
        places = [f"tests/{Path(room).parent / f'test_{Path(room).name}.py'}" for room in sorted(there)]
        raise AssertionError(f"mer_di has no {astray}: its test should lie in {' or '.join(places)}")


def test_every_module_has_its_test_or_is_tested_through_another():
    assert sorted(PUBLIC - TESTED - THROUGH.keys()) == [], "no test, and not in THROUGH"
    assert sorted(THROUGH.keys() - (PUBLIC - TESTED)) == [], "in THROUGH, and gone or with a test of its own"
    assert sorted(set(THROUGH.values()) - TESTED) == [], "no test, and named in THROUGH"
