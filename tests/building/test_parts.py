"""Builds that were interrupted, and what they left behind."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest
from tiny_build import assert_same_content, load, plain

from mer_di.building.build import build_cache
from mer_di.building.parts import Parts
from mer_di.errors import CacheError


class Stop(Exception):
    pass


def stop_after(count):
    seen = []

    def progress(clip, total):
        seen.append(clip)
        if len(seen) > count:
            raise Stop

    return progress


def test_an_interrupted_build_resumes(built, tiny, tmp_path):
    out = tmp_path / "resumed.h5"
    with pytest.raises(Stop):
        build_cache(load(tiny), out, plain(), progress=stop_after(3))
    assert not out.exists()
    report = build_cache(load(tiny), out, plain())
    assert report.resumed >= 3
    assert_same_content(built.path, out)
    assert not Parts.beside(out).folder.exists()


def test_an_interrupted_build_refuses_another_recipe(tiny, tmp_path):
    out = tmp_path / "resumed.h5"
    with pytest.raises(Stop):
        build_cache(load(tiny), out, plain(), progress=stop_after(2))
    with pytest.raises(CacheError, match=r"size: 8 \| 20"):
        build_cache(load(tiny), out, plain(size=8))
    build_cache(load(tiny), out, plain(size=8), overwrite=True)


@pytest.mark.parametrize("left", [0, 5, 100, -1])
def test_a_damaged_part_is_named(tiny, tmp_path, left):
    out = tmp_path / "resumed.h5"
    with pytest.raises(Stop):
        build_cache(load(tiny), out, plain(), progress=stop_after(2))
    part = next(Parts.beside(out).folder.glob("*.npy"))
    part.write_bytes(part.read_bytes()[:left])
    with pytest.raises(CacheError, match=f"{part.name} is damaged"):
        build_cache(load(tiny), out, plain())


KILLED = """
import sys, time
import mer_di, mer_di.building.build, mer_di.building.rendering
from mer_di.recipe import Recipe
render = mer_di.building.tasks.render
def slowly(*args):
    time.sleep(0.02)
    return render(*args)
mer_di.building.tasks.render = slowly
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(2) as pool:
    mer_di.building.build.build_cache(
        mer_di.load_dataset("manifest", sys.argv[1]), sys.argv[2], Recipe.from_text(sys.argv[3]), executor=pool,
        progress=lambda clip, total: print("clip", flush=True),
    )
"""


def test_a_build_killed_at_random_moments_equals_an_uninterrupted_one(empty_database, tmp_path):
    """SIGKILL ten times, then finish."""
    for index in range(60):
        emotion = "happiness" if index % 2 else "surprise"
        empty_database.add(f"s{index % 5}", f"c{index}", onset=1, apex=3, offset=6, emotion=emotion)
    empty_database.write_table()
    whole, killed = tmp_path / "whole.h5", tmp_path / "killed.h5"
    build_cache(load(empty_database), whole, plain())
    moments = random.Random(3)
    command = [sys.executable, "-c", KILLED, str(empty_database.table), str(killed), plain().text]
    for _ in range(10):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        already = len(list(Parts.beside(killed).folder.glob("[!.]*.npy")))
        for _ in range(1 + already + moments.randrange(6)):
            assert process.stdout.readline() == "clip\n"
        time.sleep(moments.uniform(0.0, 0.04))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
    report = build_cache(load(empty_database), killed, plain())
    assert 0 < report.resumed < 60
    assert_same_content(whole, killed)
    assert not list(tmp_path.glob(".killed*"))
    assert not Parts.beside(killed).folder.exists()
