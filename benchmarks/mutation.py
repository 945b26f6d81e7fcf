"""What the tests let pass: the record of a mutation testing, from what `mutmut run` left below ``mutants/``.

    mutmut run --max-children 1
    python benchmarks/mutation.py

A change that no test notices is looked up in ``equivalent_mutants.toml``, which says why nobody can; what is not there
is open. The figures go to ``benchmarks/results/<date>-mutation.json``.
"""

import json
import tomllib
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from machine import keep, machine
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.stats import status_by_exit_code

REASONS = Path(__file__).parent / "equivalent_mutants.toml"
NOTICED = ("killed", "timeout")

Change = dict[str, str]


def reasons() -> dict[tuple[str, str], str]:
    """Return why a change cannot be seen, by its function and the line that it makes."""
    kinds = tomllib.loads(REASONS.read_text(encoding="utf-8"))["equivalent"]
    return {
        (function, line): kind["reason"]
        for kind in kinds
        for function, lines in kind["changes"].items()
        for line in lines
    }


def survivor(mutant: str) -> Change:
    """Return the function of a change, its line and what becomes of it: nothing, where an argument is left out."""
    lines = get_diff_for_mutant(mutant).splitlines()[2:]
    before, after = (" ".join(line[1:].strip() for line in lines if line[0] == sign) for sign in "-+")
    module, _, name = mutant.rpartition(".")
    function = name.partition("__mutmut_")[0].removeprefix("x_").removeprefix("xǁ").replace("ǁ", ".")
    return {"function": f"{module}.{function}", "line": before, "becomes": after or f"without {before}"}


def modules() -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each file that was changed, and what became of its mutants."""
    for meta in sorted(Path("mutants").rglob("*.meta")):
        codes = json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"]
        if codes:
            yield (
                str(meta.relative_to("mutants").with_suffix("")),
                {mutant: status_by_exit_code[code] for mutant, code in codes.items()},
            )


def explained(found: dict[str, str], known: dict[tuple[str, str], str]) -> dict[str, list[Change]]:
    """Give a reason to what was not noticed in a file, or leave it open."""
    rest = [survivor(mutant) | {"status": status} for mutant, status in found.items() if status not in NOTICED]
    of: dict[str, list[Change]] = {"equivalent": [], "open": []}
    for change in rest:
        reason = known.get((change["function"], change["becomes"]))
        of["equivalent" if reason else "open"].append(change | ({"reason": reason} if reason else {}))
    return of


def main() -> None:
    """Count, print what has no reason and which reason explains nothing, keep the figures."""
    known, total = reasons(), Counter[str]()
    record: dict[str, dict[str, Any]] = {}
    for file, found in modules():
        of = explained(found, known)
        passed = {kind: len(changes) for kind, changes in of.items()}
        counts = {"mutants": len(found), "killed": len(found) - sum(passed.values())}
        total.update(counts | passed)
        record[file] = {**counts, **of}
        print(file, counts | passed)
        for change in of["open"]:
            print("  open:", change)
    used = {(change["function"], change["becomes"]) for of in record.values() for change in of["equivalent"]}
    print("reasons that explain nothing:", *(known.keys() - used), sep="\n  ")
    keep("mutation", machine(), {"tool": "mutmut", "version": version("mutmut"), "total": total, "modules": record})


if __name__ == "__main__":
    main()
