"""From a database to its cache: what is in it, whatever runs it, and what stops it."""

import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy as np
import pytest
from tiny_build import SIZE, assert_same_content, load, plain

from mer_di.building.build import build_cache
from mer_di.cache import Rows, open_cache
from mer_di.dynamic_images import phase_dynamic_images
from mer_di.errors import CacheError, InputError
from mer_di.executors import cluster, local
from mer_di.inspection.comparison import compare
from mer_di.inspection.verification import departures, recomputed
from mer_di.rank_pooling import arp


def test_the_cache_holds_the_sums_of_the_formulas(tiny):
    """At the frames' own size the warp is the identity, so the cache must hold the exact integers."""
    tiny.add("s9", "square", onset=2, apex=6, offset=9, emotion="surprise", shape=(SIZE, SIZE))
    tiny.write_table()
    out = tiny.table.with_name("square.h5")
    build_cache(load(tiny), out, plain())
    frames = tiny.frames["s9/square"].astype(np.int64)
    rise, fall, whole = frames[1:6], frames[5:9], frames[1:9]

    def pooled(phase, sign):
        weights = sign * np.array([2 * t - len(phase) - 1 for t in range(1, len(phase) + 1)])
        return np.einsum("t,thwc->hwc", weights, phase)

    with open_cache(out) as cache:
        index = cache.column("sample_id").tolist().index("s9/square")
        np.testing.assert_array_equal(cache.images("onset")[index], pooled(rise, 1))
        np.testing.assert_array_equal(cache.images("offset")[index], pooled(fall, -1))
        np.testing.assert_array_equal(cache.images("full")[index], pooled(whole, 1))
        for name, number in (("onset", 2), ("apex", 6), ("offset", 9)):
            np.testing.assert_array_equal(cache.key_frames(name)[index], tiny.frames["s9/square"][number - 1])


@pytest.mark.parametrize("fields", [{"scheme": "motion_ranked"}, {"apex_sigma": 1.0}, {"scheme": "apex_centred"}])
def test_the_cache_holds_what_the_functions_give(tiny, fields):
    tiny.add("s9", "square", onset=2, apex=6, offset=9, emotion="surprise", shape=(SIZE, SIZE))
    tiny.write_table()
    out = tiny.table.with_name("square.h5")
    build_cache(load(tiny), out, plain(**fields))
    expected = phase_dynamic_images(tiny.frames["s9/square"][1:9], 4, **fields)
    with open_cache(out) as cache:
        index = cache.column("sample_id").tolist().index("s9/square")
        for stream, image in expected._asdict().items():
            np.testing.assert_allclose(cache.images(stream)[index], image, rtol=1e-6, atol=1e-3)
        assert departures(cache) == []
        assert recomputed(cache, load(tiny), 7) == []
    assert build_cache(load(tiny), out, plain(**fields)).already_complete


def test_images_at_neighbouring_apexes_are_those_of_clips_that_are_split_there(tiny):
    tiny.add("s9", "square", onset=2, apex=4, offset=9, emotion="surprise", shape=(SIZE, SIZE))
    tiny.write_table()
    out, without = tiny.table.with_name("jitter.h5"), tiny.table.with_name("without.h5")
    build_cache(load(tiny), out, plain(apex_jitter=3))
    build_cache(load(tiny), without, plain())
    frames = tiny.frames["s9/square"][1:9]
    with open_cache(out) as cache, open_cache(without) as bare:
        index = cache.column("sample_id").tolist().index("s9/square")
        assert cache.column("jitter_apex")[index].tolist() == [3, 3, 5]  # 2 would leave one frame to its phase
        for k, apex in enumerate((1, 1, 3)):
            expected = phase_dynamic_images(frames, apex)
            for stream, image in expected._asdict().items():
                np.testing.assert_array_equal(cache.neighbour_images(stream)[index, k], image)
                half = np.abs(arp({"onset": apex + 1, "offset": 8 - apex}[stream])).sum() / 2
                assert cache.neighbour_half_weights(stream)[index, k] == half
        assert departures(cache) == []
        assert recomputed(cache, load(tiny), 7) == []
        differing = compare(cache, bare)
        assert (differing.recipe, differing.samples) == (["apex_jitter: 3 | 0"], [])
        with pytest.raises(CacheError, match="build it again with --apex-jitter K"):
            bare.neighbour_images("onset")
        with pytest.raises(CacheError, match="no phase that has neighbours"):
            cache.neighbour_images("full")
    assert build_cache(load(tiny), out, plain(apex_jitter=3)).already_complete
    with pytest.raises(CacheError, match=r"made differently .*apex_jitter: 2 \| 3"):
        build_cache(load(tiny), out, plain(apex_jitter=2))


