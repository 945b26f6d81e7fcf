import shutil

from mer_di.evaluation.run import Run
from mer_di.report.caches import find_caches


def test_caches_are_found_where_they_were_or_near_the_run(run, cache, tmp_path):
    (found,) = find_caches(run)
    assert (found.path, found.problem) == (cache.resolve(), "")
    moved = Run(tmp_path / "archive" / "runs" / "mine")
    shutil.copytree(run.folder, moved.folder)
    assert find_caches(moved) == [found]
    results = moved.results()
    moved.write_results(results | {"caches": [{**results["caches"][0], "path": str(tmp_path / "gone.h5")}]})
    (lost,) = find_caches(moved)
    assert lost.path is None
    assert "no cache of 'tiny' was found" in lost.problem
    copy = shutil.copy(cache, tmp_path / "archive" / "same.h5")
    assert find_caches(moved)[0].path == copy
