import json
import stat

import numpy as np
import pytest

from mer_di.errors import RunError
from mer_di.evaluation.records import FoldRecord, Predictions
from mer_di.evaluation.run import Run

PREDICTIONS = Predictions(
    sample_ids=np.array(["s1/a, b", 's1/"c"', "s2/ü"]),
    subjects=np.array(["s1", "s1", "s2"]),
    labels=np.array(["label", "p_x", "label"]),
    predicted=np.array(["p_x", "p_x", "label"]),
    probabilities=np.array([[0.1, 0.9], [1 / 3, 2 / 3], [1 - 1e-17, 5e-324]]),
    classes=("label", "p_x"),
)


@pytest.fixture
def run(tmp_path):
    found = Run(tmp_path / "run")
    found.claim({"seed": 0, "epochs": 2})
    return found


def test_predictions_come_back_to_the_bit(run):
    run.write_predictions(PREDICTIONS)
    found = run.predictions()
    for name in ("sample_ids", "subjects", "labels", "predicted", "probabilities"):
        np.testing.assert_array_equal(getattr(found, name), getattr(PREDICTIONS, name))
    assert found.classes == PREDICTIONS.classes
    assert found.correct.tolist() == [False, True, True]
    header = (run.folder / "predictions.csv").read_text().splitlines()[0]
    assert header == "sample_id,subject,label,predicted,p_label,p_p_x"


def test_others_may_read_a_run(run):
    run.write_results({"n": 3})
    plain = run.folder / "plain"
    plain.touch()
    for name in ("results.json", "config.json"):
        assert stat.S_IMODE((run.folder / name).stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


HEADER = "sample_id,subject,label,predicted,p_a,p_b\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sample_id,subject\nx\n",
        HEADER,
        HEADER + "x,y,a,a,half,0.5\n",
        HEADER + "x,y,a,a,nan,0.5\n",
        HEADER + "x,y,a,a,0.5\n",
        HEADER + "x,y,c,a,0.5,0.5\n",
        HEADER + "x,y,a,a,0.5,0.5\n" * 2,
        HEADER.replace("p_b", "p_a") + "x,y,a,a,0.5,0.5\n",
        HEADER + "x" * 200_000,
        HEADER + "\0",
    ],
)
def test_damaged_predictions_are_named(run, text):
    (run.folder / "predictions.csv").write_text(text)
    with pytest.raises(RunError, match=r"predictions\.csv is no table"):
        run.predictions()


def test_an_unfinished_run_has_neither_predictions_nor_results(run, tmp_path):
    with pytest.raises(RunError, match="not finished"):
        run.predictions()
    with pytest.raises(RunError, match="no finished run"):
        run.results()
    with pytest.raises(RunError, match="no finished run"):
        Run(tmp_path).config()


def test_numbers_that_json_does_not_know_are_never_written(run):
    with pytest.raises(ValueError, match="Out of range"):
        run.write_results({"accuracy": float("nan")})
    assert not (run.folder / "results.json").exists()


def test_one_training_at_a_time_writes_a_run(run):
    busy = pytest.raises(RunError, match="another training is writing")
    with run.sole_writer(), busy, Run(run.folder).sole_writer():
        raise AssertionError
    with run.sole_writer():
        pass


def test_what_a_killed_training_was_writing_is_taken_away(run, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("pathlib.Path.unlink", lambda *_, **__: None)
        patch.setattr("mer_di.files.put_in_place", killed)
        with pytest.raises(KeyboardInterrupt):
            run.write_results({"accuracy": 0.5})
    assert [*run.folder.glob(".*")] != []
    with run.sole_writer():
        pass
    assert [*run.folder.glob(".*")] == []


def test_what_another_training_is_writing_within_is_not(run):
    within = run.folder / "another" / ".0123.aside"
    within.parent.mkdir()
    within.touch()
    with run.sole_writer():
        pass
    assert within.exists()


def test_files_of_something_else_are_not_touched(tmp_path):
    (tmp_path / "config.json").write_text('{"editor": "vim"}')
    with pytest.raises(RunError, match="none of a run, and not touched"):
        Run(tmp_path).claim({"seed": 0})
    (tmp_path / "config.json").unlink()
    (tmp_path / "results.json").write_text("{}")
    with pytest.raises(RunError, match=r"config\.json is absent"):
        Run(tmp_path).claim({"seed": 0})
    assert (tmp_path / "results.json").read_text() == "{}"


def test_results_of_folds_that_are_gone_are_of_their_configuration(run):
    config = {"seed": 0, "epochs": 2, "precision": "auto"}
    run.claim(config)
    run.write_results({"n": 3})
    (run.folder / "precision.json").touch()
    run.claim(config)
    with pytest.raises(RunError, match=r"epochs: 3 \| 2"):
        run.claim(config | {"epochs": 3})
    assert (run.folder / "precision.json").exists()


@pytest.mark.parametrize(
    "text", ["", "[]", "3", "null", "{", "[" * 100_000, "9" * 5000, '{"used": "float16"}', "\ud800"]
)
def test_a_damaged_file_is_named(run, text):
    (run.folder / "precision.json").write_text(text, encoding="utf-8", errors="surrogatepass")
    with pytest.raises(RunError, match=r"precision\.json is damaged.*delete it"):
        run.precision()


RECORD = {
    "name": "s1",
    "seed": 1,
    "train_subjects": ["s2"],
    "validation_subjects": [],
    "untrained_classes": [],
    "untrained_terms": [],
    "best_epoch": 1,
    "history": [{"epoch": 1, "training_loss": 0.5, "validation_loss": None}],
    "sample_ids": ["s1/a"],
    "probabilities": [[0.25, 0.75]],
    "test_correct": None,
    "seconds": 1,
    "device": "cpu",
}


@pytest.mark.parametrize(
    "change",
    [
        {"name": 1},
        {"best_epoch": 2},
        {"best_epoch": True},
        {"history": [{"epoch": 1}]},
        {"sample_ids": []},
        {"probabilities": [[0.25, 0.25]]},
        {"probabilities": [[0.25, 0.75], [1.0]]},
        {"probabilities": [[]]},
        {"probabilities": [["a", "b"]]},
        {"probabilities": [[float("nan"), 1.0]]},
        {"test_correct": []},
        {"colour": 1},
    ],
)
def test_a_fold_that_is_none_is_named(run, change):
    path = run.folder / "folds" / "s1.json"
    path.write_text(json.dumps(RECORD))
    assert run.fold("s1.json") == FoldRecord(**RECORD)
    path.write_text(json.dumps(RECORD | change))
    with pytest.raises(RunError, match=r"s1\.json is .*delete it"):
        run.fold("s1.json")


def test_a_fold_of_before_trained_with_every_term(run):
    old = {name: value for name, value in RECORD.items() if name != "untrained_terms"}
    (run.folder / "folds" / "s1.json").write_text(json.dumps(old))
    assert run.fold("s1.json") == FoldRecord(**RECORD)


def test_what_does_not_fit_is_damage_and_what_is_said_on_purpose_is_not(run):
    with pytest.raises(RunError, match=r"do not fit each other.*KeyError"), run.as_written():
        _ = run.config()["rule"]
    with pytest.raises(RunError, match="no finished run"), run.as_written():
        run.results()
