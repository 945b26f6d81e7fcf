import dataclasses

from html_page import Page

from mer_di.experiments import load_table
from mer_di.experiments.reproduction import ReproducedRow, Reproduction
from mer_di.report import write_reproduction_report


def test_the_page_shows_the_papers_number_beside_ours_and_where_it_comes_from(run, place):
    results = run.results()
    ours = dataclasses.make_dataclass("Results", results)(**results)
    rows = tuple(
        ReproducedRow(row, ours, ours, departures=["without gender"])
        if row.method == "GEME"
        else ReproducedRow(row, problem="could not run: no weights")
        for row in load_table("table1").rows
    )
    found = Reproduction(load_table("table1"), "samm", rows, ["epochs 3 instead of 50"])
    write_reproduction_report(found, place / "table.html")
    page = Page(place / "table.html")
    for said in ("55.88 %", f"{100 * ours.accuracy:.1f} %", "without gender", "epochs 3 instead of 50", "Shuffled"):
        assert said in page.text
    for said in ("136", "arXiv 2107.02823", "validation loss", "could not run: no weights"):
        assert said in page.text
    assert "GEME, DI + gender: paper 55.9 %" in (place / "table.html").read_text(encoding="utf-8")
