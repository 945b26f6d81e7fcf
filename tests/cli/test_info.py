import json

from click.testing import CliRunner
from tiny_cache import write_tiny_cache

from mer_di.cli.info import command


def test_where_apexes_come_from_and_how_sure_they_are(tmp_path):
    cache = write_tiny_cache(tmp_path / "spotted.h5", subjects=1, apex_policy="spot")
    found = json.loads(CliRunner().invoke(command, [str(cache), "--json"]).stdout)
    assert found["apexes"] == {"spotted": 3}
    assert found["apex_confidence"] == {"min": 0.75, "median": 0.75, "max": 0.75}
    page = CliRunner().invoke(command, [str(cache)]).stdout
    assert "3 spotted" in page
    assert "0.75 .. 0.75, median 0.75" in page
