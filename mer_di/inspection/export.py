"""A cache as folders of images, for trainers that read files: PNG, NPY, or torchvision's ``ImageFolder``."""

import csv
import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import quote

import cv2
import numpy as np

import mer_di
from mer_di.cache import DI_STREAMS, Cache, open_cache
from mer_di.dynamic_images import NORMALIZATIONS, Image
from mer_di.errors import CacheError, InputError
from mer_di.files import file_names
from mer_di.inspection.pictures import EIGHT_BIT, picture

Form = Literal["png", "npy", "imagefolder"]

FORMS: tuple[Form, ...] = get_args(Form)
COLUMNS = ("sample_id", "subject", "label", "emotion", "onset", "apex", "offset")
"""Columns of ``index.csv``; ``<stream>_file`` of each stream follow."""


@dataclass(frozen=True, slots=True)
class Export:
    """What was written.

    Attributes
    ----------
    folder : pathlib.Path
    form : {"png", "npy", "imagefolder"}
    normalization : str
    samples, files : int
    """

    folder: Path
    form: Form
    normalization: str
    samples: int
    files: int


def export(
    cache: str | os.PathLike[str],
    out: str | os.PathLike[str],
    form: Form,
    *,
    streams: Sequence[str] = DI_STREAMS,
    normalization: str | None = None,
) -> Export:
    """Write the dynamic images of a cache as files, with a table of what they are.

    ===============  ==================================================================================================
    ``png``          ``OUT/<stream>/<sample>.png``
    ``npy``          ``OUT/<stream>/<sample>.npy``
    ``imagefolder``  ``OUT/<stream>/<emotion>/<sample>.png``; each stream is a root for torchvision's ``ImageFolder``
    ===============  ==================================================================================================

    ``OUT/index.csv`` holds one row a sample, in the cache's order: `COLUMNS`, then the path of each stream's file
    relative to ``OUT``. Its ``subject`` is what leave-one-subject-out needs: folders by class say nothing of persons.
    ``OUT/export.json`` says which cache, recipe and normalization the files come from. Names are the sample ids, with
    what some file system would not take percent-encoded (``S01%2Fclip``). ``ImageFolder`` numbers its classes by the
    names of the folders, which are the cache's labels unless a class has such a character.

    Parameters
    ----------
    cache : path-like
        A file that ``mer-di build`` wrote.
    out : path-like
        A folder that does not exist yet, or is empty. It appears when it is complete.
    form : {"png", "npy", "imagefolder"}
    streams : sequence of {"onset", "offset", "full"}
    normalization : str, optional
        A mode of `mer_di.normalize`. Pictures take those of 8 bits, by default ``symmetric``; ``npy`` takes all, by
        default ``raw``: the cache's float32 sums.

    Returns
    -------
    Export

    Raises
    ------
    InputError
        If a name is unknown, pictures are asked for in signed floats, or the folder is not empty.
    CacheError
        If the cache cannot be read, holds no sample, or has no such stream.
    OSError
        If the disk is full or the folder cannot be written; nothing is left behind.
    """
    folder = Path(out).absolute()
    chosen = _normalization(form, normalization)
    _require_new(folder)
    with open_cache(cache) as opened:
        if not len(opened):
            raise CacheError(f"{opened.path} holds no sample; mer-di info says why they were dropped")
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as aside:
            place = Path(aside) / "export"
            files = _write(opened, place, form, tuple(streams), chosen)
            if folder.is_dir():
                folder.rmdir()
            place.rename(folder)
        return Export(Path(out), form, chosen, len(opened), files)


def _normalization(form: Form, name: str | None) -> str:
    if form not in FORMS:
        raise InputError(f"form is {form!r}; expected one of {', '.join(FORMS)}")
    allowed = NORMALIZATIONS if form == "npy" else EIGHT_BIT
    if name is None:
        return allowed[0]
    if name not in allowed:
        raise InputError(f"normalization is {name!r}; {form} takes {', '.join(allowed)}")
    return name


def _require_new(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} exists and is not an empty folder; choose another, or delete it")
    if not folder.parent.is_dir():
        raise InputError(f"the folder {folder.parent} does not exist; make it, or choose another")


def _write(cache: Cache, folder: Path, form: Form, streams: tuple[str, ...], normalization: str) -> int:
    samples = list(cache.rows("samples"))
    names = file_names((sample["sample_id"] for sample in samples), ".npy" if form == "npy" else ".png")
    rows = []
    for index, sample in enumerate(samples):
        within = f"{quote(sample['emotion'], safe=' ')}/" if form == "imagefolder" else ""
        paths = [f"{stream}/{within}{names[sample['sample_id']]}" for stream in streams]
        for stream, path in zip(streams, paths, strict=True):
            _save(folder / path, picture(cache, stream, index, normalization))
        rows.append([*(sample[name] for name in COLUMNS), *paths])
    with (folder / "index.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([[*COLUMNS, *(f"{stream}_file" for stream in streams)], *rows])
    (folder / "export.json").write_text(_origin(cache, form, streams, normalization), encoding="utf-8")
    return len(rows) * len(streams)


def _save(path: Path, image: Image) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".npy":
        np.save(path, image)
    else:
        _, encoded = cv2.imencode(".png", image[..., ::-1])  # OpenCV takes BGR
        path.write_bytes(encoded.tobytes())


def _origin(cache: Cache, form: Form, streams: tuple[str, ...], normalization: str) -> str:
    origin = {name: cache.attributes[name] for name in ("dataset", "annotation_sha256", "recipe_sha256")}
    choices = {"form": form, "streams": streams, "normalization": normalization, "classes": cache.classes}
    found = {"mer_di_version": mer_di.__version__, "cache": cache.path.name, **origin, **choices}
    return json.dumps({**found, "recipe": json.loads(cache.recipe.text)}, indent=1, ensure_ascii=False) + "\n"