def test_an_interrupted_build_with_neighbouring_apexes_is_resumed(tiny, tmp_path):
    whole, out = tmp_path / "whole.h5", tmp_path / "c.h5"
    build_cache(load(tiny), whole, plain(apex_jitter=2))

    def stop(_clip, _total):
        stop.told += 1
        if stop.told == 4:
            raise KeyboardInterrupt

    stop.told = 0
    with pytest.raises(KeyboardInterrupt):
        build_cache(load(tiny), out, plain(apex_jitter=2), progress=stop)
    assert build_cache(load(tiny), out, plain(apex_jitter=2)).resumed > 0
    assert_same_content(whole, out)


@pytest.mark.parametrize(
    ("name", "said"), [("jitter/onset", "is not what was written"), ("samples/jitter_apex", "no neighbours of apex")]
)
def test_changed_neighbours_are_noticed(tiny, tmp_path, name, said):
    out = build_cache(load(tiny), tmp_path / "c.h5", plain(apex_jitter=2)).path
    with h5py.File(out, "r+") as file:
        file[name][0] = file[name][0] + 1
    with open_cache(out) as cache:
        found = departures(cache)
    assert any(said in line for line in found)
    assert all(line.startswith("s1/a: ") for line in found)


def test_the_columns_say_which_frames_were_pooled(built):
    assert built.column("sample_id").tolist() == ["s1/a", "s1/b", "s2/a", "s2/b", "s3/a", "s3/b"]
    assert built.column("onset_length").tolist() == [4, 3] * 3
    assert built.column("offset_length").tolist() == [5, 4] * 3
    assert built.classes == ["happiness", "surprise"]
    assert built.column("frame_width").tolist() == [32, 32, 34, 34, 36, 36]
    assert departures(built) == []


def test_a_cache_without_key_frames_is_the_same_but_for_them(tiny, built):
    out = tiny.table.with_name("faceless.h5")
    build_cache(load(tiny), out, plain(), key_frames=False)
    apex = built.key_frames("apex")[0].tobytes()
    assert (apex in built.path.read_bytes(), apex in out.read_bytes()) == (True, False)
    with open_cache(out) as cache:
        assert not cache.has_frames
        assert departures(cache) == []
        assert recomputed(cache, load(tiny), 6) == []
        both = compare(built, cache)
        assert [line.partition(": ")[2] for line in both.samples] == ["key frames only in a"] * 6
        assert [both.provenance, both.recipe, both.only_a, both.only_b] == [[], [], [], []]
    assert build_cache(load(tiny), out, plain(), key_frames=False).already_complete
    with pytest.raises(CacheError, match=r'made differently .*key_frames: "kept" \| "left out"'):
        build_cache(load(tiny), out, plain())


def test_an_interrupted_build_without_key_frames_is_resumed(tiny, tmp_path):
    whole, out = tmp_path / "whole.h5", tmp_path / "c.h5"
    build_cache(load(tiny), whole, plain(), key_frames=False)
    with pytest.raises(KeyboardInterrupt):
        build_cache(load(tiny), out, plain(), key_frames=False, progress=_stop_after(2))
    with pytest.raises(CacheError, match=r'started differently .*key_frames: "kept" \| "left out"'):
        build_cache(load(tiny), out, plain())
    assert build_cache(load(tiny), out, plain(), key_frames=False).resumed >= 2
    assert out.read_bytes() == whole.read_bytes()


