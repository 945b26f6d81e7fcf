"""The package as a whole."""

import subprocess
import sys
from pathlib import Path

import mer_di


def test_the_package_is_found_without_its_heavy_parts():
    code = "import sys, mer_di; print([m for m in ('torch','cv2','dlib','numba','skimage','h5py') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert found == "[]"
    assert Path(mer_di.__file__).with_name("py.typed").exists()
