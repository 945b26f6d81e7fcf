"""A database with a table of its own kind, read by a module of yours, without a change to mer_di.

python new_dataset_module.py        writes lab/ and lab.h5 into the current folder

All that mer_di asks for is a `Database`: what is known of it in general (`Spec`), and one `Sample` for every row of its
table. From there on it is checked, built and trained on as any other. (To bring it into mer_di itself, so that
``--dataset lab`` works, see "A database" in CONTRIBUTING.md.)
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import cv2

import mer_di
from mer_di.building.defaults import default_recipe
from mer_di.datasets import Database, Spec
from mer_di.inspection.doctor import examine
from mer_di.sample import Sample
from mer_di.synthetic import draw_clip

SPEC = Spec(
    name="lab",
    title="Recordings of our laboratory",
    citation="",
    doi="",
    licence="Ours.",
    request_url="",
    fps=100.0,
    tables=("recordings",),
    layout="recordings.json    a list of clips\n<folder>/<frame>.png",
)


def load(root: Path) -> Database:
    """Read recordings.json; every clip in it becomes a sample, also one whose folder is missing."""
    table = root / "recordings.json"
    samples = [_sample(clip, root) for clip in json.loads(table.read_text(encoding="utf-8"))]
    return Database(
        spec=SPEC,
        root=root,
        tree=None,
        registered=True,  # the frames are crops of registered faces: nothing to align
        table=table,
        table_sha256=hashlib.sha256(table.read_bytes()).hexdigest(),
        table_version=SPEC.version_of(samples),
        samples=tuple(sorted(samples, key=lambda sample: sample.sample_id)),
    )


def _sample(clip: dict[str, Any], root: Path) -> Sample:
    folder = root / clip["folder"]
    return Sample(
        dataset=SPEC.name,
        subject=clip["person"],
        clip=clip["folder"],
        onset=clip["start"],  # frame numbers as in the file names, all inclusive
        apex=clip["peak"],
        offset=clip["end"],
        emotion=clip["felt"].lower(),
        emotion_written=clip["felt"],
        fps=SPEC.fps,
        path=folder if folder.is_dir() else None,
        sought=str(folder),
    )


def write_recordings(root: Path) -> None:
    """Stand in for your camera."""
    recordings = []
    for number, emotion in enumerate(("happiness", "surprise", "disgust"), start=1):
        clip = draw_clip(emotion, subject=number)
        folder = root / f"take{number}"
        folder.mkdir(parents=True)
        for position, frame in enumerate(clip.frames):
            cv2.imwrite(str(folder / f"{position:04d}.png"), frame[..., ::-1])
        span = {"start": clip.onset, "peak": clip.apex, "end": clip.offset}
        recordings.append({"person": f"P{number}", "folder": folder.name, "felt": emotion.title(), **span})
    recordings.append({**recordings[-1], "folder": "take4"})  # in the table, not on disk
    (root / "recordings.json").write_text(json.dumps(recordings, indent=1), encoding="utf-8")


if __name__ == "__main__":
    write_recordings(Path("lab"))
    database = load(Path("lab"))
    print(f"{examine(database).usable} of {len(database.samples)} samples usable")
    report = mer_di.build_cache(database, "lab.h5", default_recipe(database, size=64))
    print(f"kept {report.kept} -> {report.path}")
    for sample_id, reason in report.dropped.items():
        print(f"dropped {sample_id}: {reason}")
