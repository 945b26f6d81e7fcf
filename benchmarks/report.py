"""Write ``results/README.md`` and its figures from the newest measurements; nothing there is typed by hand.

python benchmarks/report.py [--results FOLDER]
"""

import argparse
import json
import statistics
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

RESULTS = Path(__file__).parent / "results"
OURS, FLOOR, PEER = "#2a8fbd", "#8a8a8a", "#d1792c"
STYLE: dict[Any, object] = {  # legible on a light page and on a dark one
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), "#808080"),
    **dict.fromkeys(("axes.spines.top", "axes.spines.right"), False),
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "svg.hashsalt": "mer_di",
    "font.size": 10,
}

Record = dict[str, Any]


def newest(results: Path) -> dict[str, Record]:
    """Return the newest record of each kind, by kind: files are called ``<date>-<kind>.json``."""
    paths = {path.stem[11:]: path for path in sorted(results.glob("*-*-*-*.json"))}
    return {kind: {"kind": kind, **json.loads(path.read_text(encoding="utf-8"))} for kind, path in paths.items()}


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; the first column is text, the others are numbers."""
    lines = [header, ["---", *["--:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def spread(values: Record, digits: int = 2, factor: float = 1.0) -> str:
    """Write ``median [quartile, quartile]``."""
    middle, low, high = (f"{factor * values[name]:.{digits}f}" for name in ("median", "p25", "p75"))
    return f"{middle} [{low}, {high}]"


def circumstances(record: Record) -> str:
    """Say when and on which machine, and how busy it was."""
    of = record["machine"]
    load = of.get("load_average") or [float("nan")]
    processors = of.get("processors", of.get("cpus", "?"))
    quick = " A quick run." if record.get("quick") else ""
    when = f"{record['date'][:10]}, {of['cpu']}, {processors} processors"
    return f"{when}, load average {load[0]:.1f} before the run.{quick}"


def figure(path: Path, draw: Callable[[Axes], None], size: tuple[float, float]) -> str:
    """Draw an SVG; return the Markdown that shows it."""
    with mpl.rc_context(STYLE):
        drawing, axes = plt.subplots(figsize=size, layout="constrained")
        draw(axes)
        drawing.savefig(path, transparent=True, metadata={"Date": None})
        plt.close(drawing)
    return f"![{path.stem.replace('-', ' ')}]({path.name})"


def bars(
    values: dict[str, Record], colours: Sequence[str], label: str, line: float | None = None
) -> Callable[[Axes], None]:
    """Return how to draw medians as bars with their quartiles."""

    def draw(axes: Axes) -> None:
        middles = [value["median"] for value in values.values()]
        errors = [
            [value["median"] - value["p25"] for value in values.values()],
            [value["p75"] - value["median"] for value in values.values()],
        ]
        axes.barh(list(values), middles, xerr=errors, color=colours, ecolor="#808080", height=0.6)
        axes.invert_yaxis()
        axes.set_xlabel(label)
        if line is not None:
            axes.axvline(line, color=FLOOR, linestyle="--", linewidth=1)

    return draw


def build(record: Record, folder: Path) -> str:
    """Describe the build: against decoding, against the usual way, stage by stage, by length and by worker."""
    found = record["databases"]
    fast = f"simplejpeg {record['simplejpeg']}" if record["simplejpeg"] else "without simplejpeg"
    sizes = "; ".join(
        f"{name}: {of['clips']} clips, {of['frames']} frames, {of['width']}×{of['height']}"
        f"{' grey' if of['grey'] else ''}, {of['bytes_a_frame'] / 1e3:.0f} kB a frame"
        for name, of in found.items()
    )
    ratio_rows = [
        [f"{name}: {pair}", *(spread(of["ratios"][kind][pair]) for kind in ("wall", "cpu"))]
        for name, of in found.items()
        for pair in of["ratios"]["wall"]
    ]
    stages = list(dict.fromkeys(stage for of in found.values() for stage in of["breakdown_ms_a_clip"]))
    stage_rows = [
        [stage, *(f"{of['breakdown_ms_a_clip'].get(stage, 0):.1f}" for of in found.values())] for stage in stages
    ]
    wall = {f"{name}\n{pair}": value for name, of in found.items() for pair, value in of["ratios"]["wall"].items()}
    colours = [PEER if "no extra" in name else OURS for name in wall]
    lengths = record["length"]

    def by_length(axes: Axes) -> None:
        axes.loglog([row["frames"] for row in lengths], [row["cpu"]["median"] for row in lengths], "o-", color=OURS)
        axes.set(xlabel="frames in the clip", ylabel="processor seconds")

    usual = [
        [name, str(of["usual_way"]["clips"]), spread(of["usual_way"]["ratios"]["wall"]["usual way / build"], 1)]
        for name, of in found.items()
    ]
    workers = [
        [f"{name}: {pair}", spread(value)]
        for name, of in found.items()
        for pair, value in of["scaling"]["ratios"].items()
    ]
    start = record["startup"]["outside decoding"]
    shares = ", ".join(f"{100 * of['region']:.0f} % ({name})" for name, of in found.items() if "region" in of)
    return "\n\n".join(
        [
            "## The build: decoding alone",
            f"{circumstances(record)} {record['jobs']} workers, {fast}, {record['rounds']} rounds; median [quartiles] "
            f"of ratios within a round. Drawn databases: {sizes}. `decode` reads the same files as the build does and "
            "does nothing else, `decode, OpenCV` is `cv2.imdecode` to three channels. `no extra`: without simplejpeg.",
            table(["ratio", "wall time", "processor time"], ratio_rows),
            figure(
                folder / "build-over-decoding.svg",
                bars(wall, colours, "build over decoding, wall time", 1.0),
                (7, 0.5 + 0.5 * len(wall)),
            ),
            "Most of a build is decoding, and a decoder that stops at the face would save some of it"
            + (f": the crop is made of {shares} of a frame" if shares else "")
            + ". That is not done here: a JPEG decoder is not what this project exists for. Where a well-kept library "
            "decodes regions one day, `mer_di.imaging.image` is the place.",
            "Where a build's processor time goes, one worker, milliseconds a clip:",
            table(["stage", *found], stage_rows),
            "The usual way (decode, detect and warp every frame with dlib and OpenCV, stack, sum in float32) over a "
            "build of the same clips, wall time:",
            table(["database", "clips", "ratio"], usual),
            "One worker over all of them, wall time; decoding shows what the machine had to give:",
            table(["ratio", "times as fast"], workers),
            "Clips of one to the other length, one worker:",
            table(
                ["frames", "processor ms a frame"],
                [[str(row["frames"]), spread(row["cpu"], 2, 1e3 / row["frames"])] for row in lengths],
            ),
            figure(folder / "build-by-length.svg", by_length, (6, 3.2)),
            f"`mer-di build` of one clip, as a process of its own, spends {spread(start)} s outside decoding.",
        ]
    )


def memory(record: Record, folder: Path) -> str:
    """Describe the peak memory of a build by the clip's length."""
    peaks = record["peak_bytes"]
    first = next(iter(peaks.values()))
    rows = [[frames, f"{peak / 2**20:.0f}", f"{peak / first:.3f}"] for frames, peak in peaks.items()]
    return "\n\n".join(
        [
            "## Peak memory",
            f"{circumstances(record)} One clip of {record['width']}×{record['height']}.",
            table(["frames", "MiB", "ratio"], rows),
        ]
    )


