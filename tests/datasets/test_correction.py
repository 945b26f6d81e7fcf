"""Corrections: they apply where they fit, and refuse where they do not."""

from dataclasses import replace

import pytest

from mer_di.datasets import SETS
from mer_di.datasets.casme2 import CORRECTIONS as CASME2
from mer_di.datasets.correction import Correction, choose_corrections, correct
from mer_di.datasets.samm import CORRECTIONS as SAMM
from mer_di.errors import AnnotationError, InputError
from mer_di.sample import Sample


def sample(clip="c", onset=1, apex=5, offset=9, unread=()):
    return Sample("casme2", "sub01", clip, onset, apex, offset, "others", unread=unread)


def correction(set_name="released", field="offset", was=9, now=8, sample_id="sub01/c"):
    return Correction(set_name, sample_id, field, was, now, "because", "somebody")


def test_a_correction_that_fits_changes_one_cell_of_one_sample():
    corrected = correct([sample(), sample("d")], [correction()])
    assert corrected.samples == (sample(offset=8), sample("d"))
    assert corrected.applied == (correction(),)
    assert corrected.findings == ()


def test_a_cell_without_number_is_matched_by_its_text():
    before = sample(apex=None, unread=(("apex", "/"),))
    corrected = correct([before], [correction(field="apex", was="/", now=4)])
    assert corrected.samples == (sample(apex=4),)
    with pytest.raises(AnnotationError, match=r"apex '\?'"):
        correct([sample(apex=None, unread=(("apex", "?"),))], [correction(field="apex", was="/", now=4)])


def test_other_unread_cells_stay_unread():
    before = sample(onset=None, apex=None, unread=(("onset", ""), ("apex", "/")))
    (after,) = correct([before], [correction(field="apex", was="/", now=4)]).samples
    assert after.unread == (("onset", ""),)


def test_the_new_value_already_there_is_a_finding():
    corrected = correct([sample(offset=8)], [correction()])
    assert (corrected.samples, corrected.applied) == ((sample(offset=8),), ())
    assert [finding.kind for finding in corrected.findings] == ["correction-already-made"]


def test_no_such_clip_is_a_finding():
    corrected = correct([sample("d")], [correction()])
    assert corrected.applied == ()
    assert [(finding.kind, finding.where) for finding in corrected.findings] == [
        ("correction-not-applicable", "sub01/c")
    ]


def test_a_third_value_is_refused_with_the_way_out():
    with pytest.raises(AnnotationError) as caught:
        correct([sample(offset=7)], [correction()])
    for part in ("sub01/c", "offset 7", "'released'", "9 by 8", "--corrections none"):
        assert part in str(caught.value)


def test_a_correction_of_any_value_says_which_it_replaced():
    corrected = correct([sample()], [correction(was=None)])
    assert corrected.samples == (sample(offset=8),)
    assert corrected.applied == (correction(was=9),)


def test_a_row_of_another_table_is_left_and_told():
    known = replace(correction(), onset=4)
    corrected = correct([sample()], [known])
    assert (corrected.samples, corrected.applied) == ((sample(),), ())
    (finding,) = corrected.findings
    assert finding.kind == "correction-not-applicable"
    assert "the table's onset is 1, in the table that was corrected it is 4" in finding.message


def test_two_sets_may_correct_rows_of_two_tables():
    known = (replace(correction(), onset=1), replace(correction("meb", now=7), onset=4))
    assert choose_corrections(known, ["released", "meb"]) == known


def test_sets_are_chosen_by_name():
    known = [correction(), correction("meb", "apex", 5, 6)]
    assert choose_corrections(known, ["meb"]) == (known[1],)
    assert set(choose_corrections(known, ["released", "meb"])) == set(known)
    assert choose_corrections(known, ["none"]) == choose_corrections(known, []) == ()


def test_two_sets_may_agree_and_are_refused_where_they_disagree():
    known = (correction("meb"), correction())
    chosen = choose_corrections(known, ["released", "meb"])
    assert [item.set_name for item in chosen] == ["released", "meb"]
    assert correct([sample()], chosen).samples == (sample(offset=8),)
    with pytest.raises(InputError, match=r"'released' and 'meb' want offset 8 and 7 for sub01/c"):
        choose_corrections([correction(), correction("meb", now=7)], ["released", "meb"])


@pytest.mark.parametrize("known", [CASME2, SAMM])
def test_the_two_laboratories_contradict_each_other(known):
    with pytest.raises(InputError, match="'meb' and 'qqxuyujie'"):
        choose_corrections(known, ["meb", "qqxuyujie"])


def test_none_stands_alone_and_names_are_checked():
    with pytest.raises(InputError, match="'none' stands alone"):
        choose_corrections([], ["none", "meb"])
    with pytest.raises(InputError, match=rf"'mebb'.*{', '.join(SETS)}"):
        choose_corrections([], ["mebb"])


@pytest.mark.parametrize("item", [*CASME2, *SAMM])
def test_every_known_correction_states_its_case(item):
    assert item.set_name in SETS
    assert item.field in ("onset", "apex", "offset")
    assert item.was != item.now
    assert item.why
    assert item.source
