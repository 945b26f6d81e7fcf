"""Builds that end early, and builds over what is there: the cache is that of an undisturbed build, or there is none."""

import multiprocessing
import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import cv2
import h5py
import numpy as np
import pytest
from tiny_build import SIZE, load, plain

import mer_di
from mer_di.building import rounds, tasks, unfinished
from mer_di.building.build import build_cache
from mer_di.building.plan import make_plan
from mer_di.building.rendering import render
from mer_di.building.unfinished import Unfinished
from mer_di.cache import Rows, open_cache, rows, writing
from mer_di.cache.rows import origin_of
from mer_di.errors import CacheError

RESERVES = pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="this system takes no room beforehand")

KILLED_AT = """
import os, sys
import mer_di
from mer_di.recipe import Recipe

finished = 0

def progress(clip, total):
    global finished
    finished += clip is not None
    if finished == int(sys.argv[3]):
        os._exit(9)

database = mer_di.load_dataset("manifest", sys.argv[1])
recipe = Recipe(align="none", aspect="stretch", size=int(sys.argv[4]))
mer_di.build_cache(database, sys.argv[2], recipe, progress=progress)
"""


def killed(tiny, out, finished):
    """Build until at least so many clips are finished; return the unfinished file."""
    command = [sys.executable, "-c", KILLED_AT, tiny.table, out, finished, SIZE]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 9, done.stderr
    assert not out.exists()
    return Unfinished.beside(out).path


def mend(folder, number=3):
    """Replace a frame by its negative."""
    file = folder / f"img{number}.png"
    assert cv2.imwrite(str(file), 255 - cv2.imread(str(file)))


@pytest.fixture
def whole(tiny, tmp_path):
    return build_cache(load(tiny), tmp_path / "whole.h5", plain()).path


@pytest.mark.parametrize("finished", [1, 3, 6])
def test_a_killed_build_resumes_to_the_same_bytes(tiny, tmp_path, whole, finished):
    out = tmp_path / "cache.h5"
    killed(tiny, out, finished)
    report = build_cache(load(tiny), out, plain())
    assert report.resumed >= finished
    assert report.again == []
    assert out.read_bytes() == whole.read_bytes()
    assert sorted(path.name for path in tmp_path.glob("*cache.h5*")) == ["cache.h5"]


def test_what_is_unfinished_is_no_cache(tiny, tmp_path):
    unfinished = killed(tiny, tmp_path / "cache.h5", 1)
    with h5py.File(unfinished, "r+") as file:
        file["samples/row_digest"][5] = b""  # where workers were as quick as the kill
    with pytest.raises(CacheError, match=r"is unfinished: [1-5] of its rows were never written"):
        open_cache(unfinished)


def test_a_resumed_build_renders_again_what_was_made_from_other_frames(tiny, tmp_path):
    out = tmp_path / "cache.h5"
    killed(tiny, out, 4)
    mend(tiny.table.parent / "s1" / "b")
    report = build_cache(load(tiny), out, plain())
    assert report.again == ["s1/b"]
    assert report.resumed >= 3
    assert out.read_bytes() == build_cache(load(tiny), tmp_path / "fresh.h5", plain()).path.read_bytes()


def test_another_folder_with_the_same_table_does_not_lend_its_pixels(tiny, tmp_path):
    out, other = tmp_path / "cache.h5", tmp_path / "other"
    shutil.copytree(tiny.table.parent, other)
    for folder in other.glob("s*/*"):
        mend(folder)
    killed(tiny, out, 5)
    database = mer_di.load_dataset("manifest", other / "manifest.csv")
    report = build_cache(database, out, plain())
    assert report.resumed == 0
    assert len(report.again) >= 5
    assert out.read_bytes() == build_cache(database, tmp_path / "fresh.h5", plain()).path.read_bytes()


def test_a_complete_cache_of_a_copy_of_the_frames_is_complete(tiny, tmp_path, whole):
    copy = tmp_path / "copy"
    shutil.copytree(tiny.table.parent, copy, copy_function=shutil.copyfile)  # other times
    assert build_cache(mer_di.load_dataset("manifest", copy / "manifest.csv"), whole, plain()).already_complete


