from mer_di.report.attention import attentions


def test_the_most_certain_right_and_wrong_sample_of_each_class_is_explained_by_its_fold(run, cache):
    predictions = run.predictions()
    ids, certainties = predictions.sample_ids.tolist(), predictions.probabilities.max(axis=1).tolist()
    subjects = dict(zip(ids, predictions.subjects.tolist(), strict=True))
    judged = list(zip(certainties, ids, predictions.labels.tolist(), predictions.correct.tolist(), strict=True))
    groups = [
        [row for row in judged if row[2:] == (label, right)] for right in (True, False) for label in predictions.classes
    ]
    expected = [max(group) for group in groups if group]
    assert {right for *_, right in expected} == {True, False}
    files = {name: f"{subject}.json" for name, subject in subjects.items()}
    found = attentions(run, predictions, files, {name: (cache, row) for row, name in enumerate(ids)})
    assert [(item.probability, item.sample_id, item.label, item.label == item.predicted) for item in found] == expected
    assert all(item.fold == subjects[item.sample_id] for item in found)
    assert {tuple(name for name, *_ in item.streams) for item in found} == {("onset", "offset")}
