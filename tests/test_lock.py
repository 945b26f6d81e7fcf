import subprocess
import sys

import pytest

from mer_di.errors import InputError
from mer_di.lock import held

BUSY = InputError("somebody is at it")
HOLDER = """
import sys
from pathlib import Path
from mer_di.errors import InputError
from mer_di.lock import held
with held(Path(sys.argv[1]), InputError("busy")):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_holder_is_refused_until_the_first_lets_go(tmp_path):
    with held(tmp_path / "lock", BUSY):
        with pytest.raises(InputError, match="somebody is at it"), held(tmp_path / "lock", BUSY):
            raise AssertionError
        assert (tmp_path / "lock").exists()
    assert list(tmp_path.iterdir()) == []
    with held(tmp_path / "lock", BUSY):
        pass


def test_a_killed_holder_holds_nothing(tmp_path):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "lock")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with holder:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(InputError, match="somebody is at it"), held(tmp_path / "lock", BUSY):
            raise AssertionError
        holder.kill()
        holder.wait()
        with held(tmp_path / "lock", BUSY):
            pass