def test_a_complete_cache_is_renewed_where_its_frames_have_changed(tiny, tmp_path, whole, monkeypatch):
    mend(tiny.table.parent / "s2" / "a")
    rendered = []
    render_rows = rounds.render_rows
    monkeypatch.setattr(rounds, "render_rows", lambda clips, *rest: rendered.extend(clips) or render_rows(clips, *rest))
    report = build_cache(load(tiny), whole, plain())
    assert (rendered, report.again, report.resumed) == ([2], ["s2/a"], 5)
    assert not report.already_complete
    assert whole.read_bytes() == build_cache(load(tiny), tmp_path / "fresh.h5", plain()).path.read_bytes()


def test_a_complete_cache_of_before_gets_the_column_that_it_lacks_and_keeps_its_rows(tiny, tmp_path, whole):
    with h5py.File(whole, "r+") as file:
        del file["samples/objective_class"], file.attrs["table_digest"]
    report = build_cache(load(tiny), whole, plain())
    assert (report.already_complete, report.resumed) == (False, 6)
    assert whole.read_bytes() == build_cache(load(tiny), tmp_path / "fresh.h5", plain()).path.read_bytes()


def test_a_complete_cache_gets_the_sample_whose_frame_was_mended(tiny, tmp_path):
    out, frame = tmp_path / "cache.h5", tiny.table.parent / "s3" / "b" / "img2.png"
    sound = frame.read_bytes()
    frame.write_bytes(sound[:100])
    assert set(build_cache(load(tiny), out, plain()).dropped) == {"s3/b"}
    assert build_cache(load(tiny), out, plain()).already_complete
    frame.write_bytes(sound)
    report = build_cache(load(tiny), out, plain())
    assert (report.kept, report.resumed, report.dropped) == (6, 5, {})
    assert out.read_bytes() == build_cache(load(tiny), tmp_path / "fresh.h5", plain()).path.read_bytes()


def test_rows_of_samples_that_drop_late_are_closed_up(tiny, tmp_path, whole):
    out = tmp_path / "cache.h5"
    (tiny.table.parent / "s1" / "a" / "img4.png").write_bytes(b"no picture")
    (tiny.table.parent / "s2" / "b" / "img2.png").write_bytes(b"")
    report = build_cache(load(tiny), out, plain())
    assert [reason.partition(":")[0] for reason in report.dropped.values()] == ["frame-unreadable"] * 2
    with open_cache(out) as cache, open_cache(whole) as all_of_them:
        kept = [name not in report.dropped for name in all_of_them.column("sample_id")]
        assert cache.column("sample_id").tolist() == all_of_them.column("sample_id")[kept].tolist()
        for stream in ("onset", "offset", "full"):
            np.testing.assert_array_equal(cache.images(stream)[:], all_of_them.images(stream)[:][kept])
        for name in ("transform", "frame_width", "row_digest", "frames_digest"):
            np.testing.assert_array_equal(cache.column(name), all_of_them.column(name)[kept])
    assert out.stat().st_size < whole.stat().st_size


@pytest.mark.parametrize("field", ["di/full", "frames/apex", "samples/transform", "samples/frames_digest"])
def test_a_row_that_the_disk_lost_is_rendered_again(tiny, tmp_path, whole, field):
    out = tmp_path / "cache.h5"
    unfinished = killed(tiny, out, 4)
    places = Rows.of(unfinished)
    with unfinished.open("r+b") as file:
        file.seek(places.offsets[field] + 2 * rows.row_fields(SIZE)[field].itemsize + 5)
        byte = file.read(1)
        file.seek(-1, 1)
        file.write(bytes([byte[0] ^ 0x40]))
    report = build_cache(load(tiny), out, plain())
    assert 3 <= report.resumed <= 5
    assert out.read_bytes() == whole.read_bytes()


