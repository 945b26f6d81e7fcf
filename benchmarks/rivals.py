"""Keep what ``mer-di reproduce TABLE --control --json`` printed, for the manual: rows, intervals, controls.

    python benchmarks/rivals.py NAME JSON [JSON ...] [--into RECORD]

NAME says on what the tables were run, such as ``synthetic``; the figures go to
``benchmarks/results/<date>-rivals-NAME.json``. With a former record, of the same database and setting, what was run
again replaces its row there, and a new row stands where its table has it.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from machine import keep, machine

from mer_di.experiments import load_table


def of_a_row(row: dict[str, Any]) -> dict[str, Any]:
    """Return what the manual shows of a row."""
    ours, control = row["results"], row["control"]
    figures = {
        "accuracy": ours["accuracy"],
        "interval": ours["intervals"]["accuracy"],
        "shuffled": control["accuracy"] if control else None,
        "n": ours["n"],
        "uf1": ours["uf1"],
        "uar": ours["uar"],
        "seconds": ours["seconds"],
    }
    named = {name: row["row"][name] for name in ("input", "method", "layers")}
    return named | {"departures": row["departures"]} | figures


def merged(former: dict[str, Any], tables: dict[str, Any]) -> dict[str, Any]:
    """Return the tables of a record with rows that were run since."""
    found = dict(former)
    for name, new in tables.items():
        old = former.get(name, new | {"rows": []})
        if old | {"rows": None} != new | {"rows": None}:
            raise SystemExit(f"{name} was run in another setting than the record's")
        rows = {(row["input"], row["method"]): row for row in [*old["rows"], *new["rows"]]}
        order = [(row.input, row.method) for row in load_table(name).rows]
        found[name] = new | {"rows": [rows[key] for key in order if key in rows]}
    return found


def main() -> None:
    """Read the outputs, keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("outputs", nargs="+", type=Path)
    parser.add_argument("--into", type=Path, help="A former record.")
    given = parser.parse_args()
    tables = {}
    for path in given.outputs:
        found = json.loads(path.read_text(encoding="utf-8"))
        ran = [row for row in found["rows"] if row["results"]]
        first = ran[0]["results"]
        tables[found["table"]["name"]] = {
            "title": found["table"]["title"],
            "dataset": found["dataset"],
            "departures": found["departures"],
            "classes": len(first["classes"]),
            "subjects": len(first["per_subject"]),
            "validation": first["validation"]["rule"],
            "rows": [of_a_row(row) for row in ran],
        }
    former = json.loads(given.into.read_text(encoding="utf-8"))["tables"] if given.into else {}
    keep(f"rivals-{given.name}", machine(), {"tables": merged(former, tables)})


if __name__ == "__main__":
    main()
