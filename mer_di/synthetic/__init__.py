"""Draws a micro-expression database in any database's official layout, for whoever has no licence.

One photograph in the public domain becomes many invented people; action units move their faces by one or two
pixels. Nothing here is anybody's data, and nothing is learned from: what a model scores on it says that a pipeline
works, not how well it recognizes real micro-expressions.
"""

from mer_di.synthetic.clip import DrawnClip, draw_clip
from mer_di.synthetic.database import default_database, write_database
from mer_di.synthetic.layouts import LAYOUTS

__all__ = ["LAYOUTS", "DrawnClip", "default_database", "draw_clip", "write_database"]
