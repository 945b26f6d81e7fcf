"""Pictures as files, and the reason for which a sample is refused."""

import cv2
import numpy as np
import pytest

from mer_di.errors import SampleError
from mer_di.imaging.image import decode_image, read_file

LOSSLESS = (".png", ".bmp", ".tif")


def picture(seed, height=23, width=31):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def encoded(image, suffix, *options):
    done, code = cv2.imencode(suffix, image[..., ::-1] if image.ndim == 3 else image, list(options))
    assert done
    return code.tobytes()


def write_clip(folder, names, suffix=".png"):
    folder.mkdir(exist_ok=True)
    pictures = {name: picture(seed) for seed, name in enumerate(names)}
    for name, image in pictures.items():
        (folder / name).write_bytes(encoded(image, suffix))
    return pictures


def read_image(file):
    return decode_image(read_file(str(file)), str(file))


def touch(folder, *names):
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


def refused(kind, call):
    with pytest.raises(SampleError) as caught:
        call()
    assert caught.value.kind == kind
    return caught.value.detail
