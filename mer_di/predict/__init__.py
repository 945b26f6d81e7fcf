"""Class probabilities of new clips: named one by one, or the rows of a table."""

from mer_di.predict.clips import Clip, Prediction, predict
from mer_di.predict.table import TableReport, predict_table

__all__ = ["Clip", "Prediction", "TableReport", "predict", "predict_table"]
