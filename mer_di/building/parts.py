"""The finished samples of an unfinished build: one file each beside the cache, so that a killed build resumes."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mer_di.errors import CacheError
from mer_di.recipe import differences

IDENTITY = "identity.json"


@dataclass(frozen=True, slots=True)
class Parts:
    """A folder of finished samples.

    A part appears under its name only when it is complete (written aside, then renamed), so whatever a kill
    leaves behind is either whole or ignored.
    """

    folder: Path

    @classmethod
    def beside(cls, cache: Path) -> "Parts":
        """Return the parts folder of a cache path: ``name.h5.parts``."""
        return cls(cache.with_name(cache.name + ".parts"))

    def claim(self, identity: Mapping[str, str]) -> None:
        """Make the folder, or make sure that what it holds belongs to this build.

        Parameters
        ----------
        identity : mapping of str to str
            What the parts depend on: dataset, hash of its table, recipe text.

        Raises
        ------
        CacheError
            If the folder belongs to another build; the message names each field that differs.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        written = self.folder / IDENTITY
        if not written.exists():
            _write_aside(written, json.dumps(dict(identity), sort_keys=True).encode())
            return
        found = _identity(written)
        if found != dict(identity):
            raise CacheError(
                f"an interrupted build in {self.folder} was started differently (ours | found): "
                f"{'; '.join(changes(dict(identity), found))}. "
                "Repeat its settings to resume it, choose another --out, or start afresh with --overwrite."
            )

    def has(self, sample_id: str) -> bool:
        """Tell whether a sample is finished."""
        return self._path(sample_id).exists()

    def write(self, sample_id: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Store the arrays of one finished sample, as the fields of one record.

        Raises
        ------
        OSError
            If the disk is full or the folder cannot be written.
        """
        record = np.empty((), [(name, array.dtype, array.shape) for name, array in arrays.items()])
        for name, array in arrays.items():
            record[name] = array
        _write_aside(self._path(sample_id), record)

    def read(self, sample_id: str) -> NDArray[Any]:
        """Return the record of one finished sample; a field is one of its arrays.

        Raises
        ------
        CacheError
            If the file is damaged.
        """
        path = self._path(sample_id)
        try:
            record: NDArray[Any] = np.load(path, allow_pickle=False)
        except (OSError, EOFError, ValueError) as error:
            raise CacheError(f"{path} is damaged ({error}); delete it and run the same build again") from error
        return record

    def remove(self) -> None:
        """Delete the folder and what it holds."""
        if self.folder.exists():
            shutil.rmtree(self.folder)

    def _path(self, sample_id: str) -> Path:
        # A sample id may hold any character; its digest is a file name everywhere.
        return self.folder / f"{hashlib.sha256(sample_id.encode()).hexdigest()[:32]}.npy"


def changes(ours: dict[str, str], theirs: dict[str, str]) -> list[str]:
    """Name what differs between two build identities, field by field within the recipe.

    Parameters
    ----------
    ours, theirs : dict of str to str
        Identities as `Parts.claim` takes them.

    Returns
    -------
    list of str
        ``field: ours | theirs``.
    """
    rest = differences(
        json.dumps({key: value for key, value in ours.items() if key != "recipe"}),
        json.dumps({key: value for key, value in theirs.items() if key != "recipe"}),
    )
    return differences(ours.get("recipe", "{}"), theirs.get("recipe", "{}")) + rest


def _identity(path: Path) -> dict[str, str]:
    try:
        found: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CacheError(f"{path} is damaged ({error}); start afresh with --overwrite") from error
    return found


def _write_aside(path: Path, content: bytes | NDArray[Any]) -> None:
    handle, name = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as aside:
            if isinstance(content, bytes):
                aside.write(content)
            else:
                np.save(aside, content, allow_pickle=False)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