def guards(record: Record, folder: Path) -> str:
    """Describe what each guard adds to the time of a build."""
    trees = record["with all over without"]
    names = [pair.partition(" / ")[2] for pair in next(iter(trees.values()))["cpu"]]
    columns = [(tree, kind) for tree in trees for kind in ("wall", "cpu")]
    words = {"wall": "wall", "cpu": "processor"}
    rows = [[name, *(spread(trees[tree][kind][f"all guards / {name}"], 3) for tree, kind in columns)] for name in names]
    return "\n\n".join(
        [
            "## What guards cost",
            f"{circumstances(record)} Time of a build with all of them over that without one, {record['jobs']} "
            f"workers, {record['rounds']} rounds; below 1 it costs nothing that can be told from noise, or saves time.",
            table(["without", *(f"{tree}, {words[kind]}" for tree, kind in columns)], rows),
        ]
    )


def kernels(record: Record, folder: Path) -> str:
    """Describe the weighted sums against reading memory."""
    parts = ["## The kernel: reading memory", circumstances(record)]
    timed = [of for of in record["records"] if "ratio_to_floor" in of]
    for shape in dict.fromkeys(tuple(of["shape"]) for of in timed):
        rows = [
            [
                f"{of['rows']}: {of['name']}",
                spread(of["seconds"], 2, 1e3),
                f"{of['gb_per_s']:.1f}",
                spread(of["ratio_to_floor"]),
            ]
            for of in timed
            if tuple(of["shape"]) == shape
        ]
        ours = {
            of["rows"]: of["ratio_to_floor"] for of in timed if tuple(of["shape"]) == shape and of["name"] == "mer_di"
        }
        name = "x".join(map(str, shape))
        parts += [
            f"Clips of {name}:",
            table(["", "ms a clip", "GB/s", "of reading"], rows),
            figure(
                folder / f"kernels-{name}.svg",
                bars(ours, [OURS] * len(ours), "share of the speed of reading memory", 1.0),
                (6, 0.6 + 0.4 * len(ours)),
            ),
        ]
    return "\n\n".join(parts)


