"""Parts of pages that the code writes, as Markdown: whatever could otherwise go out of date."""

import json
import re
from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import get_args

import figures
import h5py
import numpy as np
import torch
from markdown_parts import scratch, table
from numpydoc.docscrape import ClassDoc
from tiny_cache import write_tiny_cache

import mer_di
from mer_di.cli import COMMANDS
from mer_di.datasets import dataset_spec
from mer_di.evaluation.protocol import DEFAULT_VALIDATION
from mer_di.experiments import load_table
from mer_di.experiments.tables import TABLES
from mer_di.labels import list_schemes, read_scheme
from mer_di.learning.architectures import ARCHITECTURES
from mer_di.learning.model_config import ModelConfig
from mer_di.learning.models import BACKBONES, architecture
from mer_di.learning.models.fusion import FUSIONS
from mer_di.learning.train_config import TrainConfig
from mer_di.rank_pooling import SCHEMES, Magnification
from mer_di.streams import Stream

PROJECT = Path(__file__).parents[1]
PAPER_DATABASES = ("casme2", "samm", "mmew")

_WHAT_A_CACHE_HOLDS = {
    "di/onset": "dynamic image of onset→apex: the raw sum, warped once, not normalized",
    "di/offset": "of apex→offset",
    "di/full": "of the whole clip",
    "frames/onset": "the onset frame, aligned as the images are",
    "frames/apex": "the apex frame",
    "frames/offset": "the offset frame",
    "flow/onset": "optical flow of onset→apex: u to the right and v down, in pixels of the crop; strain",
    "flow/offset": "of apex→offset",
    "jitter/onset": "dynamic images of onset→apex at K neighbouring apexes; with `--apex-jitter K`",
    "jitter/offset": "of apex→offset",
    "samples/sample_id": "`subject/clip`; rows are sorted by it",
    "samples/subject": "in the database's notation",
    "samples/clip": "the table's file name",
    "samples/emotion": "in one spelling: lower case, `others`, `happiness`, `sadness`",
    "samples/emotion_written": "as the table spells it",
    "samples/action_units": "the table's cell; may be empty",
    "samples/objective_class": "the table's cell, a class of action units; may be empty",
    "samples/apex_source": "`table`; `midpoint` or `spotted` where the policy chose the apex",
    "samples/apex_confidence": "0..1 where the apex is spotted, else NaN; with `--apex-policy spot`",
    "samples/label": "0-based index into the attribute `classes` of `/samples`",
    "samples/onset": "first frame, in the database's own numbering",
    "samples/apex": "apex frame, in the same numbering",
    "samples/jitter_apex": "the neighbouring apexes, ascending, in the same numbering; with `--apex-jitter K`",
    "samples/offset": "last frame, inclusive, in the same numbering",
    "samples/onset_length": "frames of onset→apex",
    "samples/offset_length": "frames of apex→offset",
    "samples/frame_height": "of the source frames, in pixels",
    "samples/frame_width": "of the source frames, in pixels",
    "samples/fps": "frames a second; NaN where unknown",
    "samples/frames_digest": "XXH3-128 of the files that the row was computed from, hexadecimal",
    "samples/row_digest": "XXH3-128 of recipe, table, `sample_id`, and all in the row that was computed from frames",
    "samples/transform": "from the frame's (x, y) to the crop's, pixel centres at integers, 0-based",
    "dropped/sample_id": "every row of the table that is not in the cache",
    "dropped/reason": "`kind: detail`",
    "corrections/set_name": "set of an applied correction, one row each",
    "corrections/sample_id": "whose cell it is",
    "corrections/field": "`onset`, `apex` or `offset`",
    "corrections/was": "what the table holds",
    "corrections/now": "what was read instead",
    "corrections/why": "the reason",
    "corrections/source": "who found it",
}

_ATTRIBUTES = {
    "format": "always `mer_di`",
    "format_version": "of this page; a reader refuses a newer one",
    "mer_di_version": "of the program that wrote the file",
    "dataset": "registry name",
    "annotation_sha256": "digest of the annotation table's bytes",
    "annotation_version": "version of the table, recognised by its counts and by rows that are public",
    "recipe": "every parameter that changes a pixel: JSON, keys sorted, no spaces",
    "recipe_sha256": "digest of that text in UTF-8",
    "min_class_size": "smallest class that was kept",
    "table_digest": "xxh3_128 of all that no `row_digest` covers, see below; absent from older caches",
}


