import json
import shutil
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner
from tiny_cache import write_tiny_cache

from mer_di.cli.compare import command as compare
from mer_di.cli.report import command as report
from mer_di.cli.train import _config, _leakage, _page
from mer_di.cli.train import command as train
from mer_di.errors import CacheError, InputError
from mer_di.evaluation.evaluate import evaluate
from mer_di.learning.model_config import ModelConfig
from mer_di.learning.train_config import TrainConfig

SMALL = ["--backbone", "test_resnet", "--no-pretrained", "--fusion", "concat", "--size", "16", "--epochs", "1"]
SMALL += ["--validation", "subjects:1", "--device", "cpu", "--jobs", "1"]


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return write_tiny_cache(tmp_path_factory.mktemp("cache") / "tiny.h5")


def run(command, *arguments):
    return CliRunner().invoke(command, [str(a) for a in arguments], catch_exceptions=False)


@pytest.fixture(scope="module")
def finished(cache, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "run"
    return out, run(train, cache, "--out", out, *SMALL)


def parsed(*arguments):
    """Return the configuration that a command line stands for."""
    context = train.make_context("train", ["cache.h5", *arguments])
    model = ("pretrained", "weights", "streams", "architecture", "size", "backbone", "fusion", "dedicated_backbones")
    model += ("flow_combination", "temporal_augmentation", "test_images", "dropout")
    names = (*model, *(field for field in TrainConfig.__dataclass_fields__ if field != "model"))
    return _config(**{name: context.params[name] for name in names})


def test_a_run_is_opened_without_the_networks_library_and_without_scikit_learn():
    heavy = "{'timm', 'torchvision', 'sklearn'}"
    code = f"import sys, mer_di.evaluation.evaluate, mer_di.cli.train; print({heavy} & {{*sys.modules}})"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found == "set()\n"


def test_apexes_are_drawn_and_asked_about_where_the_cache_has_them(tmp_path):
    cache = write_tiny_cache(tmp_path / "jitter.h5", apex_jitter=2)
    out = tmp_path / "run"
    found = run(train, cache, "--out", out, *SMALL, "--apex-jitter", "--apex-sensitivity")
    assert "at 2 neighbouring apexes: " in found.output
    assert "points hang on the annotator's frame" in found.output
    assert json.loads((out / "config.json").read_text(encoding="utf-8"))["apex_jitter"] is True
    assert run(report, out, "--out", tmp_path / "page.html").exit_code == 0
    points = json.loads((out / "results.json").read_text(encoding="utf-8"))["apex_sensitivity"]["points"]
    assert f"<b>{points:.1f} points</b> lie between" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_genders_come_from_a_table_of_subjects(cache, tmp_path):
    people = tmp_path / "people.csv"
    people.write_text("subject,gender\ns01,f\ns02,m\ns03,F\ns04,f\n", encoding="utf-8")
    small = ["--architecture", "geme-reconstruction", "--streams", "full", "--size", "32", "--epochs", "1"]
    small += ["--validation", "none", "--device", "cpu", "--jobs", "1"]
    found = run(train, cache, "--out", tmp_path / "run", "--subjects", people, *small)
    assert "fold s02 trained without gender" in found.stdout
    people.write_text("subject,gender\ns01,f\ns02,m\n", encoding="utf-8")
    with pytest.raises(InputError, match="lacks 's03', 's04'"):
        run(train, cache, "--out", tmp_path / "other", "--subjects", people, *small)
    assert not (tmp_path / "other").exists()


def test_flow_is_trained_on_where_the_cache_has_it(cache, tmp_path):
    with_flow = write_tiny_cache(tmp_path / "flow.h5", flow="ilk")
    options = (*SMALL, "--streams", "onset,flow_onset")
    assert run(train, with_flow, "--out", tmp_path / "run", *options).exit_code == 0
    config = json.loads((tmp_path / "run" / "config.json").read_text(encoding="utf-8"))
    assert config["streams"] == ["onset", "flow_onset"]
    with pytest.raises(CacheError, match="without optical flow"):
        run(train, cache, "--out", tmp_path / "none", *options)


def test_the_flow_of_both_phases_is_combined_by_the_numbers_that_are_given(tmp_path):
    with_flow, out = write_tiny_cache(tmp_path / "flow.h5", flow="ilk"), tmp_path / "run"
    options = (*SMALL, "--streams", "flow_combined", "--save-networks")
    with pytest.raises(InputError, match="expected three numbers"):
        run(train, with_flow, "--out", out, *options)
    assert not out.exists()
    assert run(train, with_flow, "--out", out, *options, "--flow-combination", 1, 0.5, 2).exit_code == 0
    config = json.loads((out / "config.json").read_text(encoding="utf-8"))
    assert (config["streams"], config["flow_combination"]) == (["flow_combined"], [1, 0.5, 2])
    assert run(report, out, "--out", tmp_path / "page.html").exit_code == 0
    assert "Grad-CAM of Flow, combined" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_the_defaults_are_the_librarys():
    assert parsed() == TrainConfig()


def test_options_reach_the_configuration(tmp_path):
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(b"")
    options = "--no-pretrained --streams full,full --fusion simple --lr 1e-3 --loss focal --class-weights balanced"
    options += " --normalization minmax --consistency 0 --rotation 0 --no-flip --dedicated-backbones --patience 3"
    found = parsed(*options.split())
    assert found == TrainConfig(
        model=ModelConfig(weights="random", streams=("full", "full"), fusion="simple", dedicated_backbones=True),
        learning_rate=1e-3,
        loss="focal",
        class_weights="balanced",
        normalization="minmax",
        consistency=0,
        rotation=0,
        flip=False,
        patience=3,
    )
    assert parsed("--weights", str(weights)).model.weights == str(weights)
    assert parsed("--architecture", "learnet", "--streams", "onset").model.input_size == 112


def test_a_run_prints_what_a_reader_needs(finished):
    out, result = finished
    assert result.exit_code == 0
    first, second = result.stdout.splitlines()[:2]
    assert first.startswith("accuracy ")
    assert first.endswith("(percent; 95 % intervals: bootstrap over 4 subjects)")
    assert second == (
        "tiny: 12 samples, 4 subjects, 4 folds (loso, validation subjects:1); always guessing 'disgust' would give 33.3"
    )
    assert result.stdout.splitlines()[-1] == f"-> {out}"
    assert result.stderr == ""
    results = json.loads((out / "results.json").read_text())
    assert f"accuracy {100 * results['accuracy']:.1f} [" in first


def test_the_same_command_resumes_and_prints_json(finished, cache):
    out, _ = finished
    again = run(train, cache, "--out", out, *SMALL, "--json")
    assert json.loads(again.stdout) == json.loads((out / "results.json").read_text())


@pytest.mark.parametrize("seeds", [("--seeds", "0", "1"), ("--seeds", "0,1")])
def test_seeds_may_be_apart_by_spaces_or_commas(cache, tmp_path, seeds):
    result = run(train, *seeds, cache, "--out", tmp_path / "run", *SMALL, "--audit-leakage", "--shuffled-labels")
    lines = result.stdout.splitlines()
    assert " ± " in lines[0]
    assert "mean ± sd of 2 seeds" in lines[0]
    assert lines[2] == "labels were shuffled: a control, in which there was nothing to learn"
    assert lines[3].startswith("honest ")
    assert "is of seed 0" in lines[4]
    assert (tmp_path / "run" / "seed-1" / "predictions.csv").is_file()


def test_an_inflation_is_printed_in_points():
    audit = {"honest": 0.612, "best_epoch_on_test": 0.684, "inflation_points": 7.2}
    assert _leakage(audit) == "honest 61.2, best-epoch-on-test 68.4: inflation 7.2 points"


def test_a_class_that_was_never_predicted_has_a_dash(cache, tmp_path):
    results = evaluate([cache], tmp_path / "run", parsed(*SMALL[:-6]), validation="none")
    results.per_class[0]["precision"] = None
    row = next(line for line in _page(results).splitlines() if line.startswith("disgust"))
    assert row.split()[3] == "-"


def test_folds_are_listed_without_training(cache, tmp_path):
    listed = run(train, cache, "--list-folds", "--validation", "subjects:2")
    assert listed.exit_code == 0
    lines = listed.stdout.splitlines()
    assert [line.split()[0] for line in lines[2:]] == ["s01", "s02", "s03", "s04"]
    assert all(line.split()[1:5] == ["3", "3", "1", "6"] for line in lines[2:])
    found = json.loads(
        run(train, cache, "--list-folds", "--protocol", "k-fold:2", "--validation", "none", "--json").stdout
    )
    assert [sorted(fold) for fold in found] == [["fold", "test", "train", "validation"]] * 2
    assert sorted(found[0]["test"] + found[1]["test"]) == ["s01", "s02", "s03", "s04"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("x.h5",),
        (),
        ("x.h5", "--out", "run", "--seeds", "one"),
        ("x.h5", "--out", "run", "--epochs", "0"),
        ("x.h5", "--out", "run", "--weights", "absent.safetensors"),
    ],
)
def test_wrong_usage_is_usage(arguments):
    assert run(train, *arguments).exit_code == 2


