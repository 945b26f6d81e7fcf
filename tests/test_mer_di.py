"""The package as a whole."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import mer_di


def test_the_package_is_found_without_its_heavy_parts():
    code = "import sys, mer_di; print([m for m in ('torch','cv2','dlib','numba','skimage','h5py') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert found == "[]"
    assert Path(mer_di.__file__).with_name("py.typed").exists()


def test_every_public_name_is_there_listed_and_known_to_type_checkers():
    assert set(mer_di.__all__) <= set(dir(mer_di))
    assert all(hasattr(mer_di, name) for name in mer_di.__all__)
    source = ast.parse(Path(mer_di.__file__).read_text(encoding="utf-8"))
    told = [node for node in ast.walk(source) if isinstance(node, ast.ImportFrom) and node.module.startswith("mer_di")]
    homes = {alias.asname: node.module for node in told for alias in node.names}
    assert set(homes) | {"__version__"} == set(mer_di.__all__)
    assert all(getattr(mer_di, name).__module__.startswith(homes[name]) for name in mer_di._HOME)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = mer_di.nonsense
