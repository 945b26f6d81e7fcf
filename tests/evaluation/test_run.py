import stat

import numpy as np
import pytest

from mer_di.errors import RunError
from mer_di.evaluation.run import Predictions, Run

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


@pytest.mark.parametrize(
    "text", ["", "sample_id,subject\nx\n", "sample_id,subject,label,predicted,p_a\nx,y,a,a,half\n"]
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
