"""A cache as folders of images, for trainers that read files: PNG, NPY, or torchvision's ``ImageFolder``."""

import csv
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Literal, get_args

import cv2
import numpy as np

import mer_di
from mer_di.cache import DI_STREAMS, Cache, open_cache
from mer_di.dynamic_images import NORMALIZATIONS, Image
from mer_di.errors import CacheError, InputError
from mer_di.files import file_names, whole_folder
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
    ``imagefolder``  ``OUT/<stream>/<label>_<emotion>/<sample>.png``; each stream is a root for ``ImageFolder``
    ===============  ==================================================================================================

    ``OUT/index.csv`` holds one row a sample, in the cache's order: `COLUMNS`, then the path of each stream's file
    relative to ``OUT``. Its ``subject`` is what leave-one-subject-out needs: folders by class say nothing of persons.
    ``OUT/export.json`` says which cache, recipe and normalization the files come from. Names are the sample ids, with
    what some file system would not take percent-encoded (``S01%2Fclip``). torchvision's ``ImageFolder``, Keras and
    Hugging Face's ``datasets`` number classes by the sorted names of their folders, so these begin with the label:
    ``0_disgust``, ``1_happiness``. Every class has a folder.

    Parameters
    ----------
    cache : path-like
        A file that ``mer-di build`` wrote.
    out : path-like
        A folder that does not exist yet, or is empty; see `mer_di.files.whole_folder`.
    form : {"png", "npy", "imagefolder"}
    streams : sequence of {"onset", "offset", "full", "flow_onset", "flow_offset"}
        Flow is exported raw alone, as ``npy``.
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
    chosen = _normalization(form, normalization)
    with open_cache(cache) as opened:
        if not len(opened):
            raise CacheError(f"{opened.path} holds no sample; mer-di info says why they were dropped")
        with whole_folder(out) as folder:
            files = _write(opened, folder, form, tuple(streams), chosen)
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


def _write(cache: Cache, folder: Path, form: Form, streams: tuple[str, ...], normalization: str) -> int:
    samples = list(cache.rows("samples"))
    names = file_names((sample["sample_id"] for sample in samples), ".npy" if form == "npy" else ".png")
    within = _class_folders(cache.classes) if form == "imagefolder" else dict.fromkeys(cache.classes, "")
    for stream in streams:
        for name in within.values():
            (folder / stream / name).mkdir(parents=True, exist_ok=True)
    rows = []
    for index, sample in enumerate(samples):
        paths = [f"{stream}/{within[sample['emotion']]}{names[sample['sample_id']]}" for stream in streams]
        for stream, path in zip(streams, paths, strict=True):
            _save(folder / path, picture(cache, stream, index, normalization))
        rows.append([*(sample[name] for name in COLUMNS), *paths])
    with (folder / "index.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([[*COLUMNS, *(f"{stream}_file" for stream in streams)], *rows])
    (folder / "export.json").write_text(_origin(cache, form, streams, normalization), encoding="utf-8")
    return len(rows) * len(streams)


def _class_folders(classes: Sequence[str]) -> dict[str, str]:
    """Return a folder for each class whose sorted names are in the order of the labels, whatever the names."""
    digits = len(str(len(classes) - 1))
    names = file_names(classes, "/")
    return {name: f"{label:0{digits}d}_{names[name]}" for label, name in enumerate(classes)}


def _save(path: Path, image: Image) -> None:
    if path.suffix == ".npy":
        buffer = BytesIO()
        np.save(buffer, image)
        path.write_bytes(buffer.getvalue())
    else:
        _, encoded = cv2.imencode(".png", image[..., ::-1])  # OpenCV takes BGR
        path.write_bytes(encoded.tobytes())


def _origin(cache: Cache, form: Form, streams: tuple[str, ...], normalization: str) -> str:
    origin = {name: cache.attributes[name] for name in ("dataset", "annotation_sha256", "recipe_sha256")}
    choices = {"form": form, "streams": streams, "normalization": normalization, "classes": cache.classes}
    found = {"mer_di_version": mer_di.__version__, "cache": cache.path.name, **origin, **choices}
    return json.dumps({**found, "recipe": json.loads(cache.recipe.text)}, indent=1, ensure_ascii=False) + "\n"
