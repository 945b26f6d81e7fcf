"""Dynamic images of an array of your own.

python own_array.py        writes own_array.png into the current folder
"""

import cv2
import numpy as np

import mer_di

frames = np.full((21, 120, 120, 3), 90, np.uint8)  # (T, H, W, 3), RGB: put your own here
for t, frame in enumerate(frames):
    brow = 50 - (t if t <= 12 else 24 - t) // 3  # a bar that rises until frame 12 and falls after it
    frame[brow : brow + 6, 30:90] = 200

onset, offset = mer_di.phase_dynamic_images(frames, apex=12)  # 0-based; int32, exact
whole = mer_di.dynamic_image(frames)
for name, image in {"onset→apex": onset, "apex→offset": offset, "whole clip": whole}.items():
    print(f"{name}: {image.dtype} {image.shape}, {image.min()} .. {image.max()}, motionless corner {image[0, 0]}")

pictures = [mer_di.normalize(image, "symmetric") for image in (onset, offset, whole)]  # uint8; no motion is 128
cv2.imwrite("own_array.png", np.hstack(pictures)[..., ::-1])  # OpenCV takes BGR