def test_flow_is_added_and_all_else_stays(tiny, built):
    out = tiny.table.with_name("flow.h5")
    build_cache(load(tiny), out, plain(flow="farneback"))
    with open_cache(out) as cache:
        assert departures(cache) == []
        assert recomputed(cache, load(tiny), 6) == []
        assert cache.images("flow_onset")[:].any()
        compared = compare(built, cache)
    assert (compared.recipe, compared.samples) == (['flow: null | "farneback"'], [])
    assert build_cache(load(tiny), out, plain(flow="farneback")).already_complete
    with pytest.raises(CacheError, match=r'made differently .*flow: "dis" \| "farneback"'):
        build_cache(load(tiny), out, plain(flow="dis"))


@pytest.mark.parametrize("key_frames", [True, False])
def test_an_interrupted_build_with_flow_is_resumed(tiny, tmp_path, key_frames):
    whole, out, recipe = tmp_path / "whole.h5", tmp_path / "c.h5", plain(flow="farneback")
    build_cache(load(tiny), whole, recipe, key_frames=key_frames)
    with pytest.raises(KeyboardInterrupt):
        build_cache(load(tiny), out, recipe, key_frames=key_frames, progress=_stop_after(2))
    with pytest.raises(CacheError, match=r'started differently .*flow: null \| "farneback"'):
        build_cache(load(tiny), out, plain(), key_frames=key_frames)
    assert build_cache(load(tiny), out, recipe, key_frames=key_frames).resumed >= 2
    assert out.read_bytes() == whole.read_bytes()
    with open_cache(out) as cache:
        assert (cache.has_frames, cache.has_flow, departures(cache)) == (key_frames, True, [])


def _stop_after(count):
    finished = []

    def progress(clip, _total):
        finished.extend([clip] if clip else [])
        if len(finished) == count:
            raise KeyboardInterrupt

    return progress


def test_every_row_ends_in_the_cache_or_among_the_dropped(tiny, tmp_path):
    def row(subject, clip, **changes):
        index = next(i for i, r in enumerate(tiny.rows) if (r["subject"], r["clip"]) == (subject, clip))
        tiny.rows[index].update(changes)

    row("s1", "a", apex="/")
    row("s1", "b", apex=1)
    row("s2", "a", apex=20)
    row("s2", "b", path="s2/nowhere")
    (tiny.table.parent / "s3" / "a" / "img4.png").unlink()
    tiny.add("s4", "cut", onset=1, apex=3, offset=5, emotion="fear")
    broken = tiny.table.parent / "s4" / "cut" / "img4.png"
    broken.write_bytes(broken.read_bytes()[:200])
    tiny.write_table()
    report = build_cache(load(tiny), tmp_path / "out.h5", plain())
    assert report.kept == 1
    assert {name: reason.partition(":")[0] for name, reason in report.dropped.items()} == {
        "s1/a": "apex-missing",
        "s1/b": "phase-too-short",
        "s2/a": "apex-outside",
        "s2/b": "clip-not-found",
        "s3/a": "frame-gap",
        "s4/cut": "frame-unreadable",
    }
    with open_cache(tmp_path / "out.h5") as cache:
        assert cache.dropped == report.dropped
        assert departures(cache) == []


def test_midpoint_is_recorded(tiny, tmp_path):
    tiny.rows[0]["apex"] = "/"
    tiny.write_table()
    build_cache(load(tiny), tmp_path / "out.h5", plain(apex_policy="midpoint"))
    with open_cache(tmp_path / "out.h5") as cache:
        assert cache.column("apex_source").tolist() == ["midpoint"] + ["table"] * 5
        assert cache.column("apex")[0] == (2 + 9) // 2


def test_small_classes_are_dropped_by_name(tiny, tmp_path):
    tiny.add("s3", "c", onset=1, apex=3, offset=5, emotion="fear")
    tiny.write_table()
    report = build_cache(load(tiny), tmp_path / "out.h5", plain(), min_class_size=2)
    assert list(report.dropped) == ["s3/c"]
    assert report.reasons == {"class-too-small": 1}
    assert report.classes == {"happiness": 3, "surprise": 3}


def test_nothing_usable_writes_nothing(tiny, tmp_path):
    for row in tiny.rows:
        row["apex"] = "/"
    tiny.write_table()
    with pytest.raises(CacheError, match=r"no sample is usable.*6 apex-missing"):
        build_cache(load(tiny), tmp_path / "out.h5", plain())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tiny"]


