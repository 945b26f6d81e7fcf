"""How Sphinx builds this site: offline, with every warning an error (see bin/docs)."""

import sys
from pathlib import Path

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS), str(DOCS.parent / "tests")]  # the look-alikes of the databases live with the tests

import fragments  # noqa: E402

import mer_di  # noqa: E402

project = "mer_di"
author = "The mer_di developers"
version = release = mer_di.__version__

extensions = ["myst_parser", "numpydoc", "sphinx.ext.autodoc", "sphinx_click", "from_code"]
exclude_patterns = ["_build"]
default_role = "py:obj"  # what single backticks mean in the docstrings
smartquotes_action = "qe"  # quotes and ellipses; two hyphens begin an option

html_theme = "furo"
html_title = f"mer_di {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = html_show_sourcelink = html_show_copyright = False
html_math_renderer = "mathml"  # of from_code; MathJax would be fetched from the network

myst_enable_extensions = ["colon_fence", "dollarmath", "substitution"]
myst_heading_anchors = 3
myst_substitutions = fragments.numbers()

autodoc_typehints = "none"  # shapes, dtypes and ranges stand in the numpydoc sections
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
