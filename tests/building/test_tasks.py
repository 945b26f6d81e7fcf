"""Clips rendered in any order, each into its row."""

import contextlib
import multiprocessing
import os
import signal
import threading
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace

import pytest
from tiny_build import load, plain

from mer_di import build_cache
from mer_di.building import tasks
from mer_di.building.entry import cache_entry
from mer_di.building.plan import make_plan
from mer_di.cache import Provenance, make_cache, open_cache
from mer_di.errors import BackendUnavailableError, CacheError, SampleError
from mer_di.executors import local


class Backwards(Executor):
    """Runs what it was given last first, when a result is waited for."""

    def submit(self, task, /, *arguments):
        self.given = [*getattr(self, "given", []), (Future(), task, arguments)]
        if len(self.given) == self.expected:
            for future, call, values in reversed(self.given):
                future.set_result(call(*values))
        return self.given[-1][0]


def ids(tiny):
    return [clip.sample.sample_id for clip in make_plan(load(tiny), plain()).clips]


@pytest.fixture
def empty(tiny, tmp_path):
    """The clips of a plan by their rows, and a file whose rows are waiting for them."""
    clips = make_plan(load(tiny), plain()).clips
    provenance = Provenance("manifest", "0" * 64, "", plain())
    return dict(enumerate(clips)), make_cache(tmp_path / "rows.h5", provenance, [cache_entry(c) for c in clips], {})


@pytest.fixture
def dropping(monkeypatch):
    """Make samples fail while they are rendered."""
    render = tasks.render

    def dropping(*sample_ids):
        def failing(clip, *others):
            if clip.sample.sample_id in sample_ids:
                raise SampleError("frame-unreadable", f"{clip.path} is bad")
            return render(clip, *others)

        monkeypatch.setattr(tasks, "render", failing)

    return dropping


def test_a_row_is_absent_then_whole_and_then_of_other_frames(empty, tiny):
    clips, rows = empty
    with ThreadPoolExecutor(1) as thread:
        assert set(tasks.row_states([*clips.values()], rows, [*clips], thread)) == {"absent"}
        written = dict(tasks.render_rows(clips, plain(), rows, None, thread))
        assert written == {index: rows.digest(index) for index in clips}
        assert set(tasks.row_states([*clips.values()], rows, [*clips], thread)) == {"whole"}
        (clips[2].path / f"img{clips[2].apex}.png").unlink()
        states = tasks.row_states([*clips.values()], rows, [*clips], thread)
    assert [index for index, state in enumerate(states) if state == "of other frames"] == [2]


def test_a_cache_from_clips_that_finish_backwards_is_the_same(tiny, tmp_path):
    executor = Backwards()
    executor.expected = len(ids(tiny))
    one = build_cache(load(tiny), tmp_path / "one.h5", plain())
    other = build_cache(load(tiny), tmp_path / "other.h5", plain(), executor=executor)
    assert one.path.read_bytes() == other.path.read_bytes()


@pytest.mark.parametrize("place", [0, 1, -1])
def test_a_clip_that_is_dropped_while_others_are_written_has_no_row(tiny, tmp_path, dropping, place):
    gone = ids(tiny)[place]
    whole = build_cache(load(tiny), tmp_path / "whole.h5", plain())
    dropping(gone)
    report = build_cache(load(tiny), tmp_path / "less.h5", plain())
    assert gone in report.dropped
    assert report.kept == whole.kept - 1
    with open_cache(whole.path) as all_of_them, open_cache(report.path) as rest:
        rows = [row for row, name in enumerate(all_of_them.column("sample_id")) if name != gone]
        assert list(rest.column("sample_id")) == [all_of_them.column("sample_id")[row] for row in rows]
        for name in ("di/onset", "di/full", "frames/apex", "samples/transform"):
            assert rest.file[name].shape == (len(rows), *all_of_them.file[name].shape[1:])
            assert (rest.file[name][:] == all_of_them.file[name][:][rows]).all()


def test_if_every_clip_is_dropped_there_is_no_cache(tiny, tmp_path, dropping):
    dropping(*ids(tiny))
    with pytest.raises(CacheError, match="no sample is usable"):
        build_cache(load(tiny), tmp_path / "none.h5", plain())
    assert list(tmp_path.glob("*none.h5*")) == []