@pytest.mark.parametrize("workers", ["threads", "processes"])
def test_scheduling_changes_nothing(built, tiny, tmp_path, workers):
    with local(workers, 3) as executor:
        build_cache(load(tiny), tmp_path / "parallel.h5", plain(), executor=executor)
    assert_same_content(built.path, tmp_path / "parallel.h5")
    assert built.path.read_bytes() == (tmp_path / "parallel.h5").read_bytes()


def test_a_cluster_is_an_executor_too(built, tiny, tmp_path):
    distributed = pytest.importorskip("distributed", reason="the extra dask is not installed")
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=":0") as workers,
        cluster(workers.scheduler_address) as executor,
    ):
        build_cache(load(tiny), tmp_path / "cluster.h5", plain(), executor=executor)
    assert_same_content(built.path, tmp_path / "cluster.h5")


def test_building_again_does_nothing_and_says_so(built, tiny):
    before = built.path.stat().st_mtime_ns
    report = build_cache(load(tiny), built.path, plain())
    assert report.already_complete
    assert (report.kept, report.classes) == (6, {"happiness": 3, "surprise": 3})
    assert built.path.stat().st_mtime_ns == before


def test_another_recipe_does_not_replace_a_cache(built, tiny):
    with pytest.raises(CacheError, match=r"scheme: \"harmonic_arp\" \| \"arp\".*--overwrite"):
        build_cache(load(tiny), built.path, plain(scheme="harmonic_arp"))
    with pytest.raises(CacheError, match="min_class_size"):
        build_cache(load(tiny), built.path, plain(), min_class_size=3)


def test_another_table_does_not_replace_a_cache(built, tiny):
    tiny.rows[0]["emotion"] = "surprise"
    tiny.write_table()
    with pytest.raises(CacheError, match="annotation_sha256"):
        build_cache(load(tiny), built.path, plain())


def test_overwrite_replaces_it(built, tiny):
    path = built.path
    built.close()
    build_cache(load(tiny), path, plain(size=8), overwrite=True)
    with open_cache(path) as cache:
        assert cache.recipe.size == 8


def test_a_full_disk_stops_the_build_and_keeps_what_is_done(tiny, tmp_path, monkeypatch):
    out = tmp_path / "full.h5"
    written = Rows.write

    def write(self, index, sample_id, clip):
        if index > 1:
            raise OSError(28, "No space left on device")
        return written(self, index, sample_id, clip)

    monkeypatch.setattr(Rows, "write", write)
    with pytest.raises(CacheError, match=r"No space left on device.*resume"):
        build_cache(load(tiny), out, plain())
    monkeypatch.undo()
    assert build_cache(load(tiny), out, plain()).resumed == 2


def test_two_builds_of_one_cache_exclude_each_other(tiny, tmp_path):
    out = tmp_path / "one.h5"
    inside, leave = threading.Event(), threading.Event()

    def wait(clip, total):
        inside.set()
        assert leave.wait(20)

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(build_cache, load(tiny), out, plain(), progress=wait)
        assert inside.wait(20)
        with pytest.raises(CacheError, match="another build is writing"):
            build_cache(load(tiny), out, plain())
        leave.set()
        assert first.result().kept == 6


def test_a_missing_folder_for_the_cache_is_one_sentence(tiny, tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        build_cache(load(tiny), tmp_path / "no" / "where.h5", plain())


def test_memory_does_not_grow_with_the_clip(empty_database, tmp_path):
    """Peak of numpy's allocations for a clip of 300 frames within a small margin of one of 12."""
    peaks = []
    for name, length in (("short", 12), ("long", 300)):
        empty_database.add("s1", name, onset=1, apex=length // 2, offset=length, emotion="fear", shape=(64, 64))
        empty_database.frames.clear()
        empty_database.rows[:] = empty_database.rows[-1:]
        empty_database.write_table()
        database = load(empty_database)
        build_cache(database, tmp_path / f"warm-{name}.h5", plain())
        tracemalloc.start()
        build_cache(database, tmp_path / f"{name}.h5", plain())
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    stack = 300 * 64 * 64 * 3
    assert peaks[1] - peaks[0] < stack / 8
