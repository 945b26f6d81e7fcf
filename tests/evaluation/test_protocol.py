from collections import Counter

import numpy as np
import pytest
from hypothesis import given, reject
from hypothesis import strategies as st
from sklearn.model_selection import GroupShuffleSplit, LeaveOneGroupOut, StratifiedGroupKFold

from mer_di.errors import InputError
from mer_di.evaluation.protocol import Fold, everyone, fold_seed, loso, make_folds, require_honest

people = st.lists(st.sampled_from([f"s{i}" for i in range(8)]), min_size=8, max_size=40)


def parts(fold):
    return fold.train.tolist(), fold.validation.tolist(), fold.test.tolist()


def folds_of(subjects, protocol="loso", validation="subjects:1", seed=0):
    labels = np.arange(len(subjects)) % 3
    datasets = ["a" if name < "s4" else "b" for name in subjects]
    return make_folds(protocol, validation, subjects=subjects, labels=labels, datasets=datasets, seed=seed)


@pytest.mark.parametrize("protocol", ["loso", "k-fold:3", "leave-one-dataset-out"])
@pytest.mark.parametrize("validation", ["none", "subjects:1"])
@given(subjects=people, seed=st.integers(0, 5))
def test_every_sample_is_tested_once_by_who_never_met_its_subject(protocol, validation, subjects, seed):
    try:
        folds = folds_of(subjects, protocol, validation, seed)
    except InputError:  # too few subjects or databases for this protocol: tested below
        reject()
    assert Counter(row for fold in folds for row in fold.test) == Counter(range(len(subjects)))
    names = np.array(subjects)
    for fold in folds:
        train, validating, test = ({*names[rows]} for rows in (fold.train, fold.validation, fold.test))
        assert not train & test
        assert not validating & test
        assert not train & validating
        assert len(validating) == (0 if validation == "none" else 1)
        assert sorted(fold.train.tolist() + fold.validation.tolist() + fold.test.tolist()) == [*range(len(subjects))]
        require_honest(fold, subjects)


@given(subjects=people, seed=st.integers(0, 5), held_out=st.integers(1, 3))
def test_splits_are_those_of_scikit_learn(subjects, seed, held_out):
    names = np.array(subjects)
    try:
        folds = folds_of(subjects, validation=f"subjects:{held_out}", seed=seed)
    except InputError:
        reject()
    for fold, (rest, test) in zip(folds, LeaveOneGroupOut().split(names, groups=names), strict=True):
        assert parts(fold) == (*drawn(fold.name, rest, names, held_out, seed), test.tolist())


def drawn(name, rest, names, held_out, seed):
    """Divide the rows that are not tested into training and validation, as scikit-learn does."""
    draw = GroupShuffleSplit(1, test_size=held_out, random_state=fold_seed(seed, name))
    train, validation = next(draw.split(rest, groups=names[rest]))
    return rest[train].tolist(), rest[validation].tolist()


@pytest.mark.parametrize("protocol", ["k-fold:3", "leave-one-dataset-out", "everyone"])
@pytest.mark.parametrize("seed", [0, 7])
def test_every_protocol_draws_who_validates_from_seed_and_name(protocol, seed):
    names = np.repeat([f"s{i}" for i in range(8)], 3)
    if protocol == "everyone":
        folds = [everyone(names, validation_subjects=2, seed=seed)]
    else:
        folds = folds_of(names, protocol, "subjects:2", seed)
    for fold in folds:
        rest = np.setdiff1d(np.arange(len(names)), fold.test)
        assert parts(fold)[:2] == drawn(fold.name, rest, names, 2, seed)


@pytest.mark.parametrize(("k", "seed"), [(2, 0), (3, 0), (3, 1)])
def test_groups_of_k_folds_follow_from_the_seed(k, seed):
    names, labels = np.array([f"s{i:02d}" for i in range(12)] * 3), np.arange(36) % 3
    splitter = StratifiedGroupKFold(k, shuffle=True, random_state=fold_seed(seed, "k-fold"))
    expected = [test.tolist() for _, test in splitter.split(names, labels, names)]
    assert [fold.test.tolist() for fold in folds_of(names, f"k-fold:{k}", "none", seed)] == expected


def test_loso_derived_by_hand():
    subjects = ["b", "a", "b", "c"]
    found = loso(subjects, validation_subjects=0, seed=0)
    assert [(fold.name, *parts(fold)) for fold in found] == [
        ("a", [0, 2, 3], [], [1]),
        ("b", [1, 3], [], [0, 2]),
        ("c", [0, 1, 2], [], [3]),
    ]


def test_validation_subjects_follow_from_seed_and_tested_subject_alone():
    subjects = np.repeat([f"s{i}" for i in range(8)], 3)
    chosen = {fold.name: {*subjects[fold.validation]} for fold in folds_of(subjects, validation="subjects:2")}
    backwards = subjects[::-1]
    again = {fold.name: {*backwards[fold.validation]} for fold in folds_of(backwards, validation="subjects:2")}
    assert again == chosen
    assert all(len(names) == 2 for names in chosen.values())
    other = {fold.name: {*subjects[fold.validation]} for fold in folds_of(subjects, validation="subjects:2", seed=1)}
    assert other != chosen
    assert len({tuple(sorted(names)) for names in chosen.values()}) > 2  # not the same two for everybody


