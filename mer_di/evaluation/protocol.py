"""Who trains, who stops the training, who is tested: splits by subject, as objects apart from what runs them.

The subject that is tested never meets the training: validation subjects are drawn from the training subjects.
"""

import hashlib
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mer_di.errors import InputError

Rows = NDArray[np.intp]

PROTOCOLS = ("loso", "k-fold:K", "leave-one-dataset-out")
VALIDATIONS = ("subjects:K", "none")
DEFAULT_VALIDATION = "subjects:3"
"""The paper stops early on a validation loss and does not say whose. Three subjects are a tenth of those of its
databases (26 to 32): some thirty clips to judge an epoch by, while nine tenths are left to learn from. With a dozen
subjects or fewer, hold out one or two, or none.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """One division of the samples.

    Attributes
    ----------
    name : str
        The subject or dataset that is held out, or ``fold-1`` and so on.
    train, validation, test : ndarray of int, shape (n,)
        0-based rows of the samples. ``validation`` is empty where training runs for a fixed number of epochs.
    """

    name: str
    train: Rows
    validation: Rows
    test: Rows


def fold_seed(seed: int, name: str) -> int:
    """Return the seed of a fold, from the run's seed and the fold's name alone.

    Folds can so run in any order, in parallel, or be resumed, with the same result.

    Parameters
    ----------
    seed : int
    name : str

    Returns
    -------
    int
        In 0 .. 2³² − 1, which every generator takes.
    """
    return int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:4])


def make_folds(
    protocol: str,
    validation: str,
    *,
    subjects: ArrayLike,
    labels: ArrayLike,
    datasets: ArrayLike,
    seed: int,
) -> tuple[Fold, ...]:
    """Return the folds of a protocol by its name.

    Parameters
    ----------
    protocol : str
        ``loso``, ``k-fold:K`` or ``leave-one-dataset-out``.
    validation : str
        ``subjects:K`` or ``none``.
    subjects, labels, datasets : array-like, shape (N,)
        Of each sample.
    seed : int

    Returns
    -------
    tuple of Fold

    Raises
    ------
    InputError
        If a name is unknown or the samples are too few for it.
    """
    held_out = subjects_held_out(validation)
    name, _, number = protocol.partition(":")
    if protocol == "loso":
        return loso(subjects, validation_subjects=held_out, seed=seed)
    if protocol == "leave-one-dataset-out":
        return leave_one_dataset_out(datasets, subjects, validation_subjects=held_out, seed=seed)
    if name == "k-fold" and number.isdecimal():
        return k_fold_by_subject(subjects, labels, int(number), validation_subjects=held_out, seed=seed)
    raise InputError(f"the protocol is {protocol!r}; expected one of {', '.join(PROTOCOLS)}")


def subjects_held_out(rule: str) -> int:
    """Return how many training subjects a validation rule holds out: K of ``subjects:K``, 0 of ``none``.

    Raises
    ------
    InputError
        If the rule is none of these.
    """
    name, _, number = rule.partition(":")
    if rule == "none":
        return 0
    if name == "subjects" and number.isdecimal() and int(number) > 0:
        return int(number)
    raise InputError(f"the validation rule is {rule!r}; expected one of {', '.join(VALIDATIONS)} with K of at least 1")


def loso(subjects: ArrayLike, *, validation_subjects: int, seed: int) -> tuple[Fold, ...]:
    """Leave one subject out: one fold a subject.

    Parameters
    ----------
    subjects : array-like of str, shape (N,)
        The subject of each sample.
    validation_subjects : int
        Training subjects held out for early stopping; 0 for none.
    seed : int
        Decides, together with the fold's name, which subjects these are.

    Returns
    -------
    tuple of Fold
        Sorted by subject; every sample is tested in exactly one of them.

    Raises
    ------
    InputError
        If there are fewer than two subjects, or none would be left to train on.
    """
    people = np.asarray(subjects, dtype=str)
    _require_several(people, 2, "subject", "leave-one-subject-out")
    splits = _leave_one_out(people)
    return tuple(_fold(name, rest, test, people, validation_subjects, seed) for name, rest, test in splits)


def k_fold_by_subject(
    subjects: ArrayLike, labels: ArrayLike, k: int, *, validation_subjects: int, seed: int
) -> tuple[Fold, ...]:
    """Divide the subjects into k groups of similar class proportions, and leave out one group at a time.

    Parameters
    ----------
    subjects : array-like of str, shape (N,)
    labels : array-like of int, shape (N,)
    k : int
        Number of folds, from 2 to the number of subjects.
    validation_subjects : int
        Training subjects held out for early stopping; 0 for none.
    seed : int
        Decides the groups and the validation subjects.

    Returns
    -------
    tuple of Fold
        Named ``fold-1`` .. ``fold-k``; every sample is tested in exactly one of them.

    Raises
    ------
    InputError
        If ``k`` is below 2, there are fewer than ``k`` subjects, or every class has fewer than ``k`` samples.
    """
    from sklearn.model_selection import StratifiedGroupKFold  # two seconds; the other protocols need none of it

    people = np.asarray(subjects, dtype=str)
    if k < 2:
        raise InputError(f"k-fold:{k} does not hold anything out; expected k of at least 2")
    _require_several(people, k, "subject", f"k-fold:{k}")
    splitter = StratifiedGroupKFold(k, shuffle=True, random_state=fold_seed(seed, "k-fold"))
    try:
        with warnings.catch_warnings():
            # A class that is absent from a fold has a defined outcome here.
            warnings.filterwarnings("ignore", message="The least populated class")
            splits = list(splitter.split(people, np.asarray(labels), people))
    except ValueError as error:
        raise InputError(f"k-fold:{k} cannot divide these samples: {error} Choose a smaller k, or loso") from error
    numbered = enumerate(splits, start=1)
    return tuple(_fold(f"fold-{i}", rest, test, people, validation_subjects, seed) for i, (rest, test) in numbered)


def leave_one_dataset_out(
    datasets: ArrayLike, subjects: ArrayLike, *, validation_subjects: int, seed: int
) -> tuple[Fold, ...]:
    """Train on all databases but one and test on that one.

    Parameters
    ----------
    datasets : array-like of str, shape (N,)
        The database of each sample.
    subjects : array-like of str, shape (N,)
        Unique over databases.
    validation_subjects : int
        Training subjects held out for early stopping; 0 for none.
    seed : int

    Returns
    -------
    tuple of Fold
        Sorted by database.

    Raises
    ------
    InputError
        If there is only one database.
    """
    sources, people = np.asarray(datasets, dtype=str), np.asarray(subjects, dtype=str)
    _require_several(sources, 2, "dataset", "leave-one-dataset-out")
    splits = _leave_one_out(sources)
    return tuple(_fold(name, rest, test, people, validation_subjects, seed) for name, rest, test in splits)


def everyone(subjects: ArrayLike, *, validation_subjects: int, seed: int) -> Fold:
    """Return the fold of a final model: all subjects train or validate, nobody is tested.

    Parameters
    ----------
    subjects : array-like of str, shape (N,)
    validation_subjects : int
        Subjects held out for early stopping; 0 for none.
    seed : int

    Returns
    -------
    Fold
        Named ``everyone``, with an empty ``test``.

    Raises
    ------
    InputError
        If nobody would be left to train on.
    """
    people = np.asarray(subjects, dtype=str)
    nobody = np.array([], dtype=np.intp)
    return _fold("everyone", np.arange(len(people)), nobody, people, validation_subjects, seed)


def require_honest(fold: Fold, subjects: ArrayLike) -> None:
    """Make sure that no subject is on two sides of a fold, and that there is something to train on and to test.

    Parameters
    ----------
    fold : Fold
    subjects : array-like of str, shape (N,)

    Raises
    ------
    InputError
        Naming the subject and both sides, or the side that is empty.
    """
    people = np.asarray(subjects, dtype=str)
    sides = {"training": fold.train, "validation": fold.validation, "test": fold.test}
    for name in ("training", "test"):
        if not len(sides[name]):
            raise InputError(f"fold {fold.name!r} has no {name} samples; nothing can be learnt or measured from it")
    for (one, rows), (other, others) in combinations(sides.items(), 2):
        shared = set(people[rows]) & set(people[others])
        if shared:
            raise InputError(
                f"fold {fold.name!r} leaks: subject {_listed(shared)} is both on the {one} and on the {other} side. "
                "Results would be flattered; divide the samples by subject"
            )


def _leave_one_out(groups: NDArray[np.str_]) -> Iterator[tuple[str, Rows, Rows]]:
    """Yield each group, sorted: its name, the rows of the others, its own rows."""
    for name in np.unique(groups):
        yield str(name), np.flatnonzero(groups != name), np.flatnonzero(groups == name)


def _fold(name: str, rest: Rows, test: Rows, people: NDArray[np.str_], held_out: int, seed: int) -> Fold:
    names, subject = np.unique(people[rest], return_inverse=True)
    if held_out == 0:
        return Fold(name, rest, np.array([], dtype=np.intp), test)
    if len(names) <= held_out:
        raise InputError(
            f"fold {name!r} has {len(names)} training subject(s), and {held_out} of them were to be held out for "
            "validation; nobody would be left to train on. Use a smaller K in subjects:K, or none"
        )
    # the draw of scikit-learn's GroupShuffleSplit, from the one generator that NumPy promises never to change
    drawn = np.random.RandomState(fold_seed(seed, name)).permutation(len(names))[:held_out]
    validates = np.isin(subject, drawn)
    return Fold(name, rest[~validates], rest[validates], test)


def _require_several(groups: NDArray[np.str_], least: int, noun: str, protocol: str) -> None:
    found = len(np.unique(groups))
    if found < least:
        raise InputError(f"there are {found} {noun}s; {protocol} needs at least {least}. Choose another protocol")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(repr(str(name)) for name in sorted(names))
