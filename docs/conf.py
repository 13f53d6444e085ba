"""Configuration of the documentation: everything is built from this repository."""

import sys
from pathlib import Path

import matplotlib

import skgd

matplotlib.use("Agg")
sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "skgd"
author = "The skgd developers"
copyright = author
version = release = skgd.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
    "completeness",
    "initials",
    "mathml",
    "optimizer_guide",
    "short_names",
]

default_role = "py:obj"
exclude_patterns = ["_build", "**/GALLERY_HEADER.rst"]
templates_path = ["_templates"]
nitpicky = True
nitpick_ignore_regex = [
    ("py:.*", r"(numpy|np|scipy|sklearn|torch|optax|matplotlib)(\..*)?"),
    ("py:.*", r"(abc|typing|collections|datetime)\..*"),
    ("py:.*", r"ndarray|array-like|optional|callable|Self|OptimizeResult"),
    ("py:.*", r"StopIteration|StandardScaler|ConvergenceWarning"),
]

# API
autosummary_generate = True
autosummary_ignore_module_all = False
autodoc_member_order = "bysource"
autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

# Gallery
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "subsection_order": [
        f"../examples/{section}" for section in ("functions", "fitting", "estimators")
    ],
    "filename_pattern": r"\.py$",
    "abort_on_example_error": True,
    "capture_repr": (),
    "copyfile_regex": r".*\.rst",
    "doc_module": ("skgd",),
    "backreferences_dir": "generated/backreferences",
    "inspect_global_variables": True,
    "image_scrapers": ("matplotlib",),
    "matplotlib_animations": True,
    "min_reported_time": 3600,
    "nested_sections": False,
    "reference_url": {"skgd": None},
    "remove_config_comments": True,
    "show_memory": False,
    "show_signature": False,
    "within_subsection_order": "gallery_order.position",
    "write_computation_times": False,
}

# Markdown
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
suppress_warnings = ["config.cache"]

# HTML
html_theme = "pydata_sphinx_theme"
html_title = "skgd"
html_static_path = ["_static"]
html_css_files = ["skgd.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {"text": "skgd"},
    "navbar_end": ["theme-switcher"],
    "navbar_align": "left",
    "header_links_before_dropdown": 5,
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version"],
    "secondary_sidebar_items": ["page-toc"],
}
# Pages without pages below them.
html_sidebars = {
    name: []
    for name in (
        "index",
        "getting_started",
        "choosing",
        "streaming",
        "coming_from",
        "extending",
        "performance",
        "defaults",
        "optimizers",
        "faq",
        "changelog",
    )
}