def numbers() -> dict[str, str]:
    """Return numbers for running text, by name."""
    exact, errors = figures.warp_errors()
    rounded, once = (100 * float(error.std() / exact.std()) for error in errors.values())
    chance, best = figures.guessing()
    rows = {row.method: row.paper for row in load_table("table1").rows}
    inputs = {row.input: row.paper for row in load_table("table4").rows if row.method == "LEARNet"}
    backbones = {row.method: row.paper for row in load_table("table2").rows}
    return {
        "version": mer_di.__version__,
        "rounding_error": f"{rounded:.1f}",
        "once_error": f"{once:.1g}" if once > 1e-4 else f"less than {10.0 ** np.ceil(np.log10(once)):.4f}",
        "chance": f"{100 * chance:.0f}",
        "best_of_guesses": f"{100 * best[-1]:.0f}",
        "guessed_epochs": str(len(best)),
        "gain_casme2": f"{rows['DIANet']['casme2'] - rows['LEARNet']['casme2']:.2f}",
        "samm_onset": f"{inputs['DI-Onset']['samm']:.2f}",
        "samm_whole": f"{inputs['DI']['samm']:.2f}",
        "mmew_resnet": f"{backbones['ResNet18']['mmew']:.2f}",
        "mmew_dianet": f"{backbones['EfficientNetV2']['mmew']:.2f}",
        "run_config": ", ".join(f"`{name}`" for name in json.loads(TrainConfig().text)) + ".",
        "default_validation": f"`{DEFAULT_VALIDATION}`",
        "epochs": str(TrainConfig().epochs),
        "input_size": str(ModelConfig().input_size),
        "fourdme_samples": str(dataset_spec("4dme").n_samples),
        "samm_subjects": str(dataset_spec("samm").n_subjects),
        **{f"n_{name}": str(n) for name, n in load_table("table1").samples.items()},
    }


def cache_datasets() -> str:
    """Return the datasets of a cache that the library has just written."""
    with h5py.File(_cache()) as file:
        size, count, beside = file["di/onset"].shape[1], len(file["samples/sample_id"]), file["jitter/onset"].shape[1]
        symbols = {size: "S", count: "N", beside: "K"}
        rows = []
        for group in ("di", "frames", "flow", "jitter", "samples", "dropped", "corrections"):
            named = {f"{group}/{name}": data for name, data in file[group].items()}
            for path in sorted(named, key=list(_WHAT_A_CACHE_HOLDS).index):
                data = named[path]
                tall = "M" if group in ("dropped", "corrections") else "N"
                shape = ", ".join([tall, *(str(symbols.get(side, side)) for side in data.shape[1:])])
                rows.append((f"`/{path}`", f"({shape})", _dtype(data), _WHAT_A_CACHE_HOLDS[path]))
    return table(("dataset", "shape", "type", ""), rows)


def cache_attributes() -> str:
    """Return the attributes of the root of a cache that the library has just written."""
    with h5py.File(_cache()) as file:
        rows = [(f"`{name}`", _ATTRIBUTES[name]) for name in sorted(file.attrs, key=list(_ATTRIBUTES).index)]
    return table(("attribute", ""), rows)


def attributes_of(path: str) -> str:
    """Return the attributes of a class, as its docstring gives them."""
    module, _, name = path.rpartition(".")
    rows = [
        (f"`{item.name}`", item.type, " ".join(item.desc))
        for item in ClassDoc(getattr(import_module(module), name))["Attributes"]
    ]
    return table(("field", "type", ""), rows)


def defaults() -> str:
    """Return the default of every parameter of model and training."""
    rows = [
        (f"`{field.name}`", f"`{getattr(config, field.name)!r}`")
        for config in (ModelConfig(), TrainConfig())
        for field in fields(config)
        if field.name != "model"
    ]
    rows.append(("`validation`", f"`{DEFAULT_VALIDATION!r}`"))
    return table(("parameter", "default"), rows)


def commands() -> str:
    """Return the commands, and what each does."""
    found = {name: import_module(f"mer_di.cli.{name}").command for name in COMMANDS}
    return table(("", ""), [(f"`mer-di {name}`", command.get_short_help_str(200)) for name, command in found.items()])


def label_schemes() -> str:
    """Return the label schemes that ship, their classes and their samples as published."""
    rows = []
    for name in list_schemes():
        scheme = read_scheme(name)
        samples = {base: sum(labels.published.values()) for base, labels in scheme.databases.items()}
        rows.append(
            (
                f"`{name}`",
                ", ".join(scheme.classes),
                ", ".join(f"{base} {n}" for base, n in samples.items()),
                sum(samples.values()),
            )
        )
    return table(("`--labels`", "classes", "samples as published", "in all"), rows)


def backbones() -> str:
    """Return the short names of the paper's backbones."""
    return table(("short name", "timm model"), [(f"`{short}`", f"`{name}`") for short, name in BACKBONES.items()])


def paper_tables() -> str:
    """Return the tables: how each row is repeated, and where its numbers come from."""
    parts = []
    for name in TABLES:
        printed = load_table(name)
        rows = [
            (
                row.input,
                row.method + (" (copied)" if row.copied else ""),
                row.layers,
                *(f"{row.paper[base]:.2f}" if base in row.paper else "" for base in PAPER_DATABASES),
                f"run `{row.run.name}`" if row.run else f"not implemented: {row.missing}",
            )
            for row in printed.rows
        ]
        parts.append(f"### {printed.title}\n\n{table(('input', 'method', 'layers', *PAPER_DATABASES, 'here'), rows)}")
        copied = [row for row in printed.rows if row.copied]
        if copied:
            numbers = [
                (row.method, _listed(row.classes), _listed(row.implied), row.protocol, row.selection, row.source)
                for row in copied
            ]
            header = ("method", "classes", "N implied", "protocol", "epoch kept by", "source")
            parts.append(f"Where the copied numbers come from:\n\n{table(header, numbers)}")
    return "\n\n".join(parts)


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "unknown"


