import json
import os

import h5py
import pytest
from click.testing import CliRunner
from tiny_build import load, plain

from mer_di.building.build import build_cache
from mer_di.building.merge import MergeReport, merge_caches
from mer_di.building.part import Part
from mer_di.cache import LATER, TABLE_DIGEST, open_cache
from mer_di.cli import root
from mer_di.errors import CacheError, InputError
from mer_di.inspection.verification import departures


@pytest.fixture
def messy(tiny):
    """Seven rows: one is dropped by the plan, one because of its frames; one class is met in one part only."""
    tiny.add("s4", "a", onset=1, apex=3, offset=5, emotion="fear")
    tiny.rows[2]["apex"] = "/"
    tiny.write_table()
    (tiny.table.parent / "s3" / "a" / "img6.png").write_bytes(b"no picture")
    return tiny


def build(tiny, out, part=None, **options):
    recipe = plain(**options.pop("recipe", {}))
    return build_cache(load(tiny), out, recipe, part=part and Part.from_text(part), **options).path


@pytest.fixture
def halves(messy, tmp_path):
    return [build(messy, tmp_path / f"{number}.h5", f"{number}/2") for number in (1, 2)]


@pytest.mark.parametrize("of", [1, 2, 3])
@pytest.mark.parametrize("key_frames", [True, False])
def test_the_parts_of_a_table_are_the_cache_of_the_whole_to_the_byte(messy, tmp_path, of, key_frames):
    whole = build(messy, tmp_path / "whole.h5", key_frames=key_frames)
    parts = [build(messy, tmp_path / f"{n}.h5", f"{n}/{of}", key_frames=key_frames) for n in range(of, 0, -1)]
    report = merge_caches(parts, tmp_path / "merged.h5")
    assert report == MergeReport(tmp_path / "merged.h5", 5, 2, {"fear": 1, "happiness": 1, "surprise": 3})
    assert report.path.read_bytes() == whole.read_bytes()
    with open_cache(report.path) as cache:
        assert departures(cache) == []


@pytest.mark.parametrize(
    "recipe",
    [
        {"apex_policy": "spot"},
        {"apex_policy": "spot", "apex_jitter": 3, "flow": "dis"},
        {"scheme": "motion_ranked", "apex_policy": "midpoint", "apex_jitter": 2},
    ],
)
def test_everything_that_a_recipe_adds_is_joined(messy, tmp_path, recipe):
    whole = build(messy, tmp_path / "whole.h5", recipe=recipe)
    parts = [build(messy, tmp_path / f"{n}.h5", f"{n}/2", recipe=recipe) for n in (1, 2)]
    assert merge_caches(parts, tmp_path / "merged.h5").path.read_bytes() == whole.read_bytes()
    with open_cache(whole) as cache:
        assert departures(cache) == []


def test_a_part_says_that_it_is_one_and_drops_none_of_the_others(messy, halves):
    with open_cache(halves[0]) as one, open_cache(halves[1]) as other:
        assert (one.attributes["part"], other.attributes["part"]) == ("1/2", "2/2")
        known = [{*cache.column("sample_id"), *cache.dropped} for cache in (one, other)]
    assert known[0] | known[1] == {f"{row['subject']}/{row['clip']}" for row in messy.rows}
    assert not known[0] & known[1]


def test_classes_are_counted_over_the_whole_table(messy, tmp_path):
    whole = build(messy, tmp_path / "whole.h5", min_class_size=2)
    parts = [build(messy, tmp_path / f"{n}.h5", f"{n}/2", min_class_size=2) for n in (1, 2)]
    assert merge_caches(parts, tmp_path / "merged.h5").path.read_bytes() == whole.read_bytes()


def test_caches_of_several_tables_are_joined_too(messy, tmp_path):
    rows, caches = messy.rows, []
    for number, messy.rows in enumerate((rows[:3], rows[3:])):
        messy.write_table()
        caches.append(build(messy, tmp_path / f"{number}.h5"))
    merged = merge_caches(caches, tmp_path / "merged.h5")
    again = merge_caches(caches[::-1], tmp_path / "again.h5")
    assert merged.path.read_bytes() == again.path.read_bytes()
    messy.rows = rows
    messy.write_table()
    with open_cache(merged.path) as ours, open_cache(build(messy, tmp_path / "whole.h5")) as whole:
        assert departures(ours) == []
        assert list(ours.column("sample_id")) == list(whole.column("sample_id"))
        assert (ours.images("onset")[:] == whole.images("onset")[:]).all()
        assert (ours.classes, list(ours.column("label"))) == (whole.classes, list(whole.column("label")))
        digests = {open_attribute(cache, "annotation_sha256") for cache in (*caches, merged.path)}
    assert len(digests) == 3


def open_attribute(path, name):
    with open_cache(path) as cache:
        return cache.attributes[name]


def test_a_part_that_is_missing_is_named(messy, halves, tmp_path):
    with pytest.raises(CacheError, match="1 of 2 parts of a table are missing: 2/2"):
        merge_caches(halves[:1], tmp_path / "merged.h5")
    quarter = build(messy, tmp_path / "quarter.h5", "2/4")
    with pytest.raises(CacheError, match="divided in several ways: 1/2, 2/4"):
        merge_caches([halves[0], quarter], tmp_path / "merged.h5")