def test_a_model_of_all_subjects_is_saved(cache, finished, tmp_path):
    out, _ = finished
    result = run(train, cache, "--out", out, *SMALL, "--save-model", tmp_path / "model.safetensors")
    assert f"-> {tmp_path / 'model.safetensors'}" in result.stderr
    assert (tmp_path / "model.safetensors").stat().st_size > 1000


def test_runs_are_compared(finished, cache, tmp_path):
    out, _ = finished
    other = tmp_path / "other"
    run(train, cache, "--out", other, *SMALL, "--seed", 5)
    shown = run(compare, out, other)
    assert shown.exit_code == 0
    assert "McNemar, exact, over 12 samples" in shown.stdout
    assert "Wilcoxon over 4 subjects" in shown.stdout
    found = json.loads(run(compare, out, out, "--json").stdout)
    assert (found["mcnemar_p"], found["wilcoxon_p"], found["only_a"]) == (1, 1, 0)


def test_killed_at_any_instant_and_resumed_is_as_if_never_killed(cache, tmp_path):
    arguments = [str(cache), *SMALL, "--epochs", "8"]
    code = "from mer_di.cli.train import command; command()"
    killed = tmp_path / "killed"
    process = subprocess.Popen([sys.executable, "-c", code, *arguments, "--out", str(killed)])
    while process.poll() is None and not list(killed.glob("folds/*.json")):
        time.sleep(0.005)
    process.kill()
    process.wait()
    assert not (killed / "results.json").exists()
    assert 1 <= len(list(killed.glob("folds/*.json"))) < 4
    run(train, *arguments, "--out", killed)
    run(train, *arguments, "--out", tmp_path / "whole")
    assert (killed / "predictions.csv").read_bytes() == (tmp_path / "whole" / "predictions.csv").read_bytes()
    ours, theirs = (json.loads((path / "results.json").read_text()) for path in (killed, tmp_path / "whole"))
    assert {**ours, "seconds": 0} == {**theirs, "seconds": 0}


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("absent/model.safetensors", "does not exist"),
        ("tiny.h5", r"tiny\.h5"),
        ("run/results.json", "lies in the run"),
        ("run/folds/s01.safetensors", "does not exist"),
    ],
)
def test_a_model_that_cannot_be_saved_is_said_before_the_training(cache, tmp_path, place, why):
    ours = shutil.copy(cache, tmp_path / "tiny.h5")
    with pytest.raises(InputError, match=why):
        run(train, ours, "--out", tmp_path / "run", *SMALL, "--save-model", tmp_path / place)
    assert not (tmp_path / "run" / "folds").exists()
    assert ours.read_bytes() == cache.read_bytes()


