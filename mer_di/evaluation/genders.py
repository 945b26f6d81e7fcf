"""Genders as a target of training: those of a fold's training subjects, and of nobody else."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mer_di.errors import InputError
from mer_di.evaluation.protocol import Fold
from mer_di.learning.train_config import TrainConfig

_TABLE = "the table of subjects (mer-di train --subjects)"


def require_genders(
    genders: Mapping[str, str] | None, config: TrainConfig, subjects: NDArray[np.str_], folds: Sequence[Fold]
) -> None:
    """Make sure that genders are there where a network learns them, and only there.

    Parameters
    ----------
    genders : mapping of str to str, or None
        Subject to gender.
    config : TrainConfig
    subjects : ndarray of str, shape (N,)
        Of each sample.
    folds : sequence of Fold

    Raises
    ------
    InputError
        If they are missing, wanted by no network, of somebody of whom there is no sample, or if a fold cannot use them.
    """
    network = config.model.architecture
    if genders is None:
        if config.learns_gender:
            raise InputError(
                f"{network} learns the gender of its training subjects, and none was given: give {_TABLE}, or a "
                "gender weight of 0 (--gender-weight 0), which learns without"
            )
        return
    if not config.learns_gender:
        raise InputError(f"genders were given, and {network} does not learn them here: leave {_TABLE} out")
    unknown = sorted(genders.keys() - {*subjects.tolist()})
    if unknown:
        raise InputError(
            f"{_TABLE} names {_some(unknown)}, of whom no sample is left here; expected subjects as the caches write "
            f"them, such as {str(subjects[0])!r}: mend the names, or take the rows out"
        )
    for fold in folds:
        training_genders(genders, fold.name, subjects[fold.train])


def training_genders(genders: Mapping[str, str] | None, fold: str, subjects: NDArray[np.str_]) -> Tensor | None:
    """Return the gender of each training sample as a number; no other subject's is looked at.

    Parameters
    ----------
    genders : mapping of str to str, or None
    fold : str
        Its name, for messages.
    subjects : ndarray of str, shape (n,)
        Of each training sample.

    Returns
    -------
    Tensor of int64, shape (n,), or None
        0 or 1; None if none are given, or all training subjects are of one gender: there is nothing to learn.

    Raises
    ------
    InputError
        If a training subject has no gender, or there are more than two.
    """
    if genders is None:
        return None
    people, rows = np.unique(subjects, return_inverse=True)
    missing = [name for name in people.tolist() if name not in genders]
    if missing:
        raise InputError(f"{_TABLE} lacks {_some(missing)}, on whom fold {fold!r} trains; add a row for each")
    found, numbers = np.unique([genders[name] for name in people.tolist()], return_inverse=True)
    if len(found) > 2:
        raise InputError(f"training subjects of fold {fold!r} have {len(found)} genders, {_some(found)}; expected two")
    return torch.from_numpy(numbers[rows].astype(np.int64)) if len(found) == 2 else None


def _some(names: Sequence[str] | NDArray[np.str_]) -> str:
    return ", ".join(repr(str(name)) for name in names[:5]) + (", ..." if len(names) > 5 else "")
