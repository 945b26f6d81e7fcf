"""Label schemes: which emotions of which database are one class, as data. A composite is one, and a reduced set."""

from mer_di.labels.labelling import Labelled as Labelled
from mer_di.labels.labelling import labelled as labelled
from mer_di.labels.scheme import DatabaseLabels as DatabaseLabels
from mer_di.labels.scheme import LabelScheme as LabelScheme
from mer_di.labels.scheme import list_schemes as list_schemes
from mer_di.labels.scheme import read_scheme as read_scheme
from mer_di.labels.scheme import scheme_text as scheme_text