def test_samples_that_two_caches_know_are_named(messy, halves, tmp_path):
    whole = build(messy, tmp_path / "whole.h5")
    with pytest.raises(CacheError, match=r"4 sample\(s\) are in two of the caches, kept or dropped: s1/a, s2/a, s3/a"):
        merge_caches([whole, halves[0]], tmp_path / "merged.h5")
    with pytest.raises(CacheError, match="are in two"):
        merge_caches([whole, whole], tmp_path / "merged.h5")
    assert not (tmp_path / "merged.h5").exists()


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"recipe": {"size": 12}}, "size: 20 | 12"),
        ({"min_class_size": 2}, 'min_class_size: "1" | "2"'),
        ({"key_frames": False}, 'key_frames: "kept" | "left out"'),
    ],
)
def test_caches_that_were_built_otherwise_are_not_joined(messy, halves, tmp_path, options, named):
    other = build(messy, tmp_path / "other.h5", "2/2", **options)
    with pytest.raises(CacheError, match="not built alike") as caught:
        merge_caches([halves[0], other], tmp_path / "merged.h5")
    assert named in str(caught.value)


def test_a_table_that_was_changed_is_named(halves, tmp_path):
    with h5py.File(halves[1], "r+") as file:
        file["samples/action_units"][0] = "AU99"
    with pytest.raises(CacheError, match=r"2\.h5: its table is not what was written"):
        merge_caches(halves, tmp_path / "merged.h5")


def test_a_damaged_row_is_named_and_nothing_is_left(halves, tmp_path):
    with h5py.File(halves[1], "r+") as file:
        file["di/onset"][0, 0, 0] += 1
        damaged = file["samples/sample_id"].asstr()[0]
    before = sorted(tmp_path.iterdir())
    with pytest.raises(CacheError, match=f"the row of {damaged} is damaged"):
        merge_caches(halves, tmp_path / "merged.h5")
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("name", LATER)
def test_caches_of_older_versions_are_named_with_what_they_lack(halves, tmp_path, name):
    with h5py.File(halves[1], "r+") as file:
        del file[name], file.attrs[TABLE_DIGEST]
    with pytest.raises(CacheError, match=rf"2\.h5 has no /{name}: an older version wrote it.*build it again"):
        merge_caches(halves, tmp_path / "merged.h5")


def test_a_number_of_a_part_that_is_none_is_named_with_its_cache(halves, tmp_path):
    with h5py.File(halves[1], "r+") as file:
        file.attrs["part"] = "3/2"
    with pytest.raises(CacheError, match=r"2\.h5 is damaged: the part is 3/2"):
        merge_caches(halves, tmp_path / "merged.h5")


def test_no_cache_is_written_over(halves, tmp_path):
    (tmp_path / "link.h5").symlink_to(halves[0])
    for out in (halves[0], tmp_path / "link.h5"):
        before = halves[0].read_bytes()
        with pytest.raises(InputError, match="not replaced"):
            merge_caches(halves, out)
        assert halves[0].read_bytes() == before


@pytest.mark.skipif(os.name == "nt", reason="no named pipes in folders")
def test_nothing_that_is_there_is_written_over(halves, tmp_path):
    (tmp_path / "notes.csv").write_text("months", encoding="utf-8")
    os.mkfifo(tmp_path / "pipe")
    for name, why in (("notes.csv", "exists, and is not touched"), ("pipe", "no regular file")):
        with pytest.raises(CacheError, match=f"{name} {why}|{name} is {why}"):
            merge_caches(halves, tmp_path / name)
    assert (tmp_path / "notes.csv").read_text(encoding="utf-8") == "months"
    assert (tmp_path / "pipe").is_fifo()


def test_another_part_does_not_resume_or_replace_a_part(messy, halves):
    with pytest.raises(CacheError, match=r'part: "2/2" \| "1/2"'):
        build(messy, halves[0], "2/2")
    with pytest.raises(CacheError, match=r'part: "" \| "1/2"'):
        build(messy, halves[0])
    assert build_cache(load(messy), halves[0], plain(), part=Part(1, 2)).already_complete


def test_more_parts_than_rows_are_refused(messy, tmp_path):
    with pytest.raises(InputError, match="8 parts of a table of 7 rows"):
        build(messy, tmp_path / "out.h5", "1/8")


def test_the_commands(messy, tmp_path):
    def said(*arguments):
        found = CliRunner().invoke(root, list(map(str, arguments)), catch_exceptions=False)
        assert found.exit_code == 0, found.output
        return found.stdout

    caches = [tmp_path / "1.h5", tmp_path / "2.h5"]
    for number, cache in enumerate(caches, start=1):
        options = ("--align", "none", "--size", 20, "--jobs", 1, "--part", f"{number}/2", "--out", cache)
        said("build", "--dataset", "manifest", "--root", messy.table, *options)
    assert "1/2" in said("info", caches[0])
    assert json.loads(said("merge", *caches, "--out", tmp_path / "all.h5", "--json"))["kept"] == 5
    assert "joined 2 caches: kept 5, dropped 2" in said("merge", *caches, "--out", tmp_path / "again.h5")
