"""``mer-di info``."""

import json
from collections import Counter
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import click
from tabulate import tabulate

from mer_di.cli.options import cache_argument, json_option

if TYPE_CHECKING:
    from mer_di.cache import Cache


@click.command("info")
@cache_argument
@json_option
def command(cache: Path, as_json: bool) -> None:
    """Say what is in a cache: origin, recipe, classes and drops."""
    from mer_di.cache import open_cache

    with open_cache(cache) as opened:
        found = _summary(opened)
    click.echo(json.dumps(found, indent=1) if as_json else _page(found))


def _summary(cache: "Cache") -> dict[str, Any]:
    attributes = cache.attributes
    recipe = json.loads(attributes.pop("recipe"))
    return {
        "path": str(cache.path),
        **attributes,
        "recipe": recipe,
        "samples": len(cache),
        "streams": list(cache.streams),
        "subjects": len(set(cache.column("subject"))),
        "classes": {name: int((cache.column("emotion") == name).sum()) for name in cache.classes},
        "apexes": cache.apex_sources,
        "apex_confidence": _confidence(cache),
        "onset_length": _spread(cache, "onset_length"),
        "offset_length": _spread(cache, "offset_length"),
        "dropped": cache.dropped,
        "corrections": cache.corrections,
    }


def _spread(cache: "Cache", column: str) -> dict[str, float]:
    lengths = cache.column(column)
    return {"min": int(lengths.min()), "mean": round(float(lengths.mean()), 2), "max": int(lengths.max())}


def _confidence(cache: "Cache") -> dict[str, float] | None:
    found = cache.apex_confidences.tolist()
    return {"min": found[0], "median": round(median(found), 6), "max": found[-1]} if found else None


def _page(found: dict[str, Any]) -> str:
    nested = (
        *("recipe", "classes", "dropped", "corrections", "streams", "onset_length", "offset_length"),
        *("apexes", "apex_confidence"),
    )
    head = [(key, value) for key, value in found.items() if key not in nested]
    head.append(("streams", ", ".join(found["streams"])))
    head.append(("apexes", ", ".join(f"{count} {source}" for source, count in found["apexes"].items())))
    if found["apex_confidence"]:
        head.append(
            ("apex_confidence", "{min:.2f} .. {max:.2f}, median {median:.2f}".format(**found["apex_confidence"]))
        )
    head += [(key, "{min} .. {max}, mean {mean}".format(**found[key])) for key in ("onset_length", "offset_length")]
    reasons = Counter(reason.partition(":")[0] for reason in found["dropped"].values())
    parts = [
        tabulate(head, tablefmt="plain"),
        "Recipe\n" + tabulate(found["recipe"].items(), tablefmt="plain", missingval="-"),
        "Classes\n" + tabulate(found["classes"].items(), tablefmt="plain"),
        f"Dropped: {sum(reasons.values())}" + "".join(f"\n  {count} {kind}" for kind, count in reasons.most_common()),
    ]
    parts += [f"  {sample_id}: {reason}" for sample_id, reason in found["dropped"].items()]
    if found["corrections"]:
        parts.append("Corrections applied\n" + tabulate(found["corrections"], headers="keys"))
    return "\n\n".join(parts[:4]) + "".join(f"\n{line}" for line in parts[4:])
