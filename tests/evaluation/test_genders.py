"""Gender is a target of training: nobody reads that of a tested subject."""

import json
from dataclasses import replace

import numpy as np
import pytest
from tiny_cache import write_tiny_cache

from mer_di.errors import InputError, RunError
from mer_di.evaluation.corpus import read_corpus
from mer_di.evaluation.evaluate import evaluate
from mer_di.evaluation.final_model import train_on_everyone
from mer_di.evaluation.fold import SeedRun, run_fold
from mer_di.evaluation.genders import require_genders, training_genders
from mer_di.evaluation.protocol import loso
from mer_di.evaluation.run import Run
from mer_di.files import file_names
from mer_di.learning.model_config import ModelConfig
from mer_di.learning.train_config import TrainConfig

GEME = TrainConfig(
    model=ModelConfig(architecture="geme-reconstruction", streams=("full",), size=32), epochs=1, batch_size=6
)
GENDERS = {"s01": "f", "s02": "m", "s03": "f"}


class Guarded(dict):
    """A table in which looking somebody up is an error."""

    def __init__(self, genders, nobody_asks_for):
        super().__init__(genders)
        self.nobody_asks_for = nobody_asks_for

    def __getitem__(self, subject):
        assert subject != self.nobody_asks_for
        return super().__getitem__(subject)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return read_corpus([write_tiny_cache(tmp_path_factory.mktemp("genders") / "tiny.h5", subjects=3, clips=2)])


def one_fold(corpus, genders, name="s03", folder=None, config=GEME):
    """Train and test one fold; return what its file says."""
    folds = loso(corpus.subjects, validation_subjects=0, seed=0)
    run = Run(folder)
    run.claim({"seed": 0})
    files = file_names(fold.name for fold in folds)
    job = SeedRun(run, {"seed": 0}, corpus, folds, files, config, 0, "cpu", False, False, False, genders)
    run_fold(job, next(fold for fold in folds if fold.name == name))
    return run.fold(job.files[name])


def test_the_gender_of_the_tested_subject_is_never_read(corpus, tmp_path):
    without = {name: gender for name, gender in GENDERS.items() if name != "s03"}
    tables = [GENDERS, GENDERS | {"s03": "m"}, GENDERS | {"s03": "neither"}, without, Guarded(GENDERS, "s03")]
    said = [one_fold(corpus, table, folder=tmp_path / str(number)).probabilities for number, table in enumerate(tables)]
    assert said[1:] == said[:1] * 4
    swapped = {"s01": "m", "s02": "f"}
    assert one_fold(corpus, GENDERS | swapped, folder=tmp_path / "swapped").probabilities != said[0]


def test_a_fold_of_one_gender_trains_without_and_says_so(corpus, tmp_path):
    record = one_fold(corpus, GENDERS, "s02", tmp_path / "one")  # who trains are s01 and s03
    assert record.untrained_terms == ["gender, as all training subjects have one"]
    none = one_fold(corpus, None, "s02", tmp_path / "none", replace(GEME, gender_weight=0.0))
    assert record.probabilities == none.probabilities
    assert none.untrained_terms == []
    results = evaluate(corpus, tmp_path / "run", GEME, validation="none", genders=GENDERS, device="cpu")
    assert results.untrained_terms == {"s02": record.untrained_terms}
    assert json.loads((tmp_path / "run" / "folds" / "s03.json").read_text())["untrained_terms"] == []


def test_a_run_is_of_its_table(corpus, tmp_path):
    options = {"validation": "none", "device": "cpu"}
    first = evaluate(corpus, tmp_path, GEME, genders=GENDERS, **options)
    again = evaluate(corpus, tmp_path, GEME, genders=dict(reversed(GENDERS.items())), **options)
    assert again == first
    with pytest.raises(RunError, match="genders"):
        evaluate(corpus, tmp_path, GEME, genders=GENDERS | {"s01": "m"}, **options)
    with pytest.raises(RunError, match=r"gender_weight: 0\.5 \| 1\.0"):
        evaluate(corpus, tmp_path, replace(GEME, gender_weight=0.5), genders=GENDERS, **options)


def test_samples_carry_the_gender_of_their_subject():
    subjects = np.array(["b", "a", "b", "c"])
    assert training_genders({"a": "m", "b": "f", "c": "m", "d": "x"}, "d", subjects).tolist() == [0, 1, 0, 1]
    assert training_genders({"a": "m", "b": "m", "c": "m"}, "d", subjects) is None
    assert training_genders(None, "d", subjects) is None


@pytest.mark.parametrize(
    ("genders", "config", "words"),
    [
        (None, GEME, "none was given.*--gender-weight 0"),
        (GENDERS, replace(GEME, gender_weight=0.0), "leave the table"),
        (GENDERS, TrainConfig(), "dianet does not learn them"),
        (GENDERS | {"3": "f"}, GEME, "names '3', of whom no sample is left here.*such as 's01'"),
        ({"s01": "f", "s02": "m"}, GEME, "lacks 's03', on whom fold 's01' trains"),
        (GENDERS | {"s01": "x"}, GEME, "fold 's0.' have 3 genders, 'f', 'm', 'x'"),
    ],
)
def test_a_table_of_no_use_is_refused_before_anything_is_trained(genders, config, words):
    subjects = np.array(["s01", "s02", "s03", "s04"][: 4 if "x" in (genders or {}).values() else 3])
    if len(subjects) == 4:
        genders = genders | {"s04": "f"}
    with pytest.raises(InputError, match=words):
        require_genders(genders, config, subjects, loso(subjects, validation_subjects=0, seed=0))


def test_a_network_of_everyone_learns_them_too(corpus):
    def network(**options):
        return train_on_everyone(corpus, GEME, validation="none", device="cpu", **options).network

    weights = [network(genders=GENDERS | change).gender.conv1.weight for change in ({}, {"s01": "m"})]
    assert not np.array_equal(*(weight.detach().numpy() for weight in weights))
    with pytest.raises(InputError, match="none was given"):
        network()