def networks() -> str:
    """Return every network with its size: parameters, running statistics left out, and what it takes."""
    rows = []
    for name, own in ARCHITECTURES.items():
        streams = tuple(each[0] for each in own.streams or ()) or ModelConfig().streams
        network = architecture(ModelConfig(architecture=name, streams=streams), 5)
        parameters = sum(parameter.numel() for parameter in network.parameters())
        size = f"{own.size}{', no other' if own.smallest is None else ''}"
        takes = "one or two" if own.streams is None else ", and ".join(map(_any_of, own.streams))
        rows.append((f"`{name}`", f"{parameters:,}", size, takes))
    return table(("`--architecture`", "parameters for 5 classes", "pixels", "streams"), rows)


def _any_of(streams: tuple[str, ...]) -> str:
    return "one" if streams == get_args(Stream) else " / ".join(streams)


def weights(n_frames: str) -> str:
    """Return the weights of every scheme over a clip of so many frames; `magnified` with 10 times 1/40 to 1/8."""
    count = int(n_frames)
    needs = {"magnified": (Magnification(10, 1 / 40, 1 / 8),)}
    row_of = {name: scheme(count, *needs.get(name, ())) for name, scheme in SCHEMES.items()}
    rows = [
        (f"`{name}`", *(f"{weight:.2f}".removesuffix(".00") for weight in row), f"{row.sum():g}")
        for name, row in row_of.items()
    ]
    return table(("scheme", *(f"α{t}" for t in range(1, count + 1)), "Σα"), rows)


def attention_gradients() -> str:
    """Return how much a first step moves query, key and value of two readings of cross-attention."""
    torch.manual_seed(0)
    positions = torch.randn(2, 8, 49, 64)
    rows = []
    for name in ("cross", "cross-single-token"):
        torch.manual_seed(1)
        fusion = FUSIONS[name](64)
        fusion(*positions).square().mean().backward()
        size = {
            part: sum(
                float(p.grad.norm())
                for layer, p in fusion.named_parameters()
                if f".{part}." in layer and p.grad is not None
            )
            for part in ("query", "key", "value")
        }
        rows.append((f"`{name}`", *(f"{size[part]:.1g}" for part in ("query", "key", "value"))))
    return table(("fusion", "gradient of query", "of key", "of value"), rows)


def examples() -> str:
    """Return the scripts and notebooks of examples/, each under its first line."""
    folder = PROJECT / "examples"
    parts: list[str] = []
    for path in sorted([*folder.glob("*.py"), *folder.glob("*.ipynb")]):
        title = f"## {path.name}\n\n{{download}}`Download <../examples/{path.name}>`"
        parts.append(f"{title}\n\n{_notebook(path) if path.suffix == '.ipynb' else _script(path)}")
    return "\n\n".join(parts)


def benchmarks() -> str:
    """Return the measurements that lie in benchmarks/results, or how to take them."""
    results = PROJECT / "benchmarks" / "results"
    if (results / "README.md").exists():
        return _moved((results / "README.md").read_text(encoding="utf-8"), "../benchmarks/results/")
    scripts = "\n".join(f"- `python {path.relative_to(PROJECT)}`" for path in sorted(_scripts(PROJECT / "benchmarks")))
    return f"No tables have been written from `benchmarks/results/` yet. Each script measures one path:\n\n{scripts}"


def _scripts(folder: Path) -> Iterator[Path]:
    return (path for path in folder.glob("*.py") if "__main__" in path.read_text(encoding="utf-8"))


def _script(path: Path) -> str:
    return f"```{{literalinclude}} ../examples/{path.name}\n:language: python\n```"


def _notebook(path: Path) -> str:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    shown = {"markdown": "{}", "code": "```python\n{}\n```"}
    sources = ((cell["cell_type"], "".join(cell["source"])) for cell in cells)
    return "\n\n".join(shown[kind].format(_below(text, 2) if kind == "markdown" else text) for kind, text in sources)


def _moved(text: str, folder: str) -> str:
    """Rewrite a page for another folder and one heading further down; what is fenced stays as it is."""
    between_fences = re.split(r"(^```.*?^```$)", text, flags=re.MULTILINE | re.DOTALL)
    links = re.compile(r"\]\((?!\w+:|#)([^)]+)\)")
    return "".join(
        part if part.startswith("```") else _below(links.sub(rf"]({folder}\1)", part), 1) for part in between_fences
    )


def _below(text: str, levels: int) -> str:
    return re.sub(r"^#", "#" * (levels + 1), text, flags=re.MULTILINE)


@cache
def _cache() -> Path:
    made: Path = write_tiny_cache(scratch() / "tiny.h5", flow="ilk", apex_jitter=4, apex_policy="spot")
    return made


def _dtype(data: h5py.Dataset) -> str:
    return "UTF-8" if h5py.check_string_dtype(data.dtype) else str(data.dtype)
