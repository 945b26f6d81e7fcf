"""Files: names that every file system takes, and texts that are there whole or not at all."""

import hashlib
import os
import uuid
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

_LONGEST_NAME = 100


def file_names(names: Iterable[str], suffix: str = ".json") -> dict[str, str]:
    """Return a file name for each name: the name itself where every file system takes it.

    Other characters are percent-encoded. A digest is added where the name would be too long, or would differ from
    another one in upper and lower case alone.

    Parameters
    ----------
    names : iterable of str
        Of all folds of a run, or of all samples; unique.
    suffix : str
        With its dot.

    Returns
    -------
    dict of str to str
        Name to file name, unique on every file system.

    Examples
    --------
    >>> file_names(["sub01", "a/b"])
    {'sub01': 'sub01.json', 'a/b': 'a%2Fb.json'}
    """
    quoted = {name: quote(name, safe="") for name in names}
    alike = Counter(text.casefold() for text in quoted.values())
    plain = {name for name, text in quoted.items() if alike[text.casefold()] == 1 and 0 < len(text) <= _LONGEST_NAME}
    return {
        name: (text if name in plain else f"{text[:_LONGEST_NAME]}-{_digest(name)}") + suffix
        for name, text in quoted.items()
    }


def write_text(path: Path, text: str) -> None:
    """Write a file aside and rename it into place.

    Raises
    ------
    OSError
        If the disk is full or the folder cannot be written; a former file is untouched.
    """
    aside = path.with_name(f".{uuid.uuid4().hex}.tmp")
    try:
        with aside.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:8]