def test_seeds_of_folds():
    assert fold_seed(0, "s1") == 0x5B4FA292  # `printf 0/s1 | sha256sum`: a run that is resumed finds its folds again
    seeds = {fold_seed(seed, name) for seed in range(20) for name in ("s1", "s2", "1", "01")}
    assert len(seeds) == 80
    assert all(0 <= seed < 2**32 for seed in seeds)


def test_k_folds_have_similar_classes():
    subjects = np.repeat([f"s{i:02d}" for i in range(12)], 4)
    labels = np.tile([0, 0, 1, 2], 12)
    folds = make_folds("k-fold:4", "none", subjects=subjects, labels=labels, datasets=subjects, seed=0)
    assert [fold.name for fold in folds] == ["fold-1", "fold-2", "fold-3", "fold-4"]
    assert all(np.bincount(labels[fold.test]).tolist() == [6, 3, 3] for fold in folds)


def test_a_held_out_database_is_one_fold():
    folds = folds_of([f"s{i}" for i in range(8)], "leave-one-dataset-out")
    assert [(fold.name, fold.test.tolist()) for fold in folds] == [("a", [0, 1, 2, 3]), ("b", [4, 5, 6, 7])]


def test_a_final_model_trains_on_everybody():
    subjects = np.array(["a", "b", "b", "c"])
    fold = everyone(subjects, validation_subjects=1, seed=0)
    assert fold.name == "everyone"
    assert sorted(fold.train.tolist() + fold.validation.tolist()) == [0, 1, 2, 3]
    assert subjects[fold.test].size == 0  # the empty side indexes samples like the others


PROTOCOL = "expected one of loso, k-fold:K, leave-one-dataset-out$"
NOBODY = "for validation; nobody would be left to train on. Use a smaller K in subjects:K, or none$"
VALIDATION = "expected one of subjects:K, none with K of at least 1$"


@pytest.mark.parametrize(
    ("subjects", "protocol", "validation", "said"),
    [
        (["a", "a"], "loso", "none", "there are 1 subjects; leave-one-subject-out needs at least 2"),
        (
            ["a", "b"],
            "loso",
            "subjects:1",
            f"fold 'a' has 1 training subject.*, and 1 of them were to be held out {NOBODY}",
        ),
        (["a", "b", "c"], "loso", "subjects:3", "fold 'a' has 2 training subject.*, and 3 of them"),
        (["a", "b", "c"], "k-fold:4", "none", "there are 3 subjects; k-fold:4 needs at least 4"),
        (["a", "b", "c"], "k-fold:1", "none", "k-fold:1 .*expected k of at least 2"),
        (
            ["a", "b", "c"],
            "leave-one-dataset-out",
            "none",
            "there are 1 datasets; leave-one-dataset-out needs at least 2",
        ),
        (["a", "b", "c"], "k-fold:3", "none", "k-fold:3 cannot divide these samples: .*n_splits"),
        (["a", "b", "c"], "k-fold:x", "none", f"the protocol is 'k-fold:x'; {PROTOCOL}"),
        (["a", "b", "c"], "k-fold", "none", f"the protocol is 'k-fold'; {PROTOCOL}"),
        (["a", "b", "c"], "holdout:3", "none", f"the protocol is 'holdout:3'; {PROTOCOL}"),
        (["a", "b", "c"], "k-fold:2:3", "none", f"the protocol is 'k-fold:2:3'; {PROTOCOL}"),
        (["a", "b", "c"], "loso", "subjects:0", f"the validation rule is 'subjects:0'; {VALIDATION}"),
        (["a", "b", "c"], "loso", "subjects:x", f"the validation rule is 'subjects:x'; {VALIDATION}"),
        (["a", "b", "c"], "loso", "samples:1", f"the validation rule is 'samples:1'; {VALIDATION}"),
        (["a", "b", "c"], "loso", "test", f"the validation rule is 'test'; {VALIDATION}"),
    ],
)
def test_what_cannot_be_divided_is_refused(subjects, protocol, validation, said):
    with pytest.raises(InputError, match=f"^{said}"):
        folds_of(subjects, protocol, validation)


def test_two_subjects_are_enough_without_validation():
    assert [parts(fold) for fold in folds_of(["a", "b"], validation="none")] == [([1], [], [0]), ([0], [], [1])]


SUBJECTS = ["a", "a", "b", "b", "c", "d"]


@pytest.mark.parametrize(
    ("train", "validation", "test", "said"),
    [
        ([2, 3], [1], [0], "subject 'a' is both on the validation and on the test side"),
        ([0, 2], [4], [1], "subject 'a' is both on the training and on the test side"),
        ([2, 4], [3], [5], "subject 'b' is both on the training and on the validation side"),
        ([2, 3], [4], [2], "subject 'b'"),
        ([4, 2, 0], [5], [1, 3], "subject 'a', 'b' is both on the training and on the test side"),
        ([2, 3], [4], [2], r"test side\. Results would be flattered; divide the samples by subject$"),
        ([], [4], [0, 1], "no training samples"),
        ([2, 3], [4], [], "no test samples"),
    ],
)
def test_a_planted_leak_is_caught(train, validation, test, said):
    fold = Fold("planted", *(np.array(rows, dtype=np.intp) for rows in (train, validation, test)))
    with pytest.raises(InputError, match=f"planted.*{said}"):
        require_honest(fold, SUBJECTS)


def test_an_honest_fold_passes():
    require_honest(Fold("a", np.array([2, 3]), np.array([4, 5]), np.array([0, 1])), SUBJECTS)
