"""What a build on many machines costs, computed from the newest measurements of one clip."""

import math
from typing import Any

from markdown_parts import table
from measured import newest

_UNITS = ("bytes", "kB", "MB", "GB", "TB")
_SIZES = {"DFME, 7,526 clips as its paper counts": 7_526, "a million clips": 1_000_000}
_KINDS = {"casme2-selected": "CASME II, 640×480 in colour", "samm": "SAMM, 960×650 in grey"}


def many_machines() -> str:
    """Return the table of costs, and where one file is no longer enough."""
    build, units = newest("build"), newest("many-machines")
    rows = [
        _row(title, clips, kind, build["databases"][name], units)
        for title, clips in _SIZES.items()
        for name, kind in _KINDS.items()
    ]
    heads = (
        *("", "clips like those of", "frames", "read", "decoding, processor hours", "building, processor hours"),
        *("cache", "writing it, hours", "tasks, sent", "handing them out, processor hours"),
    )
    return "\n\n".join([table(heads, rows), _limits(build, units), _origin(build, units)])


def _row(title: str, clips: int, kind: str, one: dict[str, Any], units: dict[str, Any]) -> tuple[str, ...]:
    frames = clips * one["frames"] / one["clips"]
    of_a_frame = {name: one["seconds"]["cpu"][name]["median"] / one["frames"] for name in ("decode", "build")}
    return (
        *(title, kind, f"{frames / 1e6:,.2f} million", _bytes(frames * one["bytes_a_frame"])),
        *(f"{frames * seconds / 3600:,.1f}" for seconds in of_a_frame.values()),
        *(_bytes(clips * units["bytes_a_row"]), f"{clips * units['seconds_to_write_a_row'] / 3600:,.2f}"),
        *(_bytes(clips * units["bytes_a_task"]), f"{clips * units['seconds_to_hand_out_a_task'] / 3600:,.2f}"),
    )


def _limits(build: dict[str, Any], units: dict[str, Any]) -> str:
    write, join, hand = (units[f"seconds_to_{what}"] for what in ("write_a_row", "join_a_row", "hand_out_a_task"))
    databases = {kind: build["databases"][name] for name, kind in _KINDS.items()}
    of_a_clip = {kind: one["seconds"]["cpu"]["build"]["median"] / one["clips"] for kind, one in databases.items()}
    busy = "; ".join(
        f"{seconds / write:.0f} for the disk and {seconds / hand:.0f} for the scheduler ({kind})"
        for kind, seconds in of_a_clip.items()
    )
    return (
        f"One file, on the disk that was measured, takes a row in {_ms(write)}; scheduler and client, on that machine, "
        f"hand out a task in {_ms(hand)} of processor time. More processors than these wait for one another: {busy}. "
        f"Joining takes {_ms(join)} a row there, {1_000_000 * join / 3600:,.1f} hours for a million. A fold's task is "
        f"{_bytes(units['bytes_a_fold'])} for a cache of {units['rows']} samples: names and numbers, no image."
    )


def _origin(build: dict[str, Any], units: dict[str, Any]) -> str:
    machine = units["machine"]
    return (
        f"Computed from `benchmarks/results` of {build['date'][:10]} (`build.py`) and {units['date'][:10]} "
        f"(`many_machines.py`), {machine['cpu']}, {machine['processors']} processors, with a load of "
        f"{machine['load_average'][0]:.1f} when the second began. Nobody has run a million clips."
    )


def _bytes(count: float) -> str:
    power = min(int(math.log10(count)) // 3, len(_UNITS) - 1)
    return f"{count / 1000**power:,.1f} {_UNITS[power]}"


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:.1f} ms"
