"""Whatever a file holds, what comes out is a result or the library's own error; `benchmarks/stress.py` asks longer."""

import pytest
from hypothesis import HealthCheck, given, settings
from spoilt import KINDS

EXAMPLES = {
    "table, text": 200,
    "table, workbook": 80,
    "table, parts of a workbook": 40,
    "manifest": 150,
    "cache, structure": 200,
    "cache, bytes": 150,
    "run": 100,
    "model": 20,
}


@pytest.mark.parametrize("kind", KINDS)
def test_only_errors_of_the_library_come_out(kind, tmp_path_factory):
    @settings(max_examples=EXAMPLES[kind], suppress_health_check=[HealthCheck.too_slow])
    @given(KINDS[kind].drawn)
    def fuzz(drawn):
        KINDS[kind].read(tmp_path_factory.mktemp("spoilt"), drawn)

    fuzz()