def training(record: Record, folder: Path) -> str:
    """Describe the trainer against the bare step."""
    found = record["results"]
    rows = [
        ["bare step, images a second", f"{found['bare_step']['images_per_s']:.1f}"],
        ["`train_model`, images a second", f"{found['train_model']['images_per_s']:.1f}"],
        ["`train_model` over the bare step", spread(found["trainer_over_bare_step"], 3)],
        [
            f"{found['folds_at_a_time']['folds']} folds at a time over one on all threads",
            f"{found['folds_at_a_time']['gain']:.2f}",
        ],
        ["start-up, s", spread(found["startup"])],
    ]
    setting = f"{record['backbone']}, {record['size']}×{record['size']}, batches of {record['batch_size']}."
    return "\n\n".join(["## The trainer: the bare step", f"{circumstances(record)} {setting}", table(["", ""], rows)])


def precision(record: Record, folder: Path) -> str:
    """Describe training in bfloat16 over training in float32, and folds at a time on one device."""
    rows = [
        [of["backbone"], *(spread(of["images_per_s"][name], 1) for name in ("float32", "bfloat16")), spread(ratio)]
        for of in record["records"]
        for ratio in [of["bfloat16_over_float32"]]
    ]
    setting = f"{record['size']}×{record['size']}, batches of {record['batch_size']}, {record['batches']} a training"
    where = record.get("gpu") or "one thread"
    parts = [
        f"## Training in bfloat16: float32, {where}",
        f"{circumstances(record)} {setting}, {record['rounds']} rounds; `train_model`, images a second.",
        table(["backbone", "float32", "bfloat16", "bfloat16 over float32"], rows),
    ]
    if record["folds_at_a_time"]:
        together = [
            [f"{of['backbone']}, {of['precision']}", str(of["folds"]), spread(of["images_per_s"], 1)]
            for of in record["folds_at_a_time"]
        ]
        parts += ["Folds at a time, all on it:", table(["", "folds", "images a second together"], together)]
    return "\n\n".join(parts)


def flow(record: Record, folder: Path) -> str:
    """Describe which optical flow sees a micro-expression."""

    def row(name: str, of: Record) -> list[str]:
        wide, narrow = (
            statistics.mean(value for case, value in of["recovered"].items() if f"σ {sigma} px" in case)
            for sigma in (14, 6)
        )
        wrong = statistics.mean(of["error, px"].values())
        figures = (wide, narrow, of["shift of 1 px"], wrong, of["noise floor, px"], of["equal pictures, px"])
        return [name, *(f"{figure:.2f}" for figure in figures)]

    faces = next(name for name in ("drawn", "photographed") if record["kind"].endswith(name))
    columns = ["", "wide bump", "narrow bump", "shift of 1 px", "error, px", "noise floor, px", "equal pictures, px"]
    return "\n\n".join(
        [
            f"## Optical flow: known motions of {record['faces']} {faces} faces",
            f"{circumstances(record)} OpenCV {record['opencv']}. Motions of 0.25 to 2 pixels in crops of "
            f"{record['size']} pixels; in bold what `mer_di.imaging.flow` offers. Bumps and shift: the share of the "
            "motion that is seen, on clean pictures. Error: the distance from the truth around the bumps, when both "
            "pictures come from a camera that adds noise and saves JPEG. Noise floor: what moves in a still face from "
            "that camera.",
            table(columns, [row(name, of) for name, of in record["estimators"].items()]),
        ]
    )


