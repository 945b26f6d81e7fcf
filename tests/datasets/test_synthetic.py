from lookalikes import write_mmew

from mer_di.datasets import Database, load_dataset, synthetic


def test_synthetic_is_drawn_when_no_root_is_named(monkeypatch, tmp_path):
    write_mmew(tmp_path)
    monkeypatch.setattr(synthetic, "default_database", lambda: tmp_path)
    monkeypatch.setenv("MER_DI_DATA", "/nowhere")
    database = load_dataset("synthetic")
    assert isinstance(database, Database)
    assert {sample.dataset for sample in database.samples} == {"synthetic"}
    assert (database.registered, database.table_version, len(database.samples)) == (True, "unversioned", 300)
    assert database.published()[0] == ("anger", 8, None)
    assert load_dataset("synthetic", tmp_path).samples == database.samples