@RESERVES
def test_a_build_goes_on_in_the_same_file(tiny, tmp_path, whole, monkeypatch):
    """A disk with room for one cache and a half is enough."""
    out = tmp_path / "cache.h5"
    begun = killed(tiny, out, 4).stat().st_ino
    taken, fallocate = [], os.posix_fallocate
    monkeypatch.setattr(
        os, "posix_fallocate", lambda file, *rest: (taken.append(os.fstat(file).st_ino), fallocate(file, *rest))
    )
    assert build_cache(load(tiny), out, plain()).resumed >= 4
    assert set(taken) == {begun, out.stat().st_ino} == {begun}
    assert out.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize("left", [0, 100, 5000, -1])
def test_an_unfinished_file_of_which_a_power_cut_left_little_is_begun_again(tiny, tmp_path, whole, left):
    out = tmp_path / "cache.h5"
    unfinished = killed(tiny, out, 4)
    unfinished.write_bytes(unfinished.read_bytes()[:left])
    report = build_cache(load(tiny), out, plain())
    assert (report.resumed >= 4) == (left == -1)
    assert report.remarks == (
        [] if left == -1 else [f"{unfinished} was damaged; samples that were whole in it are kept"]
    )
    assert out.read_bytes() == whole.read_bytes()


def test_pieces_that_a_power_cut_lost_cost_no_more_than_their_rows(tiny, tmp_path, whole):
    """HDF5 hangs or dies on some of these."""
    out = tmp_path / "cache.h5"
    unfinished = killed(tiny, out, 5)
    left, piece = unfinished.read_bytes(), 1024
    written = [place for place in range(0, len(left), piece) if left[place : place + piece].strip(b"\0")]
    resumed = []
    for place in written[::4]:
        unfinished.write_bytes(left[:place] + bytes(len(left[place : place + piece])) + left[place + piece :])
        out.unlink(missing_ok=True)
        resumed.append(build_cache(load(tiny), out, plain()).resumed)
        assert out.read_bytes() == whole.read_bytes()
    assert np.median(resumed) >= 4


def test_whose_it_is_can_be_read_when_hdf5_cannot_read_it(tiny, tmp_path):
    out = tmp_path / "cache.h5"
    unfinished = killed(tiny, out, 2)
    with unfinished.open("r+b") as file:
        file.write(bytes(20_000))
    before = unfinished.read_bytes()
    with pytest.raises(CacheError, match=r"scheme: \"harmonic_arp\" \| \"arp\""):
        build_cache(load(tiny), out, plain(scheme="harmonic_arp"))
    assert unfinished.read_bytes() == before


def test_a_build_of_another_version_is_told_and_left(tiny, tmp_path, monkeypatch):
    out = tmp_path / "cache.h5"
    begun = killed(tiny, out, 2)
    before = begun.read_bytes()
    monkeypatch.setattr(unfinished, "_NOTE_VERSION", 2)
    with pytest.raises(CacheError, match=r"version of the unfinished file: 2 \| 1.*--overwrite"):
        build_cache(load(tiny), out, plain())
    assert begun.read_bytes() == before


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_strangers_file_under_its_name_is_not_touched(tiny, tmp_path, overwrite):
    notes = tmp_path / "cache.h5.unfinished"
    notes.write_text("a chapter")
    with pytest.raises(CacheError, match="nothing that a build left, and not touched"):
        build_cache(load(tiny), tmp_path / "cache.h5", plain(), overwrite=overwrite)
    assert notes.read_text() == "a chapter"


def test_an_unfinished_file_that_cannot_be_read_is_told_and_left(tiny, tmp_path, monkeypatch):
    out = tmp_path / "cache.h5"
    begun = killed(tiny, out, 4)
    opened = Path.open

    def failing(path, *mode, **more):
        if path == begun:
            raise OSError(5, "Input/output error", str(path))
        return opened(path, *mode, **more)

    monkeypatch.setattr(Path, "open", failing)
    with pytest.raises(CacheError, match=r"Input/output error: .*unfinished.*kept in"):
        build_cache(load(tiny), out, plain())
    monkeypatch.undo()
    assert build_cache(load(tiny), out, plain()).resumed >= 4


