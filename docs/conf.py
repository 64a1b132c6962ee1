"""Sphinx configuration; pages are MyST Markdown, docstrings numpydoc.  Extra: docs.

    pip install ".[docs]" && sphinx-build -W docs docs/_build
"""

from dualdiff import __version__

project = "dualdiff"
release = version = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "numpydoc"]
autosummary_generate = False
numpydoc_show_class_members = False
exclude_patterns = ["_build"]
html_theme = "alabaster"
html_theme_options = {"description": "Derivatives of plain NumPy code, to any order"}
