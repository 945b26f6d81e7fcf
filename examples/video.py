"""Dynamic images of a video, frame by frame: one frame is in memory at a time, however long the video.

python video.py                                    films a drawn face first
python video.py CLIP.avi ONSET APEX OFFSET         0-based positions, inclusive
"""

import sys
from pathlib import Path

import cv2

import mer_di
from mer_di.accumulate import weighted_sums
from mer_di.imaging.frames import read_frames
from mer_di.phases import split
from mer_di.rank_pooling import phase_weights
from mer_di.synthetic import draw_clip

if len(sys.argv) > 1:
    path = Path(sys.argv[1])
    onset, apex, offset = map(int, sys.argv[2:5])
else:
    clip = draw_clip("surprise", subject=7)
    path, (onset, apex, offset) = Path("video.avi"), (clip.onset, clip.apex, clip.offset)
    height, width = clip.frames.shape[1:3]
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"MJPG"), 100.0, (width, height))
    for frame in clip.frames:
        writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    writer.release()

rising, fading = split(0, apex - onset, offset - onset)
weights = phase_weights(offset - onset + 1, rising, fading)  # three rows: onset, offset, whole clip
images = weighted_sums(read_frames(path, range(onset, offset + 1)), weights)
for name, image in zip(("onset", "offset", "full"), images, strict=True):
    cv2.imwrite(f"video_{name}.png", mer_di.normalize(image, "symmetric")[..., ::-1])
print(f"{path}: {offset - onset + 1} frames -> video_onset.png, video_offset.png, video_full.png of {images.shape[1:]}")