@pytest.mark.parametrize("mer_di_version", ["0.0.1", "99.0"])
def test_a_cache_says_the_version_that_finished_it(tiny, tmp_path, whole, monkeypatch, mer_di_version):
    out = tmp_path / "cache.h5"
    monkeypatch.setattr(mer_di, "__version__", mer_di_version)
    with pytest.raises(ZeroDivisionError):
        build_cache(load(tiny), out, plain(), progress=after(4, lambda: 1 / 0))
    monkeypatch.undo()
    assert build_cache(load(tiny), out, plain()).resumed >= 4
    assert out.read_bytes() == whole.read_bytes()


@RESERVES
def test_samples_that_drop_late_want_room_for_a_second_file_and_say_so(tiny, tmp_path, monkeypatch):
    out = tmp_path / "cache.h5"
    (tiny.table.parent / "s1" / "a" / "img4.png").write_bytes(b"no picture")
    fallocate, rooms = os.posix_fallocate, iter([True, False])

    def room_for_one(*where):
        if not next(rooms):
            raise OSError(28, "No space left on device")
        fallocate(*where)

    monkeypatch.setattr(os, "posix_fallocate", room_for_one)
    with pytest.raises(CacheError, match=r"1 sample\(s\) turned out .* no room for a second file of up to .*make room"):
        build_cache(load(tiny), out, plain())
    monkeypatch.undo()
    assert sorted(path.name for path in tmp_path.glob("*cache.h5*")) == ["cache.h5.unfinished"]
    assert build_cache(load(tiny), out, plain()).resumed == 5


def test_rows_are_taken_over_when_the_plan_has_changed_meanwhile(tiny, tmp_path):
    out, folder = tmp_path / "cache.h5", tiny.table.parent / "s1" / "b"
    shutil.move(folder, tmp_path / "away")
    killed(tiny, out, 3)
    shutil.move(tmp_path / "away", folder)
    report = build_cache(load(tiny), out, plain())
    assert report.kept == 6
    assert report.resumed >= 3
    assert out.read_bytes() == build_cache(load(tiny), tmp_path / "fresh.h5", plain()).path.read_bytes()


def test_an_interrupted_build_of_another_recipe_is_not_resumed(tiny, tmp_path):
    out = tmp_path / "cache.h5"
    unfinished = killed(tiny, out, 2)
    before = unfinished.read_bytes()
    with pytest.raises(CacheError, match=r"scheme: \"harmonic_arp\" \| \"arp\".*--overwrite"):
        build_cache(load(tiny), out, plain(scheme="harmonic_arp"))
    assert unfinished.read_bytes() == before
    assert build_cache(load(tiny), out, plain(scheme="harmonic_arp"), overwrite=True).resumed == 0


def test_an_interrupted_overwrite_is_resumed_by_the_same_command(tiny, tmp_path, whole):
    unfinished = killed(tiny, tmp_path / "other.h5", 4)
    shutil.move(unfinished, Unfinished.beside(whole).path)
    assert build_cache(load(tiny), whole, plain(), overwrite=True).resumed >= 4


def test_a_cache_is_not_replaced_by_one_that_lacks_some_of_its_samples(tiny, tmp_path, whole):
    before, folder = whole.read_bytes(), tiny.table.parent / "s1" / "b"
    shutil.move(folder, tmp_path / "away")
    with pytest.raises(CacheError, match=r"holds 1 sample\(s\) that cannot be built any more \(s1/b: clip-not-found"):
        build_cache(load(tiny), whole, plain())
    shutil.move(tmp_path / "away", folder)
    (folder / "img2.png").write_bytes(b"damaged since")
    with pytest.raises(CacheError, match=r"cannot be built any more \(s1/b: frame-unreadable.*--overwrite"):
        build_cache(load(tiny), whole, plain())
    assert whole.read_bytes() == before
    assert build_cache(load(tiny), whole, plain(), overwrite=True).kept == 5


