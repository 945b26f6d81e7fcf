"""Leave-one-subject-out with a model of your own: here scikit-learn's ridge classifier.

python own_loso.py CACHE.h5        make one with: mer-di build --out synthetic.h5
"""

import sys

import numpy as np
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mer_di.evaluation.metrics import bootstrap_intervals, per_subject, scores
from mer_di.evaluation.protocol import loso, require_honest
from mer_di.torch_dataset import DynamicImageDataset

data = DynamicImageDataset(sys.argv[1], size=16)
features = data.load().images.flatten(1).numpy()  # (N, 2·3·16·16)
labels, subjects = data.labels, data.subjects

predicted = np.empty_like(labels)
for fold in loso(subjects, validation_subjects=0, seed=0):
    require_honest(fold, subjects)
    # Whatever is fitted is fitted within the fold, the scaler too: the held-out subject decides nothing.
    model = make_pipeline(StandardScaler(), RidgeClassifier(alpha=1000.0))
    model.fit(features[fold.train], labels[fold.train])
    predicted[fold.test] = model.predict(features[fold.test])

found = scores(labels, predicted, data.classes)  # pooled over the folds, then scored once
print(f"n = {found.n}, accuracy {found.accuracy:.3f}, UF1 {found.uf1:.3f}, UAR {found.uar:.3f}")
intervals = bootstrap_intervals(labels, predicted, subjects, len(data.classes))  # over subjects, not samples
if intervals:
    low, high = intervals.accuracy
    print(f"accuracy, 95 % interval over {intervals.n_subjects} subjects: {low:.3f} .. {high:.3f}")
for person in per_subject(labels, predicted, subjects):
    print(f"{person.subject}: {person.correct} of {person.n}")
