"""What the code knows of each database, as Markdown: constants, counts, corrections, and what ``mer-di check`` says."""

import ast
import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

import lookalikes
from click.testing import CliRunner
from markdown_parts import block, scratch, table

from mer_di.building.plan import make_plan
from mer_di.cli import root as command_line
from mer_di.datasets import SETS, dataset_spec, list_datasets, load_dataset
from mer_di.experiments import load_table
from mer_di.recipe import Recipe
from mer_di.synthetic.layouts import find_layout
from mer_di.synthetic.quirks import plant

PACKAGE = Path(__file__).parents[1] / "mer_di"

_WHY_DROPPED = {
    "apex-missing": "the apex cell holds no number, such as `/`",
    "apex-not-found": "nothing changes in the frames in which `--apex-policy spot` looks for the apex",
    "apex-outside": "the apex lies before the onset or after the offset",
    "class-too-small": "the emotion has fewer rows than `--min-class-size`",
    "clip-changed": "a file changed while it was read",
    "clip-not-found": "no folder or video belongs to the row",
    "clip-too-long": "onset and offset are further apart than any clip is long: a slip in the table",
    "clip-unreadable": "the video cannot be opened, or is a playlist that names other files",
    "face-not-found": "no face on the onset frame (with alignment)",
    "face-outside-frame": "the landmarks put the crop outside the frame",
    "fps-invalid": "the frames a second are no number above 0 and up to a million",
    "fps-missing": "the frames a second are not known, and scheme `magnified` has to find its band",
    "fps-too-low": "half of the frames a second is below the band of scheme `magnified`: the clip cannot show it",
    "frame-gap": "a frame between onset and offset is absent; of an AVI: its frames are not evenly spaced",
    "frame-not-8-bit": "a frame has more than 8 bits a channel (of a video: 16)",
    "frame-size-changes": "frames of one clip differ in size",
    "frame-unnumbered": "an image's name holds no number",
    "frame-unreadable": "a frame is damaged, cut short, no image, or declares more than 33,554,432 pixels",
    "frames-ambiguous": "two files of a folder claim the same number",
    "frames-missing": "the clip ends, or begins, inside onset..offset",
    "offset-before-onset": "the numbers are the wrong way round",
    "offset-missing": "the offset cell holds no number",
    "onset-missing": "the onset cell holds no number",
    "phase-too-short": "a phase has a single frame: its image would be blank",
    "several-faces": "more than one face on the onset frame; `--several-faces largest` takes the largest",
}


def databases() -> str:
    """Return the table of supported databases."""
    specs = [dataset_spec(name) for name in list_datasets()]
    rows = [(f"[`{s.name}`]({s.name}.md)", s.title, s.n_samples, s.n_subjects, _link(s.request_url)) for s in specs]
    return table(("`--dataset`", "database", "samples", "subjects", "ask for it at"), rows)


def about(name: str) -> str:
    """Return what is constant about a database."""
    spec = dataset_spec(name)
    trees = ", ".join(f"`{t.name}`{' (registered faces)' if t.registered else ''}" for t in spec.trees)
    choice = "; the first that is there is read, `--tree` chooses another" if len(spec.trees) > 1 else ""
    lines = {
        "Cite": f"{spec.citation}. {f'[doi:{spec.doi}](https://doi.org/{spec.doi})' if spec.doi else ''}".strip(". "),
        "Ask for it at": _link(spec.request_url),
        "Terms": spec.licence + (" The agreement that comes with the data decides." if spec.request_url else ""),
        "Frames a second": f"{spec.fps:g}" if spec.fps else "",
        "Frame trees": f"{trees}{choice}",
    }
    return "\n".join(f"- **{title}:** {text}" for title, text in lines.items() if text)


def layout(name: str) -> str:
    """Return the expected tree, as ``mer-di datasets NAME`` prints it."""
    return block(dataset_spec(name).layout)


