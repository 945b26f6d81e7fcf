"""The room of the pages as a whole."""

import subprocess
import sys


def test_a_missing_package_is_named_with_its_remedy():
    code = "import sys; sys.modules['jinja2'] = None; from mer_di.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code, "report", __file__], check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert "jinja2: pip install 'mer_di[report]'" in done.stderr


def test_the_room_is_free_of_torch():
    code = "import mer_di.report, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