def test_what_a_scheme_makes_of_the_caches_is_said_before_the_training(tmp_path):
    emotions = ("disgust", "happiness", "others", "fear")
    a = write_tiny_cache(tmp_path / "a.h5", dataset="casme2", clips=4, emotions=emotions)
    b = write_tiny_cache(tmp_path / "b.h5", dataset="samm", emotions=("anger", "happiness"), clips=2)
    result = run(train, a, b, "--labels", "megc2019", "--out", tmp_path / "run", *SMALL)
    assert result.stderr.splitlines() == [
        "megc2019: casme2: 8 samples of 145 published (negative 4 of 88, positive 4 of 32, surprise 0 of 25); "
        "left out: 4 emotion 'others', 4 emotion 'fear'; left out by name, and not in the table: "
        "sub04/EP12_01f, sub05/EP09_05f, sub24/EP07_01, sub24/EP07_04f, sub24/EP10_03",
        "megc2019: samm: 8 samples of 133 published (negative 4 of 92, positive 4 of 26, surprise 0 of 15); "
        "left out: none",
    ]
    lines = result.stdout.splitlines()
    assert lines[1].startswith("casme2 + samm: 16 samples, 8 subjects, 8 folds")
    assert lines[2].startswith("classes of megc2019 (sha256 ")
    assert lines[2].endswith("which left out 8 samples")
    assert [line.split()[:3] for line in lines if line.startswith(("casme2 ", "samm "))][1:] == [
        ["casme2", "8", "4"],
        ["samm", "8", "4"],
    ]


def test_classes_that_give_their_database_away_are_named(tmp_path):
    a = write_tiny_cache(tmp_path / "a.h5", dataset="casme2", emotions=("disgust", "repression"), clips=2)
    b = write_tiny_cache(tmp_path / "b.h5", dataset="samm", emotions=("anger", "disgust"), clips=2)
    result = run(train, a, b, "--list-folds", "--validation", "none")
    assert result.stderr.startswith("warning: only in one database: 'anger' (samm), 'repression' (casme2). ")
    assert run(train, a, "--list-folds", "--validation", "none").stderr == ""