def test_frames_that_are_all_away_cost_no_finished_row(tiny, tmp_path):
    out = tmp_path / "cache.h5"
    killed(tiny, out, 4)
    for subject in ("s1", "s2", "s3"):
        (tiny.table.parent / subject).rename(tmp_path / subject)
    with pytest.raises(CacheError, match="no sample is usable"):
        build_cache(load(tiny), out, plain())
    for subject in ("s1", "s2", "s3"):
        (tmp_path / subject).rename(tiny.table.parent / subject)
    assert build_cache(load(tiny), out, plain()).resumed >= 4


@pytest.fixture
def late(tiny, monkeypatch):
    """Interrupt a build by ``arp`` in the caller's pool while its worker renders ``s1/b``; let that worker go on."""
    rendered, begun, leave = tasks.render, threading.Event(), threading.Event()

    def slow(clip, recipe, model=None):
        done = rendered(clip, recipe, model)
        if recipe.scheme == "arp" and clip.sample.sample_id == "s1/b":
            begun.set()
            assert leave.wait(60)
        return done

    def interrupt(clip, total):
        if clip is not None and begun.wait(60):
            raise KeyboardInterrupt

    pool = ThreadPoolExecutor(1)

    def interrupted(out):
        with pytest.raises(KeyboardInterrupt):
            build_cache(load(tiny), out, plain(), executor=pool, progress=interrupt)

    def go_on():
        leave.set()
        pool.shutdown()

    monkeypatch.setattr(tasks, "render", slow)
    yield interrupted, go_on
    go_on()


def after(clips, call):
    """Return a progress that makes a call when so many clips are finished."""
    finished = []

    def progress(clip, total):
        finished.append(clip)
        if clip is not None and len([clip for clip in finished if clip]) == clips:
            call()

    return progress


@pytest.mark.parametrize("when", ["rows were whole at the start", "rows are rendered", "it is brought to the disk"])
def test_a_late_worker_of_an_interrupted_build_writes_nothing(tiny, tmp_path, monkeypatch, late, when):
    out, other = tmp_path / "cache.h5", plain(scheme="harmonic_arp")
    interrupted, go_on = late
    interrupted(out)
    progress = None
    if when == "rows were whole at the start":
        with pytest.raises(ZeroDivisionError):
            build_cache(load(tiny), out, other, overwrite=True, progress=after(4, lambda: 1 / 0))
        progress = after(6, go_on)
    elif when == "rows are rendered":
        progress = after(3, go_on)
    else:
        put_in_place = unfinished.put_in_place
        monkeypatch.setattr(unfinished, "put_in_place", lambda *paths: (go_on(), put_in_place(*paths)))
    build_cache(load(tiny), out, other, overwrite=True, progress=progress)
    fresh = build_cache(load(tiny), tmp_path / "fresh.h5", other).path
    assert out.read_bytes() == fresh.read_bytes()


def stranger(path, clip):
    """Return what writes a row of another table, as a worker does that was let in before the build began."""
    rendered = render(clip, plain())

    def write():
        place = Rows.of(path)
        replace(place, origin=origin_of(plain().sha256, "0" * 64)).write(1, "s1/b", rendered)

    return write


def test_rows_that_were_written_over_are_rendered_again(tiny, tmp_path, whole):
    out = tmp_path / "cache.h5"
    write = stranger(Unfinished.beside(out).path, make_plan(load(tiny), plain()).clips[1])
    assert build_cache(load(tiny), out, plain(), progress=after(6, write)).kept == 6
    assert out.read_bytes() == whole.read_bytes()


def test_but_not_for_ever(tiny, tmp_path, whole, monkeypatch):
    out = tmp_path / "cache.h5"
    write = stranger(Unfinished.beside(out).path, make_plan(load(tiny), plain()).clips[1])
    sync = rounds.sync
    monkeypatch.setattr(rounds, "sync", lambda path: (sync(path), write()))
    with pytest.raises(CacheError, match=r"does not hold what workers wrote of 1 sample\(s\), first of them s1/b"):
        build_cache(load(tiny), out, plain())
    monkeypatch.undo()
    assert not out.exists()
    assert build_cache(load(tiny), out, plain()).resumed == 5
    assert out.read_bytes() == whole.read_bytes()