@pytest.mark.parametrize("where", ["rendering", "closing up"])
def test_a_failure_leaves_the_unfinished_file_and_nothing_else(tiny, tmp_path, monkeypatch, dropping, where):
    names = ids(tiny)
    out = tmp_path / "cache.h5"
    dropping(names[0])
    render = tasks.render

    def rendering(clip, *others):
        if where == "rendering" and clip.sample.sample_id == names[3]:
            raise RuntimeError("rendering")
        return render(clip, *others)

    def closing_up(*_):
        raise RuntimeError("closing up")

    monkeypatch.setattr(tasks, "render", rendering)
    monkeypatch.setattr("mer_di.building.build.make_cache", closing_up)
    with ThreadPoolExecutor(1) as executor, pytest.raises(RuntimeError, match=where):
        build_cache(load(tiny), out, plain(), executor=executor)
    assert [path.name for path in tmp_path.glob(f"*{out.name}*")] == [f"{out.name}.unfinished"]
    monkeypatch.undo()
    assert build_cache(load(tiny), out, plain()).resumed >= 2


def test_what_has_not_begun_never_begins_once_the_generator_is_closed(empty, monkeypatch):
    clips, rows = empty
    render, begun, busy, leave = tasks.render, [], threading.Event(), threading.Event()

    def gated(clip, *others):
        begun.append(clip)
        if len(begun) == 2:
            busy.set()
            assert leave.wait(60)
        return render(clip, *others)

    monkeypatch.setattr(tasks, "render", gated)
    with ThreadPoolExecutor(1) as executor:
        with contextlib.closing(tasks.render_rows(clips, plain(), rows, None, executor)) as found:
            next(found)
            assert busy.wait(60)
        leave.set()
    assert begun == [clips[0], clips[1]]


class Deadly:
    """A path that ends the process that renders from it, once or always."""

    def __init__(self, path, marks=None):
        self.path, self.marks = path, marks

    def __reduce__(self):
        return arrived, (self.path, self.marks)


def arrived(path, marks):
    if multiprocessing.parent_process() and not (marks and marks.exists()):
        if marks:
            marks.touch()
        os._exit(9)
    return path


def deadly(clips, index, marks=None):
    return {**clips, index: replace(clips[index], path=Deadly(clips[index].path, marks))}


def test_a_worker_that_dies_is_told_with_its_sample_and_what_to_do(empty):
    clips, rows = empty
    with (
        pytest.raises(BackendUnavailableError, match=r"a worker died .* s2/a .*two processes.*run the same again"),
        local("processes", 1) as workers,
    ):
        list(tasks.render_rows(deadly(clips, 2), plain(), rows, None, workers))


def test_its_sample_is_rendered_by_another(empty, tmp_path):
    clips, rows = empty
    with local("processes", 1) as workers:
        written = dict(tasks.render_rows(deadly(clips, 2, tmp_path / "died"), plain(), rows, None, workers))
    assert (tmp_path / "died").exists()
    assert written == {index: rows.digest(index) for index in clips}


def test_a_pool_that_dies_with_a_worker_is_told_too(empty):
    clips, rows = empty
    with (
        ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool,
        pytest.raises(
            BackendUnavailableError, match=r"a worker died or was lost while sample s1/a was worked on, or waited"
        ),
    ):
        list(tasks.render_rows(deadly(clips, 0), plain(), rows, None, pool))


def test_a_pool_that_is_shut_down_meanwhile_ends_the_build_in_words(tiny, tmp_path):
    pool = ThreadPoolExecutor(1)

    def shut_down(clip, total):
        if clip is not None:
            pool.shutdown(wait=False, cancel_futures=True)

    with pytest.raises(BackendUnavailableError, match=r"sample s\d/. was given up: .*run the same again"):
        build_cache(load(tiny), tmp_path / "cache.h5", plain(), executor=pool, progress=shut_down)
    with pytest.raises(BackendUnavailableError, match="the executor takes no tasks"):
        build_cache(load(tiny), tmp_path / "cache.h5", plain(), executor=pool)
    pool.shutdown()


class Interrupted(ThreadPoolExecutor):
    """Ctrl-C comes in the middle of handing over the first task, when a lock may be held."""

    handed = 0

    def submit(self, task, /, *arguments):
        if not self.handed:
            signal.raise_signal(signal.SIGINT)
        self.handed += 1
        return super().submit(task, *arguments)


def test_ctrl_c_waits_while_tasks_are_handed_over(empty):
    clips, rows = empty
    with Interrupted(1) as pool:
        with pytest.raises(KeyboardInterrupt):
            list(tasks.render_rows(clips, plain(), rows, None, pool))
        assert pool.handed == len(clips)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_clip_that_a_worker_does_not_find_is_not_dropped(empty, tmp_path):
    clips, rows = empty
    lost = replace(clips[0], path=tmp_path / "share that is not mounted here")
    for task, arguments in ((tasks.render_row, (rows, 0)), (tasks.render_for_nothing, ())):
        with pytest.raises(BackendUnavailableError, match="does not see the same files"):
            task(lost, plain(), None, *arguments)
