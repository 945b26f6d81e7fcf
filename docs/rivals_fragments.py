"""The tables of rivals and relatives as they were run here, from the newest records."""

from typing import Any

from markdown_parts import table
from measured import newest


def rivals_on(name: str) -> str:
    """Return the tables that were run on something, each row with its interval and its control."""
    record = newest(f"rivals-{name}")
    return "\n\n".join(_table(of, record["date"][:10]) for of in record["tables"].values())


def _table(of: dict[str, Any], date: str) -> str:
    rows = [_row(row) for row in of["rows"]]
    headers = ("input", "method", "layers", "accuracy, %", "shuffled labels, %", "UF1", "UAR")
    chance, first = 100 / of["classes"], of["rows"][0]
    said = (
        f"{of['title']}: {of['dataset']}, {first['n']} clips of {of['subjects']} people, {of['classes']} classes "
        f"(chance is {chance:.1f}), leave-one-subject-out, validation {of['validation']}, one seed, {date}. "
        f"Not the paper's setting: {'; '.join(of['departures'])}."
    )
    return f"{said}\n\n{table(headers, rows)}"


def _row(row: dict[str, Any]) -> tuple[str, ...]:
    low, high = row["interval"]
    remarks = f" ({'; '.join(row['departures'])})" if row["departures"] else ""
    return (
        row["input"],
        row["method"] + remarks,
        row["layers"],
        f"{100 * row['accuracy']:.1f} [{100 * low:.1f}, {100 * high:.1f}]",
        "" if row["shuffled"] is None else f"{100 * row['shuffled']:.1f}",
        f"{100 * row['uf1']:.1f}",
        f"{100 * row['uar']:.1f}",
    )
