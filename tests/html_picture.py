"""Pictures in a page, as pixels."""

import base64
from io import BytesIO

import numpy as np
from PIL import Image


def decoded(uri):
    return np.asarray(Image.open(BytesIO(base64.b64decode(uri.partition(",")[2]))).convert("RGB"))
