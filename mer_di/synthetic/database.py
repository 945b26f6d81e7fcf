"""Writing a database: table, frames, and beside them what is really in the frames."""

import csv
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, fields
from functools import partial
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from threading import Event
from typing import Any, Final

import av
import cv2
import numpy as np
import platformdirs
from numpy.typing import NDArray

from mer_di.errors import DatasetNotFoundError, InputError
from mer_di.files import whole_folder
from mer_di.synthetic.drawing import film
from mer_di.synthetic.layouts import Entry, find_layout
from mer_di.synthetic.quirks import Planted, litter, plant

Progress = Callable[[int, int], None]

DRAWING: Final = 1  # raised whenever the same parameters would draw other pixels
_DEFAULT: Final[dict[str, Any]] = {"layout": "mmew", "subjects": 12, "clips_per_emotion": 1, "seed": 0}
_JPEG: Final = [cv2.IMWRITE_JPEG_QUALITY, 92]
VIDEOS: Final = (".avi", ".mp4")
_RATE: Final = 30  # frames a second that a video's header names
_WORKERS: Final = 8  # each holds a portrait


def write_database(
    out: Path,
    *,
    layout: str = "mmew",
    tree: str | None = None,
    subjects: int = 8,
    clips_per_emotion: int = 1,
    seed: int = 0,
    messy: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Draw a micro-expression database in a real database's official layout.

    A clip depends on ``seed``, its subject, its emotion and its count alone: the same clip is drawn whatever the
    number of subjects or clips. Lengths and apexes do not depend on the emotion. ``ground_truth.csv`` in the root
    says what is in the frames, also where a messy table says otherwise: onset, apex and offset in the database's
    own numbering, amplitude as the largest displacement at the apex in pixels.

    Parameters
    ----------
    out : pathlib.Path
        A folder that does not exist yet, or is empty; see `mer_di.files.whole_folder`.
    layout : str
        One of `mer_di.synthetic.LAYOUTS`.
    tree : str or None
        Which of the database's frame trees; the most used one unless named: of CASME II ``cropped``.
    subjects : int
        Number of people, 1 or more.
    clips_per_emotion : int
        Clips of each of the layout's emotions for each subject, 1..99.
    seed : int
        0 or more; another seed draws other people.
    messy : bool
        Plant the quirks of the real databases, listed in ``planted.csv``.
    progress : callable, optional
        Called from time to time with the numbers of clips drawn and of clips in all.

    Returns
    -------
    pathlib.Path
        The root to give to ``load_dataset(layout, root)``.

    Raises
    ------
    InputError
        If a parameter is out of range, ``out`` is not empty, or there are too few clips for all quirks.
    OSError
        If the disk is full or the folder cannot be written; nothing is left behind.
    """
    out = Path(out)
    chosen = find_layout(layout, tree)
    _require("subjects", subjects, 1, len(chosen.subjects))
    _require("clips_per_emotion", clips_per_emotion, 1, 99)
    _require("seed", seed, 0, None)
    entries = list(chosen.entries(subjects, clips_per_emotion, seed))
    planted: list[Planted] = []
    if messy:
        entries, planted = plant(entries, layout, seed)
    out.parent.mkdir(parents=True, exist_ok=True)
    with whole_folder(out) as root:
        _write_all_frames(root, entries, progress)
        rows = [entry.row for entry in entries if entry.row is not None]
        for name, table in {chosen.table_name: chosen.table, **chosen.more_tables}.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(table(rows))
        _write_truth(root / "ground_truth.csv", entries)
        if messy:
            planted.append(litter(root, entries))
            _write_csv(root / "planted.csv", [field.name for field in fields(Planted)], map(astuple, planted))
    return out


def default_database(progress: Progress | None = None) -> Path:
    """Return the root of the embedded default database, drawn into the user's cache folder on first use.

    It has MMEW's layout, 12 subjects and 84 clips. It is written aside and renamed when complete, so that several
    processes may ask for it at once.

    Parameters
    ----------
    progress : callable, optional
        See `write_database`.

    Returns
    -------
    pathlib.Path
    """
    parameters = json.dumps({**_DEFAULT, "drawing": DRAWING}, sort_keys=True)
    digest = hashlib.sha256(parameters.encode()).hexdigest()[:12]
    place = platformdirs.user_cache_path("mer_di", appauthor=False) / f"synthetic-mmew-{digest}"
    if place.is_dir():
        return place
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f"{place.name}-", dir=place.parent) as aside:
            drawn = write_database(Path(aside) / "database", **_DEFAULT, progress=progress)
            _rename(drawn, place)
    except OSError as error:
        raise DatasetNotFoundError(
            f"the synthetic database cannot be drawn into {place.parent} ({error}); make that folder writable, or draw "
            "one elsewhere (mer-di synth) and name it with --root"
        ) from error
    return place


def _require(name: str, value: int, least: int, most: int | None) -> None:
    if value < least or (most is not None and value > most):
        raise InputError(f"{name} is {value}; expected {least}{' or more' if most is None else f'..{most}'}")


def _rename(drawn: Path, place: Path) -> None:
    try:
        drawn.rename(place)
    except OSError:
        if not place.is_dir():  # else another process was faster, and drew the same
            raise


def _write_all_frames(root: Path, entries: Sequence[Entry], progress: Progress | None) -> None:
    """One task a subject: its clips share a portrait."""
    groups = [list(group) for _, group in groupby(entries, attrgetter("subject"))]
    done = 0
    left = Event()
    pool = ThreadPoolExecutor(min(_WORKERS, os.cpu_count() or 1))
    try:
        for count in pool.map(partial(_write_clips, root, left), groups):
            done += count
            if progress is not None:
                progress(done, len(entries))
    finally:
        left.set()
        pool.shutdown(cancel_futures=True)


def _write_clips(root: Path, left: Event, entries: Sequence[Entry]) -> int:
    for entry in entries:
        if left.is_set():
            break
        if entry.folder is not None:
            _write_clip(root / entry.folder, entry)
    return len(entries)


def _write_clip(folder: Path, entry: Entry) -> None:
    folder.mkdir(parents=True, exist_ok=True)  # a recording with several entries has one folder
    if entry.file(0).endswith(VIDEOS):
        _write_video(folder / entry.file(0), film(entry.take, entry.stored))
        return
    for position, frame in zip(entry.stored, film(entry.take, entry.stored), strict=True):
        if position == entry.missing:
            continue
        if position == entry.shrunk:
            frame = np.ascontiguousarray(frame[8:, 8:])
        encoded = _encoded(frame, Path(entry.file(position)).suffix)
        if position == entry.cut:
            encoded = encoded[: len(encoded) // 3]
        (folder / entry.file(position)).write_bytes(encoded)


def _write_video(path: Path, frames: Iterable[NDArray[np.uint8]]) -> None:
    """Encode as MPEG-4 part 2, which is in every FFmpeg, without the time of writing."""
    with av.open(path, "w", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("mpeg4", rate=_RATE, options={"qscale": "3", "flags": "+bitexact+qscale"})
        for position, frame in enumerate(frames):
            if position == 0:
                stream.height, stream.width = frame.shape[:2]
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            picture.pts = position
            container.mux(stream.encode(picture))
        container.mux(stream.encode())


def _encoded(frame: NDArray[np.uint8], suffix: str) -> bytes:
    picture = frame if frame.ndim == 2 else cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)
    return cv2.imencode(suffix, picture, _JPEG if suffix == ".jpg" else [])[1].tobytes()


def _write_truth(path: Path, entries: Iterable[Entry]) -> None:
    header = ("subject", "clip", "emotion", "action_units", "onset", "apex", "offset", "amplitude")
    files = ("folder", "first_file", "last_file", "width", "height")
    _write_csv(path, (*header, *files), map(_truth, entries))


def _truth(entry: Entry) -> tuple[object, ...]:
    take = entry.take
    on_disk = entry.folder is not None
    return (
        entry.subject,
        entry.clip,
        take.emotion,
        "+".join(take.expression.action_units),
        entry.first + take.onset,
        entry.first + take.apex,
        entry.first + take.offset,
        f"{take.amplitude:.3f}",
        entry.folder or "",
        entry.file(entry.stored[0]) if on_disk else "",
        entry.file(entry.stored[-1]) if on_disk else "",
        take.width,
        take.height,
    )


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Iterable[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
