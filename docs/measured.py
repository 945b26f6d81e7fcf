"""The newest record of each kind in benchmarks/results, for the pages that are computed from them."""

import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parents[1] / "benchmarks" / "results"


def newest(kind: str) -> dict[str, Any]:
    """Return the record of ``<date>-<kind>.json`` with the latest date; ``<date>-flow-build.json`` is no build."""
    path = max(RESULTS.glob(f"????-??-??-{kind}.json"))
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return record
