from tiny_build import load, plain

from mer_di.building.build import build_cache
from mer_di.cache import open_cache
from mer_di.inspection.comparison import compare


def test_comparing_names_recipe_samples_and_pixels(built, tiny, tmp_path):
    tiny.rows[0]["apex"] = "/"
    tiny.rows[1]["emotion"] = "happiness"
    tiny.write_table()
    build_cache(load(tiny), tmp_path / "other.h5", plain(scheme="harmonic_arp"))
    with open_cache(tmp_path / "other.h5") as other:
        found = compare(built, other)
    assert found.recipe == ['scheme: "arp" | "harmonic_arp"']
    assert len(found.only_a) == 1
    assert found.only_a[0].startswith("s1/a (apex-missing")
    assert found.only_b == []
    assert any(line.startswith("s1/b: emotion surprise | happiness, di/onset by up to") for line in found.samples)
    assert not found.equal
    assert compare(built, built).equal
