from html_page import Page

from mer_di.report import write_comparison_report


def test_the_comparison_lists_who_alone_was_right(run, other, place):
    write_comparison_report(run.folder, other.folder, place / "ab.html")
    page = Page(place / "ab.html")
    a, b = run.predictions(), other.predictions()
    for side, mine, theirs in (("only A", a, b), ("only B", b, a)):
        names = mine.sample_ids[mine.correct & ~theirs.correct]
        assert sum(words == side for words in page.words) == len(names)
        assert all(str(name) in page.text for name in names)
    assert "learning rate 0.0001 → 0.01" in page.text
