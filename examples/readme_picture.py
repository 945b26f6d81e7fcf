"""Draw the README's picture: a synthetic face, its two phase images, and the whole-clip image that loses the motion.

python examples/readme_picture.py [OUT.png]        needs matplotlib (pip install 'mer_di[report]')
"""

import sys
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np

from mer_di import dynamic_image, phase_dynamic_images
from mer_di.synthetic import draw_clip

mpl.use("Agg")
clip = draw_clip("surprise", subject=7)
frames = clip.frames[clip.onset : clip.offset + 1]
apex = clip.apex - clip.onset
last = len(frames) - 1
phases = phase_dynamic_images(frames, apex, normalization="unit-weight")
whole = dynamic_image(frames, normalization="unit-weight")
images = [image.mean(axis=-1) for image in (*phases, whole)]  # grey: the mean of R, G, B
strongest = max(float(np.percentile(np.abs(image), 99.5)) for image in images)

figure = plt.figure(figsize=(11, 5.2), layout="constrained")
(top,), (bottom,) = figure.subfigures(2, 1, height_ratios=(0.62, 1), squeeze=False)
shown = {"onset": 0, "": apex // 2, "apex": apex, " ": (apex + last) // 2, "offset": last}
for axes, (name, index) in zip(top.subplots(1, len(shown)), shown.items(), strict=True):
    axes.imshow(frames[index])
    axes.set_title(f"{name.strip() or 'frame'} {index + 1} of {last + 1}".strip(), fontsize=9)
    axes.set_axis_off()
titles = ("DI-Onset: onset→apex, 2t−T−1", "DI-Offset: apex→offset, T+1−2t", "whole clip, 2t−T−1: the motion cancels")
panels = bottom.subplots(1, 3)
for axes, image, title in zip(panels, images, titles, strict=True):
    drawn = axes.imshow(image, cmap="RdBu_r", vmin=-strongest, vmax=strongest)
    axes.set_title(title, fontsize=9)
    axes.set_axis_off()
bottom.colorbar(drawn, ax=panels, shrink=0.85, label="grey levels, Σα·F ⁄ (Σ|α|⁄2)")
out = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("readme_picture.png")
figure.savefig(out, dpi=90)
print(f"{clip.emotion}, action units {'+'.join(clip.action_units)}, up to {clip.amplitude:.1f} px -> {out}")
