"""Class probabilities of a table of clips, as a CSV that a killed command goes on with.

A row of the CSV says what the table says of a clip, what the model says, and which model and frames that was of; so the
CSV itself tells which clips are predicted already. Until all are, it grows under the name ``NAME.csv.unfinished``.
"""

import csv
import hashlib
import io
import math
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from mer_di.datasets.manifest import Unlabelled, load_unlabelled
from mer_di.errors import InputError
from mer_di.files import destination, write_text
from mer_di.lock import held
from mer_di.predict.clips import Network, Outcome

CLIPS_AT_A_TIME = 32  # rendered, predicted and written: what a kill can cost, and what is in memory
_KEY = ("path", "onset", "apex", "offset")
_OF_WHAT = ("frames", "model")
_PROBABILITY = "p_"

Key = tuple[str, ...]
Progress = Callable[[int, int], None]
"""Called with the number of clips that are finished, and of those in all."""


@dataclass(frozen=True, slots=True)
class TableReport:
    """What came of the clips of a table.

    Attributes
    ----------
    path : pathlib.Path
        The CSV.
    predicted : int
        Clips with probabilities.
    earlier : int
        Those of them that an earlier call had predicted.
    again : int
        Those that were predicted once more, because they are of other frames than then.
    problems : dict of str to int
        Kind of problem to number of clips that cannot be predicted.
    """

    path: Path
    predicted: int
    earlier: int
    again: int
    problems: dict[str, int]


