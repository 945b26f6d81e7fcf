"""Clips rendered in any order, told of and written in the order of the plan, while others are rendered."""

import contextlib
import threading
from concurrent.futures import Executor, Future, ThreadPoolExecutor

import pytest
from tiny_build import assert_same_content, load, plain

from mer_di import build_cache
from mer_di.building import build, tasks
from mer_di.building.parts import Parts
from mer_di.building.plan import make_plan
from mer_di.cache import open_cache
from mer_di.errors import CacheError, SampleError


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


def test_clips_that_finish_backwards_are_yielded_in_order(tiny, tmp_path):
    plan = make_plan(load(tiny), plain())
    executor = Backwards()
    executor.expected = len(plan.clips)
    parts = Parts(tmp_path / "parts")
    parts.claim({})
    told = []
    found = tasks.outcomes(plan, plain(), parts, executor=executor, progress=lambda clip, total: told.append(total))
    assert [clip for clip, _ in found] == list(plan.clips)
    assert told == [len(plan.clips)] * (len(plan.clips) + 1)


def test_a_cache_from_clips_that_finish_backwards_is_the_same(tiny, tmp_path):
    executor = Backwards()
    executor.expected = len(ids(tiny))
    one = build_cache(load(tiny), tmp_path / "one.h5", plain())
    other = build_cache(load(tiny), tmp_path / "other.h5", plain(), executor=executor)
    assert_same_content(one.path, other.path)


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


def test_clips_are_written_while_others_are_rendered(tiny, tmp_path, monkeypatch):
    first, *_, last = ids(tiny)
    written = threading.Event()
    render, cached = tasks.render, build.cache_entry

    def waiting(clip, *others):
        if clip.sample.sample_id == last:
            assert written.wait(60)
        return render(clip, *others)

    def telling(clip, rendered):
        if clip.sample.sample_id == first:
            written.set()
        return cached(clip, rendered)

    monkeypatch.setattr(tasks, "render", waiting)
    monkeypatch.setattr(build, "cache_entry", telling)
    build_cache(load(tiny), tmp_path / "cache.h5", plain())
    assert written.is_set()


@pytest.mark.parametrize("where", ["rendering", "writing"])
def test_a_failure_leaves_the_finished_parts_and_nothing_else(tiny, tmp_path, monkeypatch, where):
    names = ids(tiny)
    out = tmp_path / "cache.h5"
    render, cached = tasks.render, build.cache_entry

    def rendering(clip, *others):
        if where == "rendering" and clip.sample.sample_id == names[2]:
            raise RuntimeError("rendering")
        return render(clip, *others)

    def writing(clip, rendered):
        if where == "writing" and clip.sample.sample_id == names[2]:
            raise RuntimeError("writing")
        return cached(clip, rendered)

    monkeypatch.setattr(tasks, "render", rendering)
    monkeypatch.setattr(build, "cache_entry", writing)
    with ThreadPoolExecutor(1) as executor, pytest.raises(RuntimeError, match=where):
        build_cache(load(tiny), out, plain(), executor=executor)
    assert [path.name for path in tmp_path.glob(f"*{out.name}*")] == [f"{out.name}.parts"]
    monkeypatch.undo()
    assert build_cache(load(tiny), out, plain()).resumed >= 2


def test_what_has_not_begun_never_begins_once_the_generator_is_closed(tiny, tmp_path, monkeypatch):
    plan = make_plan(load(tiny), plain())
    parts = Parts(tmp_path / "parts")
    parts.claim({})
    render, begun, busy, leave = tasks.render, [], threading.Event(), threading.Event()

    def gated(clip, *others):
        begun.append(clip)
        if len(begun) == 2:
            busy.set()
            assert leave.wait(60)
        return render(clip, *others)

    monkeypatch.setattr(tasks, "render", gated)
    with ThreadPoolExecutor(1) as executor:
        with contextlib.closing(tasks.outcomes(plan, plain(), parts, executor=executor)) as found:
            next(found)
            assert busy.wait(60)
        leave.set()
    assert begun == list(plan.clips[:2])
