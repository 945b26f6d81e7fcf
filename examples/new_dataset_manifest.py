"""Data of your own by a table: one row a clip, then the same commands as for any database.

python new_dataset_manifest.py        writes own_data/ and own_data.h5 into the current folder
"""

import csv
from pathlib import Path

import cv2

import mer_di
from mer_di.building.defaults import default_recipe
from mer_di.synthetic import draw_clip

folder = Path("own_data")
rows = []
for subject in (1, 2):
    for emotion in ("happiness", "surprise"):
        clip = draw_clip(emotion, subject=subject)
        path = folder / f"person{subject}" / emotion
        path.mkdir(parents=True)
        for number, frame in enumerate(clip.frames, start=1):
            cv2.imwrite(str(path / f"img{number}.jpg"), frame[..., ::-1])
        # Images are numbered by their names, here from 1; positions in a video count from 0. Inclusive.
        span = {"onset": clip.onset + 1, "apex": clip.apex + 1, "offset": clip.offset + 1}
        where = {"subject": f"person{subject}", "clip": emotion, "path": path.relative_to(folder).as_posix()}
        rows.append({**where, **span, "emotion": emotion})

with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
    table = csv.DictWriter(file, list(rows[0]))
    table.writeheader()
    table.writerows(rows)

# The same as: mer-di build --dataset manifest --root own_data --align none --size 64 --out own_data.h5
database = mer_di.load_dataset("manifest", folder)
report = mer_di.build_cache(database, "own_data.h5", default_recipe(database, align="none", size=64))
print(f"kept {report.kept}, dropped {len(report.dropped)}, classes {report.classes} -> {report.path}")