def counts(name: str) -> str:
    """Return the rows of each emotion in each published version of the table."""
    published = dataset_spec(name).published
    emotions = dict.fromkeys(emotion for version in published for emotion in version.emotions)
    rows = [(emotion, *(version.emotions.get(emotion) for version in published)) for emotion in emotions]
    rows += [("**all**", *(version.samples for version in published))]
    return table(("emotion", *(f"table `{version.version}`" for version in published)), rows)


def corrections(name: str) -> str:
    """Return every correction that is known of a database."""
    rows = [
        (c.set_name, c.sample_id, c.onset, c.field, "any" if c.was is None else c.was, c.now, c.why, c.source)
        for c in import_module(f"mer_di.datasets.{name}").CORRECTIONS
    ]
    return table(("set", "clip", "row's onset", "field", "was", "now", "why", "source"), rows)


def correction_sets() -> str:
    """Return what each set of corrections is."""
    return table(("`--corrections`", ""), [(f"`{name}`", what) for name, what in SETS.items()])


def checked(name: str, *options: str) -> str:
    """Return what ``mer-di check`` says of a look-alike with the published counts and the known oddities."""
    place = _lookalike(name)
    words = ["check", "--dataset", name, "--root", str(place), *options]
    found = CliRunner().invoke(command_line, words, catch_exceptions=False)
    text = found.stdout.replace(str(place), f"~/data/{place.name}")
    return block(re.sub(r"sha256 \w{64}", "sha256 …", text).rstrip())


def kept() -> str:
    """Return how class filter and unusable apexes reduce each table whose emotions were counted in public."""
    rows = []
    for name in (name for name in list_datasets() if any(of.emotions for of in dataset_spec(name).published)):
        database = load_dataset(name, _lookalike(name))
        plan = make_plan(database, Recipe(align="none", aspect="stretch"), min_class_size=10)
        too_few = sum(reason.startswith("class-too-small") for reason in plan.dropped.values())
        classes = len({clip.sample.emotion for clip in plan.clips})
        subjects = len({clip.sample.subject for clip in plan.clips})
        implied = load_table("table1").samples.get(name)
        all_rows = len(database.samples)
        rows.append((f"`{name}`", all_rows, all_rows - too_few, len(plan.clips), classes, subjects, implied))
    headers = ("database", "rows", "in classes of 10 or more", "usable", "classes", "subjects", "the paper's N")
    return table(headers, rows)


def quirks(name: str) -> str:
    """Return what ``mer-di synth --messy`` plants in a layout."""
    _, planted = plant(list(find_layout(name, None).entries(4, 1, 0)), name, 0)
    rows = {item.kind: item.what for item in reversed(planted)}
    return table(("kind", "for example"), [(f"`{kind}`", what) for kind, what in sorted(rows.items())])


def drops() -> str:
    """Return every reason for which a sample is dropped; fails if the code knows another."""
    raised = set(_kinds_of_sample_errors())
    if raised != set(_WHY_DROPPED):
        raise RuntimeError(f"reasons undocumented or no longer raised: {sorted(raised ^ set(_WHY_DROPPED))}")
    return table(("reason", ""), [(f"`{kind}`", why) for kind, why in sorted(_WHY_DROPPED.items())])


@cache
def _lookalike(name: str) -> Path:
    """Write the look-alike of a database, by ``write_NAME`` of ``tests/lookalikes.py``, as its layout names it."""
    home = dataset_spec(name).layout.partition("/")[0]
    write: Callable[[Path], Path] = getattr(lookalikes, f"write_{name}")
    return write(scratch() / home)


def _kinds_of_sample_errors() -> Iterator[str]:
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "SampleError" and node.args:
                yield from (str(each.value) for each in ast.walk(node.args[0]) if isinstance(each, ast.Constant))


def _link(address: str) -> str:
    return f"[{urlsplit(address).netloc}]({address})" if address else ""