def test_a_row_that_is_written_over_while_the_cache_gets_its_name_takes_the_name_back(
    tiny, tmp_path, whole, monkeypatch
):
    out = tmp_path / "cache.h5"
    write = stranger(out, make_plan(load(tiny), plain()).clips[1])
    put_in_place = unfinished.put_in_place

    def while_it_is_renamed(aside, path):
        put_in_place(aside, path)
        if path == out:
            write()

    monkeypatch.setattr(unfinished, "put_in_place", while_it_is_renamed)
    with pytest.raises(CacheError, match="does not hold what workers wrote"):
        build_cache(load(tiny), out, plain())
    monkeypatch.undo()
    assert not out.exists()
    assert build_cache(load(tiny), out, plain()).resumed == 5
    assert out.read_bytes() == whole.read_bytes()


def test_workers_elsewhere_write_to_the_same_file(tiny, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, spawn, os.chdir, (tmp_path / "there",)) as workers:
        report = build_cache(load(tiny), "cache.h5", plain(), executor=workers)
    assert (str(report.path), report.kept) == ("cache.h5", 6)
    with open_cache("cache.h5") as cache:
        assert cache.images("full")[:].any(axis=(1, 2, 3)).all()


def test_a_link_leads_to_the_cache(tiny, tmp_path):
    (tmp_path / "big").mkdir()
    link = tmp_path / "cache.h5"
    link.symlink_to(tmp_path / "big" / "cache.h5")
    build_cache(load(tiny), link, plain())
    assert link.is_symlink()
    assert (tmp_path / "big" / "cache.h5").is_file()


def test_a_disk_that_is_too_small_is_told_before_anything_is_rendered(tiny, tmp_path, whole, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing.os, "posix_fallocate", full, raising=False)
    monkeypatch.setattr(rounds, "render_rows", None)
    before = whole.read_bytes()
    with pytest.raises(CacheError, match="No space left on device"):
        build_cache(load(tiny), whole, plain(), overwrite=True)
    assert whole.read_bytes() == before
    assert [path.name for path in tmp_path.glob("*whole*")] == ["whole.h5"]


def test_a_former_cache_stands_until_the_new_one_is_complete(tiny, whole):
    before = whole.read_bytes()
    with pytest.raises(CacheError, match="no sample is usable"):
        build_cache(load(tiny), whole, plain(), min_class_size=1000, overwrite=True)
    assert whole.read_bytes() == before


def test_what_is_no_cache_is_not_replaced(tiny, tmp_path):
    notes = tmp_path / "notes.csv"
    notes.write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(CacheError, match=r"notes\.csv is no cache, and not touched"):
            build_cache(load(tiny), notes, plain(), overwrite=overwrite)
    assert notes.read_text() == "mine"
    with pytest.raises(CacheError, match="no regular file"):
        build_cache(load(tiny), tmp_path, plain(), overwrite=True)


def test_images_can_be_mapped_and_old_programs_can_open_the_file(whole):
    assert whole.read_bytes()[8] == 0  # the version of the superblock: HDF5 1.8 knows 0 to 2
    with h5py.File(whole) as file:
        for name in ("di/onset", "di/offset", "di/full", "frames/onset", "frames/apex", "frames/offset"):
            images = file[name]
            assert images.id.get_offset() % writing.PAGE == 0
            mapped = np.memmap(whole, images.dtype, "r", images.id.get_offset(), images.shape)
            np.testing.assert_array_equal(mapped, images[:])


def test_a_disk_that_fails_meanwhile_is_not_forgotten(tiny, tmp_path, whole, monkeypatch):
    """The system tells of an error once: what is written at the end may then go well."""
    before, fails = whole.read_bytes(), iter([True, *[False] * 20])
    fsync = os.fsync

    def failing(descriptor):
        if next(fails):
            raise OSError(5, "Input/output error")
        fsync(descriptor)

    monkeypatch.setattr(rounds, "CLIPS_A_SYNC", 2)
    monkeypatch.setattr(writing.os, "fsync", failing)
    with pytest.raises(CacheError, match="Input/output error"):
        build_cache(load(tiny), whole, plain(), overwrite=True)
    assert whole.read_bytes() == before
