import mer_di
from mer_di.inspection.doctor import examine


def test_every_unusable_sample_has_a_kind_and_a_detail(tiny):
    tiny.rows[0]["apex"] = "/"
    tiny.rows[3]["path"] = "s2/elsewhere"
    tiny.write_table()
    found = examine(mer_di.load_dataset("manifest", tiny.table))
    assert [(row["sample_id"], row["kind"]) for row in found.unusable] == [
        ("s1/a", "apex-missing"),
        ("s2/b", "clip-not-found"),
    ]
    assert all(row["detail"] for row in found.unusable)
    assert (found.samples, found.subjects, found.usable) == (6, 3, 4)
    assert found.reasons == {"apex-missing": 1, "clip-not-found": 1}


def test_the_policy_of_the_build_is_the_policy_of_the_doctor(tiny):
    tiny.rows[0]["apex"] = "/"
    tiny.write_table()
    assert examine(mer_di.load_dataset("manifest", tiny.table), apex_policy="midpoint").unusable == []


def test_videos_are_decoded_because_their_headers_lie(media):
    found = examine(mer_di.load_dataset("manifest", media / "manifest.csv"))
    assert found.unusable == []
    assert (found.samples, found.subjects) == (44, 10)
    assert [(row["emotion"], row["found"]) for row in found.classes] == [("speaking", 22), ("still", 22)]