def predict_table(
    model: str | os.PathLike[str],
    table: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    root: str | os.PathLike[str] | None = None,
    allow: Sequence[str | os.PathLike[str]] = (),
    device: str = "auto",
    landmarks: Path | None = None,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> TableReport:
    """Write the class probabilities of the clips of a table to a CSV.

    A clip is known by path, onset, apex and offset as the table writes them. One that the CSV, or what an interrupted
    call left of it, has probabilities of is not predicted again, unless its frames have changed since.

    Parameters
    ----------
    model : path-like
        From ``mer-di train --save-model``.
    table : path-like
        A manifest, of which only the columns path, onset and offset are needed; the recipe of the model says what
        becomes of an apex that is missing or makes no sense.
    out : path-like
        The CSV: what the table says of a clip, ``apex_used``, ``predicted``, ``p_<class>`` for each class, ``problem``,
        ``frames``, their digest, and ``model``, the SHA-256 of the model's file. One row for each of the table, in its
        order; one that cannot be predicted has a problem, and is tried again by the next call.
    root : path-like, optional
        The folder that paths of the table start from; by default its own.
    allow : sequence of path-like
        Folders outside of it that paths may lead into.
    device : {"auto", "cpu", "cuda", "mps"}
    landmarks : pathlib.Path, optional
        See `mer_di.predict.predict`.
    executor : concurrent.futures.Executor, optional
        Threads that render clips; here by default. It is not shut down.
    progress : callable, optional
        See `Progress`.

    Returns
    -------
    TableReport

    Raises
    ------
    InputError
        If the CSV cannot be written there, is damaged, or holds predictions by another model or of clips that the table
        does not have; see `mer_di.predict.predict` for the model.
    DatasetNotFoundError, AnnotationError
        If the table cannot be read, or a path leads out of its folder.
    """
    clips = load_unlabelled(Path(table), None if root is None else Path(root), allow)
    path = destination(out, [model, table])
    if path.exists() and not path.is_file():
        raise InputError(f"{out} is no file, and nothing could go on with it; name a file")
    network = Network.read(model, device=device, landmarks=landmarks)
    sheet = _Sheet(hashlib.sha256(Path(model).read_bytes()).hexdigest(), network.saved.classes, tuple(clips[0].cells))
    busy = InputError(f"another command is writing {path}; wait for it, or name another")
    with held(path.with_name(f".{path.name}.lock"), busy):
        unfinished = path.with_name(f"{path.name}.unfinished")
        found = sheet.read(path) | sheet.read(unfinished)
        _require_in_table(found, clips, path, table)
        outcomes = _of_these_frames(found, clips, network, executor)
        earlier, again = (sum(_key(clip) in some for clip in clips) for some in (outcomes, found.keys() - outcomes))
        write_text(unfinished, sheet.text(clips, outcomes))
        with unfinished.open("a", encoding="utf-8", newline="") as file:
            for some in _portions({_key(clip): clip for clip in clips if _key(clip) not in outcomes}):
                said = network.outcomes([clip.sample for clip in some], workers=executor)
                outcomes |= zip(map(_key, some), said, strict=True)
                file.write(sheet.lines(some, outcomes))
                file.flush()
                if progress:
                    progress(len(outcomes), len({_key(clip) for clip in clips}))
        write_text(path, sheet.text(clips, outcomes))
        unfinished.unlink()
    problems = Counter(kind for clip in clips if (kind := outcomes[_key(clip)].problem.partition(":")[0]))
    return TableReport(Path(out), len(clips) - problems.total(), earlier, again, dict(problems.most_common()))


@dataclass(frozen=True, slots=True)
class _Sheet:
    """The columns of the CSV.

    Attributes
    ----------
    model : str
        SHA-256 of its file.
    classes : tuple of str
        In label order.
    of_table : tuple of str
        Columns that the table has.
    """

    model: str
    classes: tuple[str, ...]
    of_table: tuple[str, ...]

    @property
    def header(self) -> list[str]:
        table = dict.fromkeys([*_KEY, *self.of_table])
        return [*table, "apex_used", "predicted", *(_PROBABILITY + name for name in self.classes), "problem", *_OF_WHAT]

    def text(self, clips: Iterable[Unlabelled], outcomes: Mapping[Key, Outcome]) -> str:
        """Return the header and the lines of those clips that have an outcome."""
        header = io.StringIO()
        _writer(header, self.header).writeheader()
        return header.getvalue() + self.lines((clip for clip in clips if _key(clip) in outcomes), outcomes)

    def lines(self, clips: Iterable[Unlabelled], outcomes: Mapping[Key, Outcome]) -> str:
        text = io.StringIO()
        writer = _writer(text, self.header)
        for clip in clips:
            outcome = outcomes[_key(clip)]
            ours = {_PROBABILITY + name: repr(p) for name, p in zip(self.classes, outcome.probabilities, strict=False)}
            if not outcome.problem:
                best = max(range(len(self.classes)), key=outcome.probabilities.__getitem__)
                ours |= {"apex_used": str(outcome.apex), "predicted": self.classes[best]}
            of_what = {"frames": outcome.frames, "model": self.model}
            writer.writerow({**clip.cells, **ours, "problem": outcome.problem, **of_what})
        return text.getvalue()

    def read(self, path: Path) -> dict[Key, Outcome]:
        """Read what is predicted in a CSV that was written to its end, or to anywhere."""
        if not path.exists():
            return {}
        try:
            text = path.read_bytes()
            whole = text[: text.rfind(b"\n") + 1].decode()
            reader = csv.DictReader(io.StringIO(whole, newline=""))
            records, header = list(reader), reader.fieldnames or ()
        except (UnicodeDecodeError, csv.Error) as error:
            raise InputError(f"{path} is no table of predictions ({error}), and not touched; name another") from error
        if text and not {*_KEY, "apex_used", "problem", "model"} <= set(header):
            raise InputError(f"{path} is no table of predictions, and not touched; name another, or move it away")
        told = [record for record in records if record["model"] and not record["problem"]]  # not torn, nor to try again
        for record in told:
            if record["model"] != self.model:
                raise InputError(
                    f"{path} holds predictions by another model: of SHA-256 {record['model']}, and this one has "
                    f"{self.model}. Name another --out, or move it away"
                )
        return {tuple(record[name] for name in _KEY): self._outcome(record, path) for record in told}

    def _outcome(self, record: Mapping[str, str], path: Path) -> Outcome:
        try:
            values = tuple(float(record[_PROBABILITY + name]) for name in self.classes)
            apex = int(record["apex_used"])
        except (KeyError, TypeError, ValueError):
            values, apex = (), 0
        if not values or min(values) < 0 or not math.isclose(sum(values), 1, abs_tol=1e-5):
            raise InputError(
                f"{path} is damaged: its row of {record['path']!r} has no probability for each of "
                f"{', '.join(self.classes)}, or no apex. Delete the row, name another --out, or move it away"
            )
        return Outcome(values, apex, frames=record.get("frames") or "")


def _writer(text: io.StringIO, header: Sequence[str]) -> "csv.DictWriter[str]":
    return csv.DictWriter(text, header, restval="", lineterminator="\n")


def _key(clip: Unlabelled) -> Key:
    return tuple(clip.cells.get(name, "") for name in _KEY)


def _portions(clips: Mapping[Key, Unlabelled]) -> Iterator[list[Unlabelled]]:
    rest = list(clips.values())
    for begin in range(0, len(rest), CLIPS_AT_A_TIME):
        yield rest[begin : begin + CLIPS_AT_A_TIME]


def _of_these_frames(
    outcomes: Mapping[Key, Outcome], clips: Sequence[Unlabelled], network: Network, workers: Executor | None
) -> dict[Key, Outcome]:
    """Return what was said of the frames that are there now, under whatever root, and not of former ones."""
    told = {_key(clip): clip.sample for clip in clips if _key(clip) in outcomes}
    now = zip(told, network.frames_of([*told.values()], workers), strict=True)
    return {key: outcomes[key] for key, frames in now if frames and frames == outcomes[key].frames}


def _require_in_table(
    outcomes: Mapping[Key, Outcome], clips: Sequence[Unlabelled], path: Path, table: str | os.PathLike[str]
) -> None:
    strange = sorted(outcomes.keys() - set(map(_key, clips)))
    if strange:
        where, *numbers = strange[0]
        raise InputError(
            f"{path}, or what an interrupted command left beside it, holds predictions of {len(strange)} clip(s) that "
            f"{table} does not have, first of them {where} with onset, apex, offset {', '.join(numbers)}: they come "
            "from another table. Name another --out, or move it away"
        )
