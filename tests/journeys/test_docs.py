"""The site builds without a warning, and what README and the site tell people to type works.

Every fenced block is taken: `sh` line by line, `python` as a script, each page in a copy of a folder that looks like a
user's. What is licensed there is drawn, and trainings are cut short (`CHEAPER`); a command or an option that does not
exist fails. A block in a language that is not listed here fails too, so none is passed over unseen.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from itertools import cycle, islice
from pathlib import Path

import pytest
from click.testing import CliRunner

from mer_di.datasets import dataset_spec, list_datasets

PROJECT = Path(__file__).parents[2]
PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md"))]
PAGES = [page for page in PAGES if "_build" not in page.parts]
OTHER_PROGRAMS = PROJECT / "docs" / "readers.md"  # its blocks are run by test_readers.py

# One tiny network, one epoch, two subjects: what a page says about a training is parsed and run, not believed.
DIANET_CHEAPER = ["--no-pretrained", "--backbone", "test_resnet", "--size", "64"]
CHEAPER = {
    "build": ["--size", "64", "--min-class-size", "1", "--jobs", "2"],
    "train": ["--epochs", "1", "--validation", "none", "--jobs", "1", "--batch-size", "8"],
    "reproduce": [
        *("--epochs", "1", "--validation", "none", "--jobs", "1", "--min-class-size", "1"),
        *("--align", "none", *DIANET_CHEAPER),
    ],
}
FELL_SHORT_IS_FINE = {"check", "diff"}  # 1 says that a sample is unusable, that two caches differ
NOT_RUN = ("text", "matlab", "{")  # output, another language, directives of the site


def blocks(page):
    """Language and content of each fenced block."""
    found = re.findall(r"^(`{3,})([^\n]*)\n(.*?)^\1$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [(language, text) for _, language, text in found]


RUN_HERE = [page for page in PAGES if page != OTHER_PROGRAMS]
WITH_COMMANDS = [page for page in RUN_HERE if {"sh", "python"} & {language for language, _ in blocks(page)}]


def test_every_block_is_in_a_language_that_is_run_or_known():
    for page in RUN_HERE:
        for language, _ in blocks(page):
            assert language in ("sh", "python") or language.startswith(NOT_RUN), f"{page.name}: {language!r}"


def test_every_table_and_figure_of_a_page_is_made_by_a_function():
    functions = {
        name
        for module in (PROJECT / "docs").glob("*.py")
        for name in re.findall(r"^def (\w+)\(", module.read_text(encoding="utf-8"), re.MULTILINE)
    }
    for page in PAGES:
        asked = re.findall(r"^`{3,}\{(?:written|drawn)\} (\w+)", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert set(asked) <= functions, page.name


def test_the_links_of_the_readme_lead_somewhere():
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    targets = [link for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text) if "://" not in link]
    assert targets
    assert [link for link in targets if not (PROJECT / link).exists()] == []


def test_the_accuracies_of_the_readme_are_those_of_the_newest_record():
    path = max((PROJECT / "benchmarks" / "results").glob("????-??-??-rivals-synthetic.json"))
    rows = [row for of in json.loads(path.read_text(encoding="utf-8"))["tables"].values() for row in of["rows"]]
    percent = "{:.1f} [{:.1f}, {:.1f}] | {:.1f}".format
    measured = {percent(*(100 * rate for rate in (r["accuracy"], *r["interval"], r["shuffled"]))) for r in rows}
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"^\|[^|]+\|[^|]+\| ([\d.]+ \[[^]]+\] \| [\d.]+) \|$", text, re.MULTILINE)
    assert shown
    assert set(shown) <= measured


def test_the_databases_of_the_readme_are_those_that_are_read():
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"^\| `(\w+)` \|[^|]+\| (\d*) ?\| (\d*) ?\| (?:<(.*)>)? ?\|$", text, re.MULTILINE)
    specs = [dataset_spec(name) for name in list_datasets()]
    published = [(s.name, str(s.n_samples or ""), str(s.n_subjects or ""), s.request_url) for s in specs]
    assert sorted(shown) == sorted(published)


def test_the_site_builds_without_a_warning(tmp_path):
    for needed in ("sphinx", "myst_parser", "furo", "numpydoc", "sphinx_click", "matplotlib"):
        pytest.importorskip(needed, reason=f"{needed} is absent: pip install 'mer_di[docs]'")
    arguments = ["-b", "html", "--fresh-env", "--fail-on-warning", "--keep-going", "-q", "-d", str(tmp_path / "trees")]
    command = [sys.executable, "-m", "sphinx", *arguments, str(PROJECT / "docs"), str(tmp_path / "site")]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout[-2000:] + found.stderr[-4000:]
    pages = sorted((tmp_path / "site").rglob("*.html"))
    assert len(pages) > len(PAGES) - 1  # all of docs, search and index
    for page in pages:
        html = page.read_text(encoding="utf-8")
        for source in re.findall(r'<(?:img|script|link)[^>]+?(?:src|href)="([^"]+)"', html):
            assert "://" not in source, f"{page.name} would fetch {source}"
            assert (page.parent / source.partition("?")[0].partition("#")[0]).exists(), f"{page.name}: {source}"


@pytest.fixture(scope="session")
def furnished(tmp_path_factory):
    """A home as the pages assume it: databases below ~/data, drawn; caches, runs, a model and a clip beside them."""
    pytest.importorskip("timm", reason="trainings on the pages need timm: pip install 'mer_di[train]'")
    from mer_di.synthetic import write_database

    home = tmp_path_factory.mktemp("home")
    data = home / "data"
    with pytest.MonkeyPatch.context() as patch:
        _draw_quickly(patch)
        mmew = write_database(data / "MMEW_Final", layout="mmew", subjects=2)
        casme2 = write_database(data / "CASME2", layout="casme2", subjects=1)
        several = {"CASME": "casme", "CASME_sq": "cas_me_2", "CASME3": "cas_me_3", "SMIC": "smic"}
        several |= {"DFME": "dfme", "4DMicro": "4dme", "MEVIEW": "meview"}
        for folder, layout in several.items():
            write_database(data / folder, layout=layout, subjects=1)
    _write_samm(data / "SAMM")
    _write_own(data / "own")
    (data / "databases").mkdir()
    (data / "databases" / "samm").symlink_to(data / "SAMM")
    clip = max(mmew.glob("Micro_Expression/*/*"), key=lambda folder: len(list(folder.iterdir())))
    shutil.copytree(clip, data / "clips" / "new")
    (data / "clips.csv").write_text("path,onset,apex,offset\nclips/new,1,12,30\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        _move_in(patch, home)
        for out, database, root, *options in (
            ("mmew.h5", "mmew", mmew),
            ("other.h5", "mmew", mmew, "--scheme", "harmonic_arp"),
            ("casme2.h5", "casme2", casme2),
        ):
            _mer_di("build", "--dataset", database, "--root", str(root), "--out", out, *options)
        _mer_di("train", "mmew.h5", "--out", "runs/mmew", "--audit-leakage", "--save-model", "model.safetensors")
        _mer_di("train", "mmew.h5", "--out", "runs/other", "--fusion", "concat")
    return home


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=lambda page: page.relative_to(PROJECT).as_posix())
def test_what_a_page_tells_people_to_type_works(page, furnished, tmp_path, monkeypatch):
    home = shutil.copytree(furnished, tmp_path / "home", symlinks=True)
    _move_in(monkeypatch, home)
    # What a page may assume to be there: a clip from onset to offset, and its apex.
    namespace = _clip()
    made = set()
    for language, text in blocks(page):
        if language == "python":
            exec(compile(text, str(page), "exec"), namespace)
        for line in text.replace("\\\n", " ").splitlines() if language == "sh" else ():
            words = shlex.split(line, comments=True)
            if words:
                _typed(words, monkeypatch, made)


def _typed(words, monkeypatch, made):
    """Run one line of a shell block, or make sure that it could be run."""
    words = [_expanded(word) for word in words]
    if "_MER_DI_COMPLETE" in " ".join(words):
        _complete(" ".join(words))
    elif words[0] == "export":
        name, _, value = words[1].partition("=")
        monkeypatch.setenv(name, _expanded(value))
    elif words[:2] == ["pip", "install"]:
        _require_extras(words[2])
    elif words[0].startswith("bin/"):
        assert os.access(PROJECT / words[0], os.X_OK), f"{words[0]} is no executable file"
    elif words[0] == "python":
        assert (PROJECT / words[1]).exists(), f"{words[1]} does not exist"
    else:
        assert words[0] == "mer-di", f"do not know how to test: {' '.join(words)}"
        _clear_the_way(words, made)
        _mer_di(*words[1:])


def _expanded(word):
    return str(Path(word).expanduser()) if word.startswith("~") else word


def _clear_the_way(words, made):
    """Remove what the furnished home holds under the name that a command writes, unless the page itself wrote it."""
    if "--out" in words:
        out = Path(words[words.index("--out") + 1])
        if out not in made:
            shutil.rmtree(out, ignore_errors=True) if out.is_dir() else out.unlink(missing_ok=True)
        made.add(out)


def _mer_di(command, *arguments):
    from mer_di.cli import root

    cheaper = CHEAPER.get(command, [])
    if command == "train" and "--architecture" not in arguments:
        cheaper = [*cheaper, *DIANET_CHEAPER]
    if command == "train" and "--list-folds" in arguments:
        cheaper = ["--validation", "none"]
    line = [command, *arguments, *cheaper]
    found = CliRunner().invoke(root, line, catch_exceptions=False)
    allowed = {0, 1} if command in FELL_SHORT_IS_FINE else {0}
    assert found.exit_code in allowed, f"mer-di {' '.join(line)}\n{found.output}"


def _complete(line):
    shell = re.search(r"_MER_DI_COMPLETE=(\w+)_source mer-di", line)
    assert shell, f"no completion that click knows: {line}"
    found = subprocess.run(
        [sys.executable, "-c", "import sys; sys.argv[0] = 'mer-di'; from mer_di.cli import main; main()"],
        env={**os.environ, "_MER_DI_COMPLETE": f"{shell[1]}_source"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "_MER_DI_COMPLETE" in found.stdout, found.stdout + found.stderr


def _require_extras(what):
    import tomllib

    extras = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    named = re.fullmatch(r"(?:\.|mer_di)(?:\[([\w,]+)\])?", what)
    assert named, f"pip install {what} is no way to install this"
    assert set((named[1] or "").split(",")) - {""} <= set(extras), f"{what} names an extra that does not exist"


def _move_in(monkeypatch, home):
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("MER_DI_DATA", str(home / "data" / "databases"))
    monkeypatch.chdir(home / "data")
    # 12 subjects would be drawn; the two that are drawn already will do.
    monkeypatch.setattr("mer_di.datasets.synthetic.default_database", lambda: home / "data" / "MMEW_Final")
    _draw_quickly(monkeypatch)


def _draw_quickly(monkeypatch):
    """Let whole databases be drawn from two frames a clip, its first and its last, in turns."""
    from mer_di.synthetic.drawing import film

    def two_frames(take, positions):
        return islice(cycle(film(take, [positions[0], positions[-1]])), len(positions))

    monkeypatch.setattr("mer_di.synthetic.database.film", two_frames)


def _clip():
    from mer_di.synthetic import draw_clip

    drawn = draw_clip("surprise")
    return {"frames": drawn.frames[drawn.onset : drawn.offset + 1], "apex": drawn.apex - drawn.onset}


def _write_samm(root):
    """Two clips of SAMM's size, twice: drawing a subject of its 960×650 frames would take a quarter of a minute."""
    import cv2
    import lookalikes

    rows = [lookalikes.ClipRow(6, "006_1_2", 21, 24, 28, "Anger"), lookalikes.ClipRow(7, "007_1_1", 5, 8, 11, "Other")]
    lookalikes.write_samm(root, rows=rows)
    lookalikes.write_samm_lv(root.with_name("SAMM_LV"), rows=rows, macro=1)
    frames = _samm_frames()
    files = [*sorted(root.rglob("*.jpg")), *sorted(root.with_name("SAMM_LV").rglob("*.jpg"))]
    for index, file in enumerate(files):
        assert cv2.imwrite(str(file), frames[index % len(frames)])


def _samm_frames():
    import cv2
    import numpy as np

    face = _clip()["frames"][:8]
    picture = np.full((len(face), 650, 960), 90, np.uint8)
    grey = [cv2.resize(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), (462, 462)) for frame in face]
    picture[:, 94:556, 249:711] = grey
    return picture


def _write_own(root):
    """The manifest that the page on manifests prints, with drawn frames."""
    import cv2

    page = PROJECT / "docs" / "databases" / "manifest.md"
    table = next(text for _, text in blocks(page) if text.startswith("subject,"))
    root.mkdir()
    (root / "manifest.csv").write_text(table, encoding="utf-8")
    frames = _clip()["frames"]
    for row in table.splitlines()[1:]:
        path = root / row.split(",")[2]
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix:
            video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 60, frames.shape[2:0:-1])
            for index in range(40):
                video.write(frames[index % len(frames)][..., ::-1])
            video.release()
        else:
            path.mkdir()
            for number in range(1, 41):
                assert cv2.imwrite(str(path / f"{number}.jpg"), frames[number % len(frames)][..., ::-1])