def flow_build(record: Record, folder: Path) -> str:
    """Describe what optical flow costs a build."""
    columns = ["", "engine", "processor time over without", "wall time over without", "share of the engine"]

    def row(name: str, of: Record, engine: str) -> list[str]:
        cpu, wall = (spread(of["ratios"][kind][f"{engine} / without"], 1) for kind in ("cpu", "wall"))
        return [f"{name}, {of['clips']} clips", engine, cpu, wall, f"{of['share'][engine]:.0%}"]

    rows = [row(name, of, engine) for name, of in record["databases"].items() for engine in of["share"]]
    return "\n\n".join(
        [
            "## Optical flow in a build",
            f"{circumstances(record)} Both flows of a clip in images of 224 pixels, {record['jobs']} workers, "
            f"{record['rounds']} rounds. The share is that of a build with one worker.",
            table(columns, rows),
        ]
    )


def spotting(record: Record, folder: Path) -> str:
    """Describe how far spotted apexes are from the true ones."""
    conditions = record["conditions"]
    guesses = next(iter(conditions.values()))

    def found(of: Record) -> str:
        return f"{100 * of['found']:.0f} %"

    def off(of: Record, unit: str, factor: float, digits: int) -> str:
        return " / ".join(f"{factor * of[f'{name}, {unit}']:.{digits}f}" for name in ("median", "p75"))

    shares = [[guess, *(found(of[guess]) for of in conditions.values())] for guess in guesses]
    spots = [
        [
            name,
            off(of["**spot**"], "frames", 1, 0),
            off(of["**spot**"], "share", 100, 1),
            off(of["midpoint"], "share", 100, 1),
        ]
        for name, of in conditions.items()
    ]
    sure = [
        [f"{band['from']:.2f} to {band['to']:.2f}", str(band["clips"]), found(band)]
        for band in record["found by confidence"]
    ]
    spreads = [
        [name, f"{middle:.2f} [{low:.2f}, {high:.2f}]"] for name, (low, middle, high) in record["confidence"].items()
    ]
    around = f"{100 * record['around']:.0f} %"
    return "\n\n".join(
        [
            "## Apexes: distance to the true one",
            f"{circumstances(record)} {record['clips']} drawn clips a condition, read from onset to offset. Share of "
            f"the clips whose apex is found within {around} of the length:",
            table(["", *conditions], shares),
            "How far `spot` is off, median / upper quartile, and the middle beside it:",
            table(["", "frames", "% of the length", "middle: % of the length"], spots),
            f"How often it is within {around} where it says to be how sure, and how sure it is where:",
            table(["confidence", "clips", "found"], sure),
            table(["", "confidence"], spreads),
        ]
    )


def gpu_analysis(record: Record, folder: Path) -> str:
    """Describe the GPU's machine code, and what it lets one expect."""
    rows = [
        [
            f"{of['target']}, {of['rows']} rows to {of['sums']}",
            str(of["registers"]),
            str(of["spilled_bytes"]),
            str(of["local_memory_instructions"]),
            max(of["loads_in_loop"], key=len),
            f"{of['instructions_per_pixel_and_frame']:.1f}",
            "; ".join(
                f"{name} {share['lower']:.2f}–{share['upper']:.2f}"
                for name, share in of["predicted_share_of_bandwidth"].items()
            ),
        ]
        for of in record["records"]
    ]
    header = ["", "registers", "bytes spilled", "local memory", "widest load", "instructions a pixel and frame"]
    return "\n\n".join(
        [
            "## The GPU: machine code, and a prediction",
            "Compiled and disassembled, **not run: no GPU was there**. The last column is what instruction counts, an "
            "assumed latency and the makers' figures let one expect as a share of the memory's bandwidth. "
            "`python benchmarks/gpu.py` measures it.",
            table([*header, "predicted share"], rows),
        ]
    )


SECTIONS: dict[str, Callable[[Record, Path], str]] = {
    "kernels": kernels,
    "build": build,
    "training": training,
    "precision": precision,
    "precision-cuda": precision,
    "memory": memory,
    "guards": guards,
    "flow-photographed": flow,
    "flow-drawn": flow,
    "flow-build": flow_build,
    "spotting": spotting,
    "gpu-analysis": gpu_analysis,
}


def main() -> None:
    """Write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=RESULTS)
    folder = parser.parse_args().results
    records = newest(folder)
    parts = ["# Benchmarks", "Written by `benchmarks/report.py` from the newest figures beside this page: do not edit."]
    parts += [section(records[kind], folder) for kind, section in SECTIONS.items() if kind in records]
    others = sorted(records.keys() - SECTIONS.keys())
    parts += [f"Further figures, without a table here: {', '.join(others)}."] if others else []
    (folder / "README.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    print(f"written: {folder / 'README.md'}, {', '.join(sorted(records))}")


if __name__ == "__main__":
    main()
